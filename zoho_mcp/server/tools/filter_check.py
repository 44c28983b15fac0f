"""Checks the rows of a list against the filters of the request: Zoho silently ignores filters that it does not know.

Pure. Filters on fields that rows do not have cannot be checked here and count as applied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

from zoho_mcp.policy.display import decimal
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import folded
from zoho_mcp.times import seconds_of

Row = Mapping[str, Any]
_UNPAID = frozenset({"sent", "viewed", "overdue", "unpaid", "partiallypaid"})
_STATUSES: Mapping[str, frozenset[str]] = {
    # Filter value to the statuses of the rows it finds, if they differ from the value.
    "unpaid": _UNPAID,
    "sent": frozenset({"sent", "viewed"}),
    "partiallypaid": frozenset({"partiallypaid", "overdue"}),
    "billable": frozenset({"billable", "unbilled", "invoiced", "reimbursed"}),
}
_NAMES_OF_RECORDS = ("contact_name", "customer_name", "company_name", "account_name", "recurrence_name")
SEARCHES = ("search_text", "email")
"""Arguments for which Zoho also searches parts of the record that rows do not show."""
_UNREAD = ("_id", "_ids", "_url", "_time")
"""Endings of fields that nobody searches: their digits would match almost any number."""
_PHONE = frozenset("+-()./ 0123456789")
_FEWEST_DIGITS = 5


@dataclass(slots=True)
class Findings:
    """Observations on the rows of a list, over all pages.

    Attributes:
        ignored: filters that Zoho did not apply, `status=paid`.
        left_out: the number of rows removed for that reason.
        unseen: filters that rows do not show, to the number of rows kept nevertheless.
        notes: further sentences.
        doubtful: whether some rows may not match, so that sums would be wrong.
    """

    ignored: dict[str, None] = field(default_factory=dict[str, None])
    left_out: int = 0
    unseen: dict[str, int] = field(default_factory=dict[str, int])
    notes: list[str] = field(default_factory=list[str])
    doubtful: bool = False

    def add(self, other: "Findings") -> None:
        """Add the observations on another page."""
        self.ignored |= other.ignored
        self.left_out += other.left_out
        for name, count in other.unseen.items():
            self.unseen[name] = self.unseen.get(name, 0) + count
        self.notes += [note for note in other.notes if note not in self.notes]
        self.doubtful = self.doubtful or other.doubtful

    @property
    def no_sums(self) -> bool:
        """Whether the rows must not be added up."""
        return self.doubtful or bool(self.unseen)

    @property
    def remarks(self) -> dict[str, list[str]]:
        """`{"remarks": […]}` for a result; empty without observations."""
        said = list(self.notes)
        if self.ignored:
            said.append(
                f"Zoho did not apply {', '.join(self.ignored)}: {self.left_out} rows that do not fit were left out."
            )
        for name, count in self.unseen.items():
            said.append(
                f"{count} of these rows do not show {name}: Zoho found it elsewhere in the record, or did not apply "
                "it. They are not added up for this reason."
            )
        return {"remarks": said} if said else {}


def examine(operation: Operation, arguments: Mapping[str, Any], rows: Sequence[Row]) -> tuple[list[int], Findings]:
    """The positions of the rows that do not contradict the arguments, and the observations."""
    to_zoho = {own_name: name for name, own_name in operation.renames.items()}
    checks = {name: check for name, value in arguments.items() if (check := _check(name, value, to_zoho)) is not None}
    ignored = [name for name, fits in checks.items() if not all(map(fits, rows))]
    kept = [place for place, row in enumerate(rows) if all(checks[name](row) for name in ignored)]
    found = Findings({f"{name}={arguments[name]}": None for name in ignored}, len(rows) - len(kept))
    for name in SEARCHES:
        text = str(arguments.get(name) or "")
        if hidden := sum(not shows(rows[place], text) for place in kept) if text else 0:
            found.unseen[f'{name} "{text}"'] = hidden
    if "filter_by=Invoice.OverDue" in found.ignored and kept:
        # A customer's debt may not be due yet.
        found.notes.append("Whether the rows that are left are overdue cannot be told: see get_receivables_aging.")
        found.doubtful = True
    return kept, found


def shows(record: Row, text: str) -> bool:
    """Whether the record contains every word of the text, also in nested fields, ignoring case and accents."""
    texts = _texts(record)
    if is_phone_number(text) and any(_digits(text) in _digits(part) for part in texts):
        return True
    held = folded(" ".join(texts))
    return all(word in held for word in folded(text).split())


def is_phone_number(text: str) -> bool:
    """Whether the text can only be a phone number or part of one."""
    return set(text) <= _PHONE and len(_digits(text)) >= _FEWEST_DIGITS


def is_in_order(arguments: Mapping[str, Any], rows: Sequence[Row]) -> bool:
    """Whether the rows are sorted as requested; true if that cannot be determined."""
    column = arguments.get("sort_column")
    values = [_comparable(row.get(column)) for row in rows] if column else []
    if any(value is None for value in values):
        return True
    numbers = cast("list[Decimal]", values)
    rising = all(one <= other for one, other in pairwise(numbers))
    falling = all(one >= other for one, other in pairwise(numbers))
    return {"A": rising, "D": falling}.get(arguments.get("sort_order", ""), rising or falling)


def _comparable(value: Any) -> Decimal | None:
    """A number, date or time as a number; None for anything else, because Zoho has its own order of texts."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    moment = seconds_of(value) if isinstance(value, str) and value[:4].isdigit() else None
    return None if moment is None else Decimal(moment)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        parts = cast("Row", value).items()
        return [text for name, part in parts if not name.endswith(_UNREAD) for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in cast("list[Any]", value) for text in _texts(part)]
    return [str(value)] if isinstance(value, str | int | Decimal) else []


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _check(name: str, value: Any, zoho_names: Mapping[str, str]) -> Callable[[Row], bool] | None:
    """A check of rows against one argument; None if rows do not show it."""
    key = zoho_names.get(name, name)
    match name:
        case "status":
            return lambda row: _fits_status(row, _plain(value))
        case "filter_by":
            return _check_filter_by(str(value))
        case "last_modified_time":
            return lambda row: _not_before(row.get(key), str(value))
        case "amount":
            return lambda row: decimal(row.get(key)) in (None, decimal(value))
        case _:
            return _check_by_form(name, value, key, zoho_names)


