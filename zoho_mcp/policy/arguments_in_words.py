"""The arguments of a call as a person reads them: each value by itself, whatever the order or length. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.display import (
    Detail,
    Json,
    before_tax,
    currency_of,
    decimal,
    described,
    line_amount,
    money,
    quoted_address,
)
from zoho_mcp.policy.losses import element_in_words, elements, with_old_figures
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import LONGEST_VALUE, one_line

MOST_ELEMENTS = 200
"""Of one list; what is beyond is counted and summed, but for addresses, all of which are shown."""
LONGEST_TEXT = 100_000
"""Characters of one long text on the page; how many there are beyond is said."""
_LONGEST_PART = 500
"""Characters of a text inside an object, such as a street: Zoho takes no longer ones."""
_KINDS = (("lines", "rate"), ("lines", "quantity"), ("people", "email"), ("allocations", "amount_applied"))
_SINGULAR = {"lines": "Line", "people": "Contact person", "allocations": "Pays", "values": ""}


def argument_rows(operation: Operation, arguments: Json, record: Json) -> tuple[Detail, ...]:
    """One row for each value, with the old one where it replaces one. Without the record's own ids."""
    shown = {**arguments}
    if "line_items" in shown:
        # A line that stays is shown with the figures that it keeps.
        shown["line_items"] = with_old_figures(arguments, record)
    rows = [row for name, value in shown.items() for row in _rows(operation, name, value, record)]
    return (*_total(operation, shown, record), *rows)


def whole_text(text: str) -> str:
    """A long text as the page shows it: line by line, each without what is invisible or covers other lines."""
    more = len(text) - LONGEST_TEXT
    shown = "\n".join(one_line(line, LONGEST_TEXT) for line in text[:LONGEST_TEXT].splitlines())
    return shown if more <= 0 else f"{shown}… ({more} more characters)"


def long_texts(arguments: Json) -> tuple[Detail, ...]:
    """Texts that do not fit in a row: label and whole text."""
    return tuple((label_of(name), whole_text(value)) for name, value in arguments.items() if _is_long(value))


def label_of(name: str) -> str:
    """An argument's or a field's name in words."""
    return name.removesuffix("_ids").removesuffix("_id").replace("_", " ").strip().capitalize()


def address_rows(label: str, addresses: Sequence[Any]) -> tuple[Detail, ...]:
    """Every address, whole, one a row."""
    return tuple((label, quoted_address(address)) for address in addresses)


def _rows(operation: Operation, name: str, value: Any, record: Json) -> Iterator[Detail]:
    label, old = label_of(name), record.get(name)
    currency = currency_of(record)
    if isinstance(value, list):
        yield from _list_rows(operation, name, cast("list[Any]", value), old)
    elif isinstance(value, Mapping):
        for part, inner in cast(Json, value).items():
            before = cast(Json, old).get(part) if isinstance(old, Mapping) else None
            yield f"{label}, {part.replace('_', ' ')}", _old_and_new(part, inner, before, currency, _LONGEST_PART)
    elif _is_long(value):
        return
    else:
        replaces = operation.replaces.get(name)
        before = record.get(replaces.field) if replaces is not None and replaces.field else old
        # A call that makes something of its own has nothing to do with the values of the record that it is about.
        yield label, _old_and_new(name, value, before if operation.http.method == "PUT" else None, currency)


def _old_and_new(name: str, value: Any, old: Any, currency: str, longest: int = LONGEST_VALUE) -> str:
    new = described(name, value, currency, longest)
    if old in (None, "") or str(old) == str(value) or isinstance(old, list | Mapping):
        return new
    return f"{described(name, old, currency, longest)} → {new}"


def _list_rows(operation: Operation, name: str, value: list[Any], old: Any) -> Iterator[Detail]:
    label = label_of(name)
    if not value:
        count = len(elements(old))
        yield label, f"none: removes all {count}" if count else "none"
    elif name.endswith("_mail_ids"):
        yield from address_rows(label.replace("mail", "").strip(), value)
        return
    elif not isinstance(value[0], Mapping):
        yield label, ", ".join(described("", one) for one in value[:MOST_ELEMENTS])
    else:
        kind = _kind(operation, name, elements(value))
        most = len(value) if kind == "people" else MOST_ELEMENTS  # Every address is shown.
        for number, element in enumerate(elements(value)[:most], 1):
            yield f"{_SINGULAR[kind] or label} {number}", element_in_words(kind, element)
        if most > MOST_ELEMENTS:
            return
    if left := value[MOST_ELEMENTS:]:
        yield "And", _rest(left, label)


def _rest(left: list[Any], label: str) -> str:
    parts = elements(left)
    amounts = [line_amount(part) or decimal(part.get("amount_applied")) for part in parts]
    known = sum((amount for amount in amounts if amount is not None), Decimal())
    return f"{len(left)} more ({label.lower()})" + (f", {money(known)} in all" if any(amounts) else "")


def _kind(operation: Operation, name: str, parts: Sequence[Json]) -> str:
    if (replaces := operation.replaces.get(name)) is not None:
        return replaces.kind
    return next((kind for kind, field in _KINDS if any(field in part for part in parts)), "values")


def _total(operation: Operation, arguments: Json, record: Json) -> Iterator[Detail]:
    if not arguments.get("line_items"):
        return
    new = before_tax({**record, **operation.discount_level(arguments), **arguments})
    old = before_tax(record) if record.get("line_items") else None
    currency = currency_of(record)
    if new is not None:
        before = f"{money(old, currency)} → " if old is not None and old != new else ""
        yield "Total before tax", f"{before}{money(new, currency)}"


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONGEST_VALUE
