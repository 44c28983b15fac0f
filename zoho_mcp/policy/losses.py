"""Finds what an update destroys, by comparing the record with the arguments. Pure.

The entry of a tool declares which arguments can destroy something (`replaces`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.display import (
    MONEY,
    Detail,
    Json,
    before_tax,
    currency_of,
    decimal,
    described,
    described_line,
    money,
    quoted,
    quoted_address,
    share,
)
from zoho_mcp.specs.entry import Replaces
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import one_line

_OF_AN_ELEMENT = (
    "salutation", "phone", "mobile", "designation", "department", "is_primary_contact", "tax_amount_withheld",
)  # fmt: skip
_DRAFTS = ("draft",)
"""Records with these statuses are not binding: losses are shown but need no approval."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What a call destroys in a record, as text; `serious` losses need approval."""

    rows: tuple[Detail, ...] = ()
    serious: bool = False


NONE = Losses()


def losses_of(operation: Operation, arguments: Json, record: Json) -> Losses:
    """What a call destroys in `record`, as it is now."""
    rows: list[Detail] = []
    serious = False
    sent = operation.emptied(arguments)
    for name, replaces in operation.replaces.items():
        if name in sent:
            found = list(_FINDERS[replaces.kind](name, replaces, sent, record))
            rows += found
            serious = serious or bool(found and replaces.kind != "values")
    lowered = list(_lowered_total(operation, sent, record))
    binding = record.get("status") not in _DRAFTS
    return Losses((*lowered, *rows), (serious or bool(lowered)) and binding)


def elements(value: Any) -> Sequence[Json]:
    """The elements of a list as objects; an id becomes `{"": id}`."""
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast(Json, element) if isinstance(element, Mapping) else {"": element} for element in found]


def element_in_words(kind: str, element: Json) -> str:
    """An element of a list as text: figures and addresses first."""
    if kind == "lines":
        return described_line(element)
    if kind == "people":
        name = " ".join(str(element[part]) for part in ("first_name", "last_name") if element.get(part))
        words = [quoted_address(element["email"]) if element.get("email") else "", quoted(name)]
        known = [word for word in words if word] or [_id_of(element)]
        return ", ".join([*known, *_others(element, ("first_name", "last_name", "email"))])
    if kind == "allocations":
        amount = decimal(element.get("amount_applied"))
        what = next((name for name in _APPLIED if f"{name}_id" in element), "invoice")
        number = element.get(f"{what}_number")
        where = quoted(number) if number else one_line(element.get(f"{what}_id", ""))
        known = f"{money(amount or 0)} {_APPLIED[what]} {where}"
        return ", ".join([known, *_others(element, ("amount_applied", f"{what}_number"))])
    shown = (f"{name.replace('_', ' ')} {described(name, value)}".strip() for name, value in element.items())
    return ", ".join(shown)


_APPLIED = {"invoice": "on invoice", "creditnote": "of credit note", "payment": "of payment"}
_EMPTY: tuple[Any, ...] = (None, "", [], {}, 0, False)


def _others(element: Json, without: Sequence[str]) -> list[str]:
    """Other fields of an element worth showing, without ids and computed values."""
    return [
        f"{name.replace('_', ' ')} {described(name, value)}"
        for name, value in element.items()
        if name not in without and value not in _EMPTY and name in _OF_AN_ELEMENT
    ]


def part_rows(part: Json) -> tuple[Detail, ...]:
    """A part that is removed from a record (a payment, a person, an address): figures and addresses first, no ids."""
    if "email" in part:
        return (("Removes", element_in_words("people", part)),)
    shown = {name: value for name, value in part.items() if _is_read_by_people(name, value)}
    ordered = sorted(shown, key=lambda name: (name not in MONEY, not name.endswith("date")))
    words = [f"{name.replace('_', ' ')} {described(name, shown[name])}" for name in ordered]
    return (("Removes", ", ".join(words)),) if words else ()


def _is_read_by_people(name: str, value: Any) -> bool:
    plain = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
    return plain and value != "" and not name.endswith(("_id", "_formatted")) and name != "exchange_rate"


