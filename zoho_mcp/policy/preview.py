"""What a person is shown before they say yes, from a fresh read of the record; and the mark by which a change of it is
noticed. Pure: losses.py knows what else a tool takes with it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.specs.model import Operation
from zoho_mcp.text import clean as clean_text
from zoho_mcp.text import fill

Detail = tuple[str, str]
_MONEY = frozenset({"total", "balance", "amount", "rate", "payment_made", "credits_applied", "unused_amount",
                    "outstanding_receivable_amount", "unused_credits_receivable_amount"})  # fmt: skip
_DETAILS = (
    ("customer_name", "Customer"),
    ("contact_name", "Name"),
    ("company_name", "Company"),
    ("email", "E-mail"),
    ("name", "Name"),
    ("date", "Date"),
    ("due_date", "Due"),
    ("status", "Status"),
    ("total", "Total"),
    ("amount", "Amount"),
    ("payment_made", "Paid so far"),
    ("balance", "Still open"),
    ("outstanding_receivable_amount", "Owes"),
    ("unused_credits_receivable_amount", "Unused credits"),
    ("reference_number", "Reference"),
    ("last_modified_time", "Last changed"),
)
_CREDIT_NOTE = {"balance": "Unused"}
_NUMBERS = ("invoice_number", "estimate_number", "creditnote_number", "payment_number")
LONGEST_VALUE = 80
"""Characters of a record's text in a question: texts are written by others and must not crowd out the question."""
MOST_ROWS = 10
"""Of anything that is listed."""


@dataclass(frozen=True, slots=True)
class More:
    """What one tool adds to the question, beyond the record itself."""

    details: tuple[Detail, ...] = ()
    question: str = ""
    """Instead of the one in the tool's spec."""
    refusal: str = ""
    """Why Zoho would refuse anyway; then nobody is asked."""
    instead: str = ""
    """What to do then."""
    amount: Decimal | None = None
    """What it is about, where that is not the record's own amount."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is shown before saying yes, and `version`, which changes when anything of it does."""

    question: str
    details: tuple[Detail, ...]
    version: str
    number: str = ""
    """The record's own number, as people know it; empty when it has none."""
    amount: Decimal | None = None
    """What the call is about, in `currency`."""
    currency: str = ""

    def text(self) -> str:
        """The question and its details, a line each."""
        return "\n".join([self.question, *(f"{label}: {value}" for label, value in self.details)])


def preview(
    operation: Operation,
    record: Mapping[str, Any],
    arguments: Mapping[str, Any] | None = None,
    more: More | None = None,
) -> Preview:
    """The question with the record's own figures. A tool without a question of its own is asked about by its title,
    with its arguments.
    """
    more = more or More()
    own = operation.confirm is not None
    question = more.question or (filled(operation.confirm.ask, record) if operation.confirm else _by_title(operation))
    labels = dict(_DETAILS) | (_CREDIT_NOTE if "creditnote_number" in record else {})
    shown = tuple((labels[field], text_of(field, record)) for field in labels if record.get(field) not in (None, ""))
    details = (*more.details, *(() if own else described(operation, arguments or {})), *shown)
    number = next((text_of(name, record) for name in _NUMBERS if record.get(name)), "")
    if number and not own:
        details = (("Number", number), *details)
    amount = more.amount if more.amount is not None else _amount(record)
    seen = json.dumps([version(record), question, details])
    mark = hashlib.sha256(seen.encode()).hexdigest()
    return Preview(question, details, mark, number, amount, text_of("currency_code", record))


def filled(question: str, record: Mapping[str, Any]) -> str:
    """A question with its `{field}`s from the record."""
    return fill(question, lambda name: text_of(name, record))


def version(record: Mapping[str, Any]) -> str:
    """A mark that differs once the record was changed: its time of change with its state and amounts.

    Not the whole record: Zoho computes some fields anew on every read.
    """
    fields = ("last_modified_time", "status", "total", "balance", "amount", "unused_amount")
    seen = {field: str(record[field]) for field in fields if field in record}
    if not record.get("last_modified_time"):
        seen = {field: str(value) for field, value in record.items()}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def fingerprint(tool: str, arguments: Mapping[str, Any], organization_id: str, record_version: str) -> str:
    """What a yes is bound to: this tool, these arguments, this organisation, this state of the record."""
    bound = [tool, arguments, organization_id, record_version]
    return hashlib.sha256(json.dumps(bound, sort_keys=True, default=str).encode()).hexdigest()


def described(operation: Operation, arguments: Mapping[str, Any]) -> tuple[Detail, ...]:
    """The arguments in words, ids left out that name the record itself."""
    required = operation.input.get("required", ())
    rows = [
        (name.replace("_", " ").capitalize() + at, text)
        for name, value in arguments.items()
        if not (name.endswith("_id") and name in required)
        for at, text in _rows(value)
    ]
    return limited(rows, "more of the call")


def limited(rows: list[Detail], what: str) -> tuple[Detail, ...]:
    """The first rows, and how many there are beyond."""
    left = len(rows) - MOST_ROWS
    return (*rows[:MOST_ROWS], *([("And", f"{left} {what}")] if left > 0 else ()))


def money(value: Any, currency: str = "") -> str:
    """An amount to the digit: 1,234.50 USD."""
    number = Decimal(str(value))
    digits = max(2, -int(number.as_tuple().exponent))
    return f"{number:,.{digits}f} {currency}".strip()


def clean(value: Any) -> str:
    """A text of others: on one line, without control characters, cut."""
    return clean_text(value, LONGEST_VALUE)


def text_of(field: str, record: Mapping[str, Any]) -> str:
    """A field as a person reads it."""
    value = record.get(field, "")
    is_money = field in _MONEY and isinstance(value, int | Decimal) and not isinstance(value, bool)
    return money(value) if is_money else clean(value)


def _by_title(operation: Operation) -> str:
    return f"{operation.title}?"


def _amount(record: Mapping[str, Any]) -> Decimal | None:
    return next((Decimal(record[name]) for name in ("total", "amount") if isinstance(record.get(name), int | Decimal)),
                None)  # fmt: skip


def _rows(value: Any) -> Iterable[Detail]:
    """One row for a plain value; for a list one per entry, for an object its fields in one line."""
    if isinstance(value, list):
        for number, part in enumerate(cast("list[Any]", value), 1):
            yield f" {number}", next(iter(_rows(part)), ("", ""))[1]
    elif isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        yield "", clean(", ".join(f"{name} {_plain(part)}" for name, part in parts.items()))
    else:
        yield "", clean(_plain(value))


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
