"""The question a person is asked, made from a fresh read of the record; and the mark by which a change is noticed."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zoho_mcp.specs.model import Operation

_PLACE = re.compile(r"{(\w+)}")
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
_NUMBERS = ("invoice_number", "payment_number", "creditnote_number", "estimate_number")
LONGEST_VALUE = 80
"""Characters of a record's text in a question: texts are written by others and must not crowd out the question."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is shown before saying yes, and `version`, which changes when the record does."""

    question: str
    details: tuple[tuple[str, str], ...]
    version: str
    number: str = ""
    amount: Decimal | None = None
    currency: str = ""

    def text(self) -> str:
        """The question and its details, a line each."""
        return "\n".join([self.question, *(f"{label}: {value}" for label, value in self.details)])


def preview(operation: Operation, record: Mapping[str, Any]) -> Preview:
    """The question of `operation.confirm` with the record's own figures."""
    assert operation.confirm is not None
    question = _PLACE.sub(lambda place: _shown(place[1], record), operation.confirm.ask)
    details = tuple((label, _shown(field, record)) for field, label in _DETAILS if record.get(field) not in (None, ""))
    number = next((_shown(field, record) for field in _NUMBERS if record.get(field)), "")
    amounts = [record[field] for field in ("total", "amount") if isinstance(record.get(field), int | Decimal)]
    amount = Decimal(amounts[0]) if amounts else None
    return Preview(question, details, version(record), number, amount, _shown("currency_code", record))


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


def _shown(field: str, record: Mapping[str, Any]) -> str:
    value = record.get(field, "")
    if field in _MONEY and isinstance(value, int | Decimal):
        digits = max(2, -int(Decimal(value).as_tuple().exponent))
        return f"{value:,.{digits}f}"
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
