"""What a change overwrites: the old values, to be kept, and which of them the record no longer has. Pure.

losses.py decides what a person is asked about; this is for everything, however small.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.display import Json, decimal
from zoho_mcp.policy.losses import elements, matching
from zoho_mcp.specs.model import Operation

_FIGURES = ("total", "balance", "amount", "payment_made", "credits_applied", "unused_amount")
"""Named when they fall, whatever made them fall."""
_WORDS = ("status", "customer_name", "currency_code")
"""Named when they change, whatever changed them."""
_OF_AN_ELEMENT = (
    "name", "description", "rate", "quantity", "unit", "discount", "tax_id", "first_name", "last_name", "email",
    "phone", "mobile", "invoice_number", "amount_applied", "label", "value",
)  # fmt: skip
"""What is named of an element of a list; the rest follows from it or identifies it."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Replaced:
    """A value that the record no longer has.

    Attributes:
        field: where it was, such as `notes` or `line_items[1].rate`.
        new: None where nothing is in its place.
    """

    field: str
    old: Any
    new: Any = None


def overwritten(operation: Operation, arguments: Json, record: Json) -> dict[str, Any]:
    """The record's fields that a change names and that hold something else now, whole, as they are."""
    found: dict[str, Any] = {}
    for name, new in _named(operation, arguments):
        old = record.get(name)
        if old not in _EMPTY and not _equal(old, new):
            found[name] = old
    if operation.sets_status and record.get("status"):
        found["status"] = record["status"]
    return found


def replaced(operation: Operation, arguments: Json, before: Json, after: Json) -> tuple[Replaced, ...]:
    """What the record had `before` and does not have `after` a change; `after` may be a part of it, or empty."""
    found = [
        each
        for name, new in _named(operation, arguments)
        for each in _differences(operation, name, before.get(name), after.get(name, new))
    ]
    status = {"status": operation.sets_status[0]} if operation.sets_status else {}
    seen = {**status, **after}
    named = {each.field for each in found}
    for name in (*_WORDS, *_FIGURES):
        old, new = before.get(name), seen.get(name)
        if name in named or old in _EMPTY or new is None or _equal(old, new):
            continue
        if name in _WORDS or (decimal(new) or Decimal()) < (decimal(old) or Decimal()):
            found.append(Replaced(name, old, new))
    return tuple(found)


def _named(operation: Operation, arguments: Json) -> Iterator[tuple[str, Any]]:
    """What a change sets, by the record's name for it; of other changes the arguments say nothing about the record."""
    if operation.http.method != "PUT" and not operation.replaces:
        return
    for name, value in operation.emptied(arguments).items():
        replaces = operation.replaces.get(name)
        own = replaces.field if replaces is not None and replaces.kind == "file" else ""
        yield own or operation.http.renames.get(name, name), value


def _differences(operation: Operation, name: str, old: Any, new: Any) -> Iterator[Replaced]:
    if old in _EMPTY or _equal(old, new):
        return
    if isinstance(old, list):
        key = operation.replaces[name].key if name in operation.replaces else ""
        yield from _of_list(name, elements(old), list(elements(new)), key)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        parts = cast(Json, new)
        for part, value in cast(Json, old).items():
            if part in parts and value not in _EMPTY and not _equal(value, parts[part]):
                yield Replaced(f"{name}.{part}", value, parts[part])
    else:
        yield Replaced(name, old, None if new in _EMPTY else new)


def _of_list(name: str, old: Any, new: list[Json], key: str) -> Iterator[Replaced]:
    for at, element in enumerate(elements(old)):
        match = matching(element, new, key)
        if match is None:
            yield Replaced(f"{name}[{at}]", _brief(element))
            continue
        new.remove(match)
        for part in _OF_AN_ELEMENT:
            if part in match and element.get(part) not in _EMPTY and not _equal(element[part], match[part]):
                yield Replaced(f"{name}[{at}].{part}", element[part], match[part])


def _brief(element: Json) -> Any:
    """An element by what people read of it; an id by itself stays one."""
    shown = {name: element[name] for name in _OF_AN_ELEMENT if element.get(name) not in _EMPTY}
    return shown or element.get("", dict(element))


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    first, second = decimal(old), decimal(new)
    if first is not None and second is not None:
        return first == second
    return old == new or str(old) == str(new)