def _check_filter_by(value: str) -> Callable[[Row], bool] | None:
    kind, _, word = value.partition(".")
    if kind == "Status" and word in ("Active", "Inactive"):
        return lambda row: _same(row.get("status"), word)
    if kind == "PaymentMode" and word not in ("All", "Others"):
        return lambda row: _same(row.get("payment_mode"), word)
    if kind == "Invoice":
        return lambda row: decimal(row.get("outstanding_receivable_amount")) != 0
    return None


def _check_by_form(name: str, value: Any, key: str, zoho_names: Mapping[str, str]) -> Callable[[Row], bool] | None:
    """See `_check`, for argument names with a pattern of Zoho's: `date_start`, `name_contains`, `customer_id`."""
    if name.endswith(("_start", "_end")):
        day = name.rpartition("_")[0]
        if name.endswith("_start"):
            return lambda row: not row.get(day) or str(row[day])[:10] >= str(value)
        return lambda row: not row.get(day) or str(row[day])[:10] <= str(value)
    if name.endswith("_contains"):
        field, part = zoho_names.get(name.removesuffix("_contains"), name.removesuffix("_contains")), folded(str(value))
        return lambda row: row.get(field) is None or part in folded(str(row[field]))
    if name.endswith(("_id", "_number")) or name in ("date", *_NAMES_OF_RECORDS):
        return lambda row: _same(row.get(key), value)
    return None


def _fits_status(row: Row, wanted: str) -> bool:
    found = _plain(row.get("status"))
    if not found or wanted == "all":
        return True
    if wanted == "partiallypaid" and found == "overdue":
        # An overdue invoice may be partially paid, which only its balance shows.
        return decimal(row.get("balance")) != decimal(row.get("total"))
    return found in _STATUSES.get(wanted, {wanted})


def _same(found: Any, wanted: Any) -> bool:
    return found is None or _plain(found) == _plain(wanted)


def _plain(value: Any) -> str:
    """Lower case without characters that spellings differ in: `non-billable`, `nonbillable`."""
    return "".join(sign for sign in folded(str(value or "")) if sign not in "-_ ")


def _not_before(found: Any, wanted: str) -> bool:
    try:
        return datetime.fromisoformat(str(found)) >= datetime.fromisoformat(wanted)
    except (TypeError, ValueError):
        return True
