"""Remarks on what a response does not say: differences from the request, recipients of e-mail, unlikely dates. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.display import decimal, records_in, share
from zoho_mcp.policy.facts import MAIL, can_mail
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.model import Operation, is_some

Json = Mapping[str, Any]
_FIGURES = ("amount", "shipping_charge", "adjustment", "exchange_rate", "bank_charges", "credit_limit")
_OF_LINES = ("rate", "quantity")
_WORDS = (
    "invoice_number", "estimate_number", "creditnote_number", "reference_number", "date", "due_date", "expiry_date",
    "start_date", "end_date",
)  # fmt: skip
"""Fields that Zoho stores as sent, if it reads them."""

_LATER = (
    "From {date} on, Zoho writes these invoices by itself, and e-mails them to the customer if the organisation's "
    "settings for recurring invoices say so. Tell the user."
)
TEMPLATE = "from Zoho's template"
"""The subject of an e-mail sent without one."""
_DATE_PAIRS = (
    ("date_start", "date_end"),
    ("due_date_start", "due_date_end"),
    ("start_date", "end_date"),
    ("date", "due_date"),
    ("date", "expiry_date"),
)
_PAST, _PAST_OF_CHANGES, _FUTURE, _FUTURE_OF_ENDS = 10, 2, 1, 10
"""Years. Lists may reach far back; new records have recent dates; terms and schedules may end in some years."""
_ENDS = ("due_date", "expiry_date", "end_date", "date_end", "due_date_end")


def remarks(operation: Operation, arguments: Json, record: Json) -> list[str]:
    """Sentences on values that the record does not have as requested, on discounts not applied, and on a total that
    differs from the request's.
    """
    if operation.effect == "read":
        return []
    found = [*_figures(arguments, record, _FIGURES, "")]
    lines, kept = _lines(arguments), _lines(record)
    if len(lines) == len(kept):
        for number, (line, other) in enumerate(zip(lines, kept, strict=True)):
            found += _figures(line, other, _OF_LINES, f"line_items[{number}].")
    found += [
        f"{name} is {record[name]} in Zoho, not {arguments[name]} as given. Tell the user."
        for name in _WORDS
        if record.get(name) and name in arguments and str(record[name]).strip() != str(arguments[name]).strip()
    ]
    return [*found, *_uncounted(record), *_total(operation, arguments, record)]


def mailed(operation: Operation, arguments: Json, record: object) -> dict[str, Any]:
    """The part of a result about its e-mail, because Zoho only says that it was sent; empty for a call that sent none.

    A recurring invoice may send e-mail later, without approval.
    """
    fields: Json = cast(Json, record) if isinstance(record, dict) else {}
    if operation.http.method == "POST" and "recurrence_frequency" in fields:
        return {"mailed_later": _LATER.format(date=fields.get("next_invoice_date") or "its start date")}
    if effect_of(operation, arguments) != "send":
        return {}
    if not can_mail(operation):
        return {"mailed_to": _addressees(fields) or "not stated by Zoho"}
    to = {name: given for name, given in arguments.items() if name.endswith(MAIL)}
    return to | ({"subject": arguments.get("subject", TEMPLATE)} if "subject" in operation.input["properties"] else {})


def _addressees(record: Json) -> list[str]:
    """The e-mail addresses of a record's contact persons, or else its own."""
    found = [person.get("email") for person in records_in(record.get("contact_persons_details"))]
    return [str(address) for address in found if address] or [str(own) for own in (record.get("email"),) if own]


def _figures(given: Json, record: Json, names: tuple[str, ...], path: str) -> Iterator[str]:
    for name in names:
        sent, actual = decimal(given.get(name)), decimal(record.get(name))
        if sent is not None and actual is not None and sent != actual and abs(sent - actual) >= Decimal("0.005"):
            yield f"{path}{name} is {actual:f} in Zoho, not {sent:f} as given. Tell the user."


def _uncounted(record: Json) -> Iterator[str]:
    """Zoho applies discounts at one level only, but shows those of the other as well."""
    level, shown = record.get("discount_type"), [is_some(line.get("discount")) for line in _lines(record)]
    if level == "entity_level" and any(shown):
        yield (
            "Discounts of single lines are shown but not counted, because the discount is on the whole document. "
            "Tell the user."
        )
    if level == "item_level" and is_some(record.get("discount")) and not any(shown):
        yield "The discount on the whole document is shown but not counted. Tell the user."