def _removed(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    """The elements of the record's list that are missing from the call's list."""
    old, new = elements(_value(name, replaces, record)), list(elements(arguments[name]))
    people = {_id_of(one): one for one in elements(record.get(f"{name}_details"))}
    for element in old:
        match = matching(element, new, replaces.key)
        if match is None:
            shown = people.get(_id_of(element), element)
            yield "Removes", f"{_SINGULAR[replaces.kind]} {element_in_words(replaces.kind, shown)}"
            continue
        new.remove(match)
        if replaces.kind == "allocations":
            yield from _lower_payment(element, match)
        elif replaces.kind in ("lines", "people", "values"):
            yield from _changed_element(element, match, replaces.kind)


def _lower_payment(old: Json, new: Json) -> Iterator[Detail]:
    before, after = decimal(old.get("amount_applied")), decimal(new.get("amount_applied"))
    if before is not None and after is not None and after < before:
        yield "Pays less", f"{element_in_words('allocations', old)} → {money(after)}"


def _changed_element(old: Json, new: Json, kind: str) -> Iterator[Detail]:
    """Losses in an element that remains: an e-mail address, a tax, a value."""
    name = {"people": "email", "lines": "tax_id", "values": "value"}[kind]
    if name in new and old.get(name) and str(new[name]) != str(old[name]):
        label = {"people": "Replaces e-mail address", "lines": "Changes the tax on", "values": "Replaces"}[kind]
        yield label, f"{element_in_words(kind, old)} → {described(name, new[name])}"


def _changed_amount(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    """An amount that falls, or one paid out that rises."""
    before, after = decimal(_value(name, replaces, record)), decimal(arguments[name])
    if before is None or after is None:
        return
    if (after > before) if replaces.kind == "payout" else (after < before):
        yield _label(name, replaces), f"{money(before, currency_of(record))} → {money(after, currency_of(record))}"


def _larger_reduction(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    base = before_tax({**record, "discount": 0}) or Decimal(100)
    old = _value(name, replaces, record)
    if share(arguments[name], base) > share(old, base):
        yield _label(name, replaces), f"{one_line(old or 0)} → {one_line(arguments[name])}"


def _replaced_address(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    old = _value(name, replaces, record)
    if old and str(old) != str(arguments[name]):
        yield "Replaces e-mail address", f"{quoted_address(old)} → {described(name, arguments[name])}"


def _owner_or_currency(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    if str(arguments[name]) != str(record.get(name, arguments[name])):
        new = described(name, arguments[name])
        if replaces.kind == "owner" and not record.get(name):
            return
        if replaces.kind == "owner" and not arguments[name]:
            yield "No longer belongs to", described("", _value(name, replaces, record))
        elif replaces.kind == "owner":
            yield "Moves to another customer", f"from {described('', _value(name, replaces, record))} to customer {new}"
        else:
            old = described("", _value(name, replaces, record))
            yield "Changes the currency", f"{old} → currency {new}, with the same amounts"


def _replaced_file(name: str, replaces: Replaces, arguments: Json, record: Json) -> Iterator[Detail]:
    if old := _value(name, replaces, record):
        yield "Replaces the file", quoted(old)


def _lowered_total(operation: Operation, arguments: Json, record: Json) -> Iterator[Detail]:
    """A lower total, whichever arguments cause it."""
    if not record.get("line_items") or operation.replaces.get("line_items") is None:
        return
    new = {**record, **operation.discount_level(arguments), **arguments}
    new |= {"line_items": with_old_figures(arguments, record)}
    before, after = before_tax(record), before_tax(new, at_least=True)
    currency = currency_of(record)
    if after is not None and before is not None and after < before:
        more = "" if before_tax(new) is not None else " and what the item costs"
        yield "Lowers the total before tax", f"{money(before, currency)} → {money(after, currency)}{more}"
    elif arguments.get("is_inclusive_tax") and not record.get("is_inclusive_tax") and decimal(record.get("tax_total")):
        yield "Lowers the total", f"the prices will include the tax of {money(record['tax_total'], currency)}"


def with_old_figures(arguments: Json, record: Json) -> list[Json]:
    """The lines after the call, with figures of existing lines that the call does not give."""
    old = list(elements(record.get("line_items")))
    if "line_items" not in arguments:
        return old
    found: list[Json] = []
    for line in elements(arguments["line_items"]):
        match = next((element for element in old if element.get("line_item_id") == line.get("line_item_id")), None)
        is_other = bool(match and line.get("item_id") and str(line["item_id"]) != str(match.get("item_id")))
        # A different item has its own name and price.
        names = ("quantity", "discount") if is_other else ("name", "rate", "quantity", "discount")
        kept = {name: match[name] for name in names if name in match} if match else {}
        found.append({**kept, **line})
    return found


def matching(element: Json, new: Sequence[Json], key: str) -> Json | None:
    """The same element in the call's list: with the same id, or else with the same values where the call gives any."""
    own = element.get(key, element.get("", ""))
    for other in new:
        if str(other.get(key, other.get("", ""))) == str(own):
            return other
    for other in new:
        if key not in other and "" not in other and _has_same_values(other, element):
            return other
    return None


def _has_same_values(new: Json, old: Json) -> bool:
    return any(new.get(name) for name in ("name", "item_id", "email")) and all(
        str(old.get(name)) == str(value)
        for name, value in new.items()
        if name in ("name", "item_id", "email") and value is not None
    )


def _value(name: str, replaces: Replaces, record: Json) -> Any:
    return record.get(replaces.field or name)


def _id_of(element: Json) -> str:
    return next((str(value) for name, value in element.items() if name.endswith("_id") or not name), "")


def _label(name: str, replaces: Replaces) -> str:
    return f"{_VERBS[replaces.kind]} the {name.replace('_', ' ')}"


_VERBS = {"amount": "Lowers", "reduction": "Raises", "payout": "Raises"}
_SINGULAR = {"lines": "line", "people": "contact person", "allocations": "payment of", "values": "value"}
_FINDERS = {
    "lines": _removed, "people": _removed, "allocations": _removed, "values": _removed, "amount": _changed_amount,
    "payout": _changed_amount, "reduction": _larger_reduction, "owner": _owner_or_currency,
    "currency": _owner_or_currency, "file": _replaced_file, "address": _replaced_address,
}  # fmt: skip
