"""Describes the arguments of a call for people: each value by itself, in any order and of any length. Pure."""

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
"""Elements of a list that are shown; the others are counted and added up. E-mail addresses are all shown."""
LONGEST_TEXT = 100_000
"""Characters of a long text on the page; the number of further characters is shown."""
_LONGEST_PART = 500
"""Characters of a text inside an object, such as a street: the most that Zoho accepts."""
_KINDS = (("lines", "rate"), ("lines", "quantity"), ("people", "email"), ("allocations", "amount_applied"))
_SINGULAR = {"lines": "Line", "people": "Contact person", "allocations": "Pays", "values": ""}


def argument_rows(operation: Operation, arguments: Json, record: Json) -> tuple[Detail, ...]:
    """One row per value, with the old value if it replaces one, and the total before tax first."""
    shown = {**arguments}
    if "line_items" in shown:
        # An existing line is shown with the figures that the call does not change.
        shown["line_items"] = with_old_figures(arguments, record)
    rows = [row for name, value in shown.items() for row in _rows(operation, name, value, record)]
    return (*_total(operation, shown, record), *rows)


def whole_text(text: str) -> str:
    """A long text as the page shows it: line by line, without invisible characters and those that cover others."""
    more = len(text) - LONGEST_TEXT
    shown = "\n".join(one_line(line, LONGEST_TEXT) for line in text[:LONGEST_TEXT].splitlines())
    return shown if more <= 0 else f"{shown}… ({more} more characters)"


def long_texts(arguments: Json) -> tuple[Detail, ...]:
    """Texts that do not fit into a row, each with its label."""
    return tuple((label_of(name), whole_text(value)) for name, value in arguments.items() if _is_long(value))


def label_of(name: str) -> str:
    """The name of an argument or a field in words."""
    return name.removesuffix("_ids").removesuffix("_id").replace("_", " ").strip().capitalize()


def address_rows(label: str, addresses: Sequence[Any]) -> tuple[Detail, ...]:
    """One row per e-mail address, none cut off."""
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
        # Only an update replaces values of the record; other calls create something of their own.
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
    total = sum((amount for amount in amounts if amount is not None), Decimal())
    return f"{len(left)} more ({label.lower()})" + (f", {money(total)} in all" if any(amounts) else "")


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
