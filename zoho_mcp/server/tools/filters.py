"""Holds the rows of a list against the filters of its request: Zoho silently ignores a filter that it does not know.

Pure. A filter on what rows do not show cannot be checked, and is taken as applied.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from zoho_mcp.specs.model import Operation

Row = Mapping[str, Any]
_UNPAID = frozenset({"sent", "viewed", "overdue", "unpaid", "partiallypaid"})
_STATUSES: Mapping[str, frozenset[str]] = {
    # A filter's word to the statuses of the rows that it finds, where these are others than the word itself.
    "unpaid": _UNPAID,
    "sent": frozenset({"sent", "viewed"}),
    "partiallypaid": frozenset({"partiallypaid", "overdue"}),
    "billable": frozenset({"billable", "unbilled", "invoiced", "reimbursed"}),
}
_NAMES_OF_RECORDS = ("contact_name", "customer_name", "company_name", "account_name", "recurrence_name")


def apply(operation: Operation, arguments: Mapping[str, Any], rows: Sequence[dict[str, Any]]) -> tuple[
    list[dict[str, Any]], list[str]
]:  # fmt: skip
    """The rows that do not contradict the arguments, and the arguments that Zoho did not apply."""
    theirs = {ours: name for name, ours in operation.renames.items()}
    checks = {name: check for name, value in arguments.items() if (check := _check(name, value, theirs)) is not None}
    ignored = [name for name, fits in checks.items() if not all(map(fits, rows))]
    if not ignored:
        return list(rows), []
    return [row for row in rows if all(checks[name](row) for name in ignored)], ignored


def shows(row: Row, text: str) -> bool:
    """Whether one of the row's fields holds the text that was searched for, whatever its case."""
    words = text.casefold().split()
    held = " ".join(str(value) for value in row.values() if isinstance(value, str | int | Decimal)).casefold()
    return all(word in held for word in words)


def _check(name: str, value: Any, theirs: Mapping[str, str]) -> Callable[[Row], bool] | None:
    """Whether a row fits one argument; None for an argument of which rows do not tell."""
    key = theirs.get(name, name)
    match name:
        case "status":
            return lambda row: _fits_status(row, _plain(value))
        case "filter_by":
            kind, _, word = str(value).partition(".")
            if kind == "Status" and word in ("Active", "Inactive"):
                return lambda row: _same(row.get("status"), word)
            if kind == "PaymentMode" and word not in ("All", "Others"):
                return lambda row: _same(row.get("payment_mode"), word)
            return None
        case "last_modified_time":
            return lambda row: _not_before(row.get(key), str(value))
        case "amount":
            return lambda row: _number(row.get(key)) in (None, _number(value))
        case _:
            return _check_by_form(name, value, key, theirs)


def _check_by_form(name: str, value: Any, key: str, theirs: Mapping[str, str]) -> Callable[[Row], bool] | None:
    """The same for arguments whose names follow Zoho's patterns: `date_start`, `name_contains`, `customer_id`."""
    if name.endswith(("_start", "_end")):
        day = name.rpartition("_")[0]
        if name.endswith("_start"):
            return lambda row: not row.get(day) or str(row[day])[:10] >= str(value)
        return lambda row: not row.get(day) or str(row[day])[:10] <= str(value)
    if name.endswith("_contains"):
        own, part = theirs.get(name.removesuffix("_contains"), name.removesuffix("_contains")), str(value).casefold()
        return lambda row: row.get(own) is None or part in str(row[own]).casefold()
    if name.endswith(("_id", "_number")) or name in ("date", *_NAMES_OF_RECORDS):
        return lambda row: _same(row.get(key), value)
    return None


def _fits_status(row: Row, asked: str) -> bool:
    found = _plain(row.get("status"))
    if not found or asked == "all":
        return True
    if asked == "partiallypaid" and found == "overdue":
        # A row that is overdue says no more whether part of it was paid; its balance does.
        return _number(row.get("balance")) != _number(row.get("total"))
    return found in _STATUSES.get(asked, {asked})


def _same(found: Any, wanted: Any) -> bool:
    return found is None or _plain(found) == _plain(wanted)


def _plain(value: Any) -> str:
    """Lower case without what spellings differ in: `non-billable`, `nonbillable`."""
    return "".join(sign for sign in str(value or "").casefold() if sign not in "-_ ")


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _not_before(found: Any, wanted: str) -> bool:
    try:
        return datetime.fromisoformat(str(found)) >= datetime.fromisoformat(wanted)
    except (TypeError, ValueError):
        return True
