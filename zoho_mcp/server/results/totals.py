"""Adds up the money columns of a list, so that no model has to. Exact, and per currency."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from zoho_mcp.errors import UnavailableError
from zoho_mcp.text import one_line
from zoho_mcp.zoho.request import json_numbers

NOT_ISSUED = frozenset(
    {"draft", "void", "pending_approval", "approved", "rejected", "scheduled", "cancelled", "deleted"}
)
"""Statuses that do not count as money owed or billed, the only definition of this. Such a document was not sent or is
no longer valid: nobody owes it, and no sum or report includes it."""


def is_issued(row: Mapping[str, Any]) -> bool:
    """Whether a document counts in sums and reports. A record without a status, such as a payment, does."""
    return str(row.get("status") or "").casefold() not in NOT_ISSUED


def balance_owed(row: Mapping[str, Any]) -> Decimal:
    """The open amount of an invoice; 0 if it is not issued. Raises UnavailableError without a balance."""
    return amount(row, "balance") if is_issued(row) else Decimal()


def amount(row: Mapping[str, Any], name: str) -> Decimal:
    """A required amount. Raises UnavailableError if it is missing, naming the keys present."""
    return money(required(row, name))


def required(row: Mapping[str, Any], name: str) -> Any:
    """A required value. Raises UnavailableError if it is missing, naming the keys present."""
    if row.get(name) in (None, ""):
        present = ", ".join(one_line(key, 60) for key in sorted(row))
        raise UnavailableError(
            f"A record in Zoho's response has no {name}; it has {present}.", "No figure was made up. Call again later."
        )
    return row[name]


def objects(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A required list of objects. Raises UnavailableError if it is missing or something else."""
    value = required(record, name)
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in cast("list[Any]", value)):
        what = f"A record in Zoho's response has a {name} that is not a list of records."
        raise UnavailableError(what, "No figure was made up. Call again later.")
    return cast("list[Mapping[str, Any]]", value)


def day(row: Mapping[str, Any], name: str) -> date:
    """A required date. Raises UnavailableError if it is missing or invalid."""
    value = str(required(row, name))
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise UnavailableError(
            f"A record in Zoho's response has the {name} {one_line(value, 60)}.", "Call again later."
        ) from None


def due_day(row: Mapping[str, Any]) -> date:
    """The due date of an invoice; without one, its own date."""
    return day(row, "due_date" if row.get("due_date") else "date")


def currency_of(row: Mapping[str, Any]) -> str:
    """The currency of a row; `unknown currency` without one."""
    return str(row.get("currency_code") or "unknown currency")


def money(value: Any) -> Decimal:
    """An amount in a response; nothing counts as 0. Raises UnavailableError for anything but a number."""
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value or 0))
    except InvalidOperation:
        found = Decimal("nan")
    if found.is_finite():
        return found
    what = f"Zoho's response has the amount {one_line(value, 60)}, which is not a number."
    raise UnavailableError(what, "No figure was made up. Call again later.")


def totals(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, complete: bool, drafts: bool = False
) -> dict[str, Any]:
    """The sums by currency to add to a result, and what they exclude. `drafts`: count drafts too."""
    if not rows or not columns:
        return {}
    owed = rows if drafts else [row for row in rows if is_issued(row)]
    counted = [row for row in owed if row.get("currency_code")]
    by_currency: dict[str, list[Mapping[str, Any]]] = {}
    for row in counted:
        by_currency.setdefault(str(row["currency_code"]), []).append(row)
    found = {
        currency: {
            "count": len(rows_of_currency),
            **{name: json_numbers(sum(amount(row, name) for row in rows_of_currency)) for name in columns},
        }
        for currency, rows_of_currency in sorted(by_currency.items())
    }
    answer: dict[str, Any] = {"sums" if complete else "sums_of_these_rows": found} if found else {}
    if complete and (len(found) > 1 or len(counted) < len(owed)):
        answer |= _in_base_currency(owed, columns)
    if len(counted) < len(rows):
        left_out = Counter(str(row["status"]) for row in rows if row not in owed)
        left_out["of an unknown currency"] += len(owed) - len(counted)
        left_out = +left_out
        answer["not_in_sums"] = ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()))
    return answer


def _in_base_currency(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
    """The sums of several currencies in the organisation's own, if every row has these amounts."""
    names = [f"bcy_{name}" for name in columns]
    if any(row.get(name) is None for row in rows for name in names):
        return {}
    sums = {name: json_numbers(sum(amount(row, name) for row in rows)) for name in names}
    return {"sums_in_base_currency": {"count": len(rows), **sums}}
