"""What a person is shown before approving a call, from a fresh read of the record; and the mark by which a change of
the record is noticed. Pure: consequences.py knows what else a tool takes with it, losses.py what an update takes away.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zoho_mcp.policy import display
from zoho_mcp.policy.arguments_in_words import argument_rows, long_texts
from zoho_mcp.policy.display import (
    MONEY,
    Detail,
    Json,
    currency_of,
    decimal,
    is_date,
    money,
    quoted,
    spelled_date,
)
from zoho_mcp.policy.losses import NONE, Losses
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import fill, one_line, placeholders

_DETAILS = (
    ("total", "Total"),
    ("amount", "Amount"),
    ("payment_made", "Paid so far"),
    ("balance", "Still open"),
    ("outstanding_receivable_amount", "Owes"),
    ("unused_credits_receivable_amount", "Unused credits"),
    ("date", "Date"),
    ("due_date", "Due"),
    ("status", "Status"),
    ("customer_name", "Customer"),
    ("contact_name", "Name"),
    ("company_name", "Company"),
    ("email", "E-mail"),
    ("name", "Name"),
    ("reference_number", "Reference"),
    ("last_modified_time", "Last changed"),
)
_CREDIT_NOTE = {"balance": "Unused"}
_NUMBERS = ("invoice_number", "estimate_number", "creditnote_number", "payment_number")
_PLAIN_WORD = re.compile(r"[\w./#-]{1,40}")
_OUR_WORDS = ("status", "currency_code", *_NUMBERS)
_BEGINNING = 400
"""Characters of a long text in a client's window; the page shows all of it."""
FINAL = "This cannot be undone."


@dataclass(frozen=True, slots=True)
class More:
    """What one tool adds to the question, beyond the record itself."""

    losses: tuple[Detail, ...] = ()
    details: tuple[Detail, ...] = ()
    question: str = ""
    """Instead of the one in the tool's spec."""
    refusal: str = ""
    """Why Zoho would refuse anyway; then nobody is asked."""
    code: int = 0
    """The code with which it would."""
    instead: str = ""
    """What to do then."""
    amount: Decimal | None = None
    """What it is about, where that is not the record's own amount."""
    covers: frozenset[str] = frozenset()
    """Arguments that `losses` and `details` show already."""
    texts: tuple[Detail, ...] = ()
    """Texts to be shown whole where there is room."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is shown before approving, and `version`, which changes when anything of it does.

    Texts of others are marked in all of its texts (`display`).
    """

    question: str
    losses: tuple[Detail, ...]
    details: tuple[Detail, ...]
    version: str
    texts: tuple[Detail, ...] = ()
    number: str = ""
    """The record's own number, as people know it; empty when it has none."""
    amount: Decimal | None = None
    """What the call is about, in `currency`."""
    currency: str = ""
    done: str = ""
    """What is true once the call has run; empty where the entry does not say."""
    final: bool = False
    """Whether it cannot be undone."""
    about: frozenset[str] = frozenset()
    """The ids of the record and of its customer."""

    def text(self) -> str:
        """The whole question for a client's window, a line for each part."""
        rows = [f"{label}: {display.for_client(value)}" for label, value in (*self.losses, *self.details)]
        rows += [
            f"{label} ({len(text)} characters): {display.for_client(quoted(text, _BEGINNING))}"
            for label, text in self.texts
        ]
        return "\n".join([display.for_client(self.question), *rows, *([FINAL] if self.final else [])])


def preview(
    operation: Operation,
    record: Json,
    arguments: Json | None = None,
    more: More | None = None,
    losses: Losses = NONE,
) -> Preview:
    """The question with the record's own figures. A tool without a question of its own is asked about by its title."""
    more, arguments = more or More(), arguments or {}
    confirm = operation.confirm
    question = more.question or (filled(confirm.ask, record) if confirm else f"{operation.title}?")
    number = next((text_of(name, record) for name in _NUMBERS if record.get(name)), "")
    if number and confirm is None:
        title, named = re.subn("^(Change) an? ", r"\1 ", operation.title)
        question = f"{title}{'' if named else ':'} {number}?"
    named = placeholders(operation.http.path)
    given = {name: value for name, value in arguments.items() if name not in more.covers and name not in named}
    details = (*more.details, *(argument_rows(operation, given, record) if given else ()), *_record_rows(record))
    texts = (*more.texts, *(long_texts(given) if given else ()))
    taken = (*more.losses, *losses.rows)
    ids = [arguments.get(name) for name in named]
    seen = json.dumps([version(record), question, taken, details, texts])
    return Preview(
        question,
        taken,
        details,
        hashlib.sha256(seen.encode()).hexdigest(),
        texts,
        number,
        more.amount if more.amount is not None else _amount(record),
        text_of("currency_code", record),
        filled(confirm.done, record) if confirm else "",
        # A mail cannot be taken back, whichever tool sends it.
        (confirm is not None and confirm.final) or effect_of(operation, arguments) == "send",
        frozenset(str(one) for one in (*ids, record.get("customer_id")) if one),
    )


def filled(question: str, record: Json) -> str:
    """A question with its `{field}`s from the record."""
    return fill(question, lambda name: text_of(name, record))


def version(record: Json) -> str:
    """A mark that differs once the record was changed: its time of change with its state and amounts.

    Not the whole record: Zoho computes some fields again on every read.
    """
    fields = ("last_modified_time", "status", "total", "balance", "amount", "unused_amount")
    seen = {field: str(record[field]) for field in fields if field in record}
    if not record.get("last_modified_time"):
        seen = {field: str(value) for field, value in record.items()}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def fingerprint(tool: str, arguments: Mapping[str, Any], organization_id: str, record_version: str) -> str:
    """What an approval is bound to: this tool, these arguments, this organisation, this state of the record."""
    bound = [tool, arguments, organization_id, record_version]
    return hashlib.sha256(json.dumps(bound, sort_keys=True, default=str).encode()).hexdigest()


def text_of(field: str, record: Json) -> str:
    """A field as a person reads it; what others wrote is quoted."""
    value = record.get(field, "")
    if field in MONEY and not isinstance(value, bool) and (number := decimal(value)) is not None:
        return money(number)
    if is_date(value):
        return spelled_date(value)
    if field in _OUR_WORDS and _PLAIN_WORD.fullmatch(str(value)):
        return str(value).replace("_", " ") if field == "status" else str(value)
    return one_line(value) if isinstance(value, int | float | Decimal) else quoted(value)


def _record_rows(record: Json) -> tuple[Detail, ...]:
    labels = dict(_DETAILS) | (_CREDIT_NOTE if "creditnote_number" in record else {})
    currency = currency_of(record)
    return tuple(
        (label, f"{text_of(field, record)} {currency}".strip() if field in MONEY else text_of(field, record))
        for field, label in labels.items()
        if record.get(field) not in (None, "")
    )


def _amount(record: Json) -> Decimal | None:
    found = (decimal(record.get(name)) for name in ("total", "amount"))
    return next((value for value in found if value is not None), None)