def _total(operation: Operation, arguments: Json, record: Json) -> Iterator[str]:
    """Whether the total matches the lines, discount and charges of the request, plus Zoho's taxes."""
    if not arguments.keys() & {"line_items", "discount", "shipping_charge", "adjustment"}:
        return
    expected, actual = _expected_total(operation, arguments, record), decimal(record.get("total"))
    if expected is None or actual is None:
        return
    # Lines may be rounded one by one, and a total to whole units.
    tolerance = Decimal("0.02") * max(1, len(_lines(record))) + abs(decimal(record.get("roundoff_value")) or 0)
    if abs(expected - actual) > tolerance:
        yield f"The total is {actual:f}; what was asked for comes to {expected:.2f}. Tell the user."


def _expected_total(operation: Operation, arguments: Json, record: Json) -> Decimal | None:
    """The total according to the request; None if it is unknown, for example because of a line without a price."""
    given, kept = _lines(arguments), _lines(record)
    if given and len(given) != len(kept):
        return None  # Zoho's response shows other lines: nothing can be compared.
    on_document, on_line = operation.discounts_in(arguments)
    by_line = on_line or (not on_document and record.get("discount_type") == "item_level")
    same: list[Json] = [{} for _ in kept]
    amounts = [_line(line, other, by_line) for line, other in zip(given or same, kept, strict=True)]
    lines = [amount for amount in amounts if amount is not None]
    tax = _tax_on_top(operation, arguments, record)
    if tax is None or len(lines) != len(amounts):
        return None
    subtotal = sum(lines, Decimal()) if kept else decimal(record.get("sub_total"))
    if subtotal is None:
        return None
    after_tax = _first(arguments, record, "is_discount_before_tax") is False
    discount = Decimal()
    if not by_line:
        of = subtotal + tax if after_tax else subtotal
        discount = share(_first(arguments, record, "discount"), of)
    charges = [decimal(_first(arguments, record, name)) or Decimal() for name in ("shipping_charge", "adjustment")]
    return subtotal - discount + tax + sum(charges, Decimal())


def _tax_on_top(operation: Operation, arguments: Json, record: Json) -> Decimal | None:
    """The tax added to the lines; None if an update and its record do not show whether rates include tax."""
    tax, inclusive = decimal(record.get("tax_total")) or Decimal(), _first(arguments, record, "is_inclusive_tax")
    if inclusive is True:
        return Decimal()
    return None if tax and inclusive is None and operation.http.method == "PUT" else tax


def _line(line: Json, kept: Json, by_line: bool) -> Decimal | None:
    """The amount of a line before tax; values missing from the request are taken from Zoho."""
    rate, quantity = decimal(_first(line, kept, "rate")), decimal(_first(line, kept, "quantity"))
    if rate is None or quantity is None:
        return None
    amount = rate * quantity
    return amount - share(_first(line, kept, "discount"), amount) if by_line else amount


def _first(given: Json, kept: Json, name: str) -> object:
    return given.get(name, kept.get(name))


def _lines(holder: Json) -> list[Json]:
    return records_in(holder.get("line_items"))


def odd_dates(operation: Operation, arguments: Mapping[str, Any], today: date) -> list[str]:
    """A sentence for each date, or pair of dates, that is probably a mistake."""
    given = dict(_dates(operation, arguments))
    found = [*_reversed_dates(operation, given), *_distant_dates(operation, given, today)]
    return [*found, *_future_month(arguments, today)]


def _dates(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[tuple[str, date]]:
    for name, value in arguments.items():
        if name in operation.dates:
            try:
                yield name, date.fromisoformat(str(value)[:10])
            except ValueError:
                continue


def _reversed_dates(operation: Operation, given: Mapping[str, date]) -> Iterator[str]:
    for first, last in _DATE_PAIRS:
        if first in given and last in given and given[last] < given[first]:
            so = "so nothing can be found; swap them" if operation.effect == "read" else "tell the user"
            yield f"{last} {given[last]} is before {first} {given[first]}: {so}."


def _distant_dates(operation: Operation, given: Mapping[str, date], today: date) -> Iterator[str]:
    past = _PAST if operation.effect == "read" else _PAST_OF_CHANGES
    for name, day in given.items():
        years = (day - today).days / 365.25
        if years > (_FUTURE_OF_ENDS if name in _ENDS else _FUTURE):
            yield f"{name} {day} is {years:.0f} years after today, {today}: check the year."
        elif years < -past:
            yield f"{name} {day} is {-years:.0f} years before today, {today}: check the year."


def _future_month(arguments: Mapping[str, Any], today: date) -> Iterator[str]:
    year, month = arguments.get("year"), arguments.get("month")
    if isinstance(year, int) and isinstance(month, int) and (year, month) > (today.year, today.month):
        yield f"{year}-{month:02} has not begun: today is {today}."
