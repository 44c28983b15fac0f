"""The values that a change overwrites: saved to a file before it is sent, and named in its result.

`policy/losses.py` decides what needs approval; this module covers all values, however minor.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, cast

import anyio

from zoho_mcp.errors import NotFoundError
from zoho_mcp.policy.display import Json, decimal
from zoho_mcp.policy.facts import subject
from zoho_mcp.policy.losses import elements, matching
from zoho_mcp.server.audit_trail import record_id
from zoho_mcp.server.authorization import Subject, read_subject
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import fill
from zoho_mcp.zoho.request import json_numbers

_FIGURES = ("total", "balance", "amount", "payment_made", "credits_applied", "unused_amount")
"""Reported if they decrease, whatever the cause."""
_WORDS = ("status", "customer_name", "currency_code")
"""Reported if they change, whatever the cause."""
_OF_AN_ELEMENT = (
    "name", "description", "rate", "quantity", "unit", "discount", "tax_id", "first_name", "last_name", "email",
    "phone", "mobile", "invoice_number", "amount_applied", "label", "value",
)  # fmt: skip
"""Reported fields of a list's element; the others follow from these or identify it."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_LONGEST = 300
"""Characters of a text in a result; the file has the whole text."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A value that the record no longer has.

    Attributes:
        field: its path, such as `notes` or `line_items[1].rate`.
        new: the new value; None if there is none.
    """

    field: str
    old: Any
    new: Any = None


async def keep(app: ServerContext, call: ToolCall, before: Subject | None) -> Subject | None:
    """Save the values that the call overwrites. Returns the current record; None if there is none.

    Raises AuditError if they cannot be saved, and the errors of a read: then the change must not be sent.
    """
    operation = call.operation
    before = before or await read_subject(app.api, operation, call.arguments)
    if not before.record:
        return None
    whole = operation.effect == "destroy"
    values = {**before.record} if whole else _overwritten(operation, call.arguments, before.target)
    if whole and before.part:
        values = {**before.part}
    if values and app.before_values.path is not None:
        fields = {
            "call": call.id,
            "principal": call.principal,
            "organization": call.organization_id,
            "tool": operation.name,
            "record_id": record_id(call, {}),
            "before": json_numbers(values),
        }
        write = partial(app.before_values.keep, fields, await _file(app, call, before))
        await anyio.to_thread.run_sync(write)
    return before


def named(app: ServerContext, call: ToolCall, before: Subject, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """For the result: `replaced`, old and new values; and `before_id`, under which all old values are saved."""
    reader = subject(call.operation, app.catalog)
    # A caller who may not read the record must not learn its old values from a change.
    may_read = reader is None or reader.name in app.offered
    after = _after(reader, call.operation, before, envelope)
    found = _replaced(call.operation, call.arguments, before.target, after) if may_read else ()
    if not found and call.operation.effect != "destroy":
        return {}
    result: dict[str, Any] = {"replaced": [_short(each) for each in found]} if found else {}
    return result | ({"before_id": call.id} if app.before_values.path is not None else {})


def _after(
    reader: Operation | None, operation: Operation, before: Subject, envelope: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The record in the response; empty if it has none, or a different one."""
    same = bool(before.part) or (reader is not None and reader.answer.key == operation.answer.key)
    return operation.record_in(envelope) if same else {}


def _short(each: Replaced) -> dict[str, Any]:
    shown = {"field": each.field, "old": _cut(each.old), "new": _cut(each.new)}
    return {name: value for name, value in shown.items() if value is not None}


def _cut(value: Any) -> Any:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


async def _file(app: ServerContext, call: ToolCall, before: Subject) -> tuple[str, bytes] | None:
    """The name and content of the file that the call replaces; None if there is none."""
    path = call.operation.http.path
    operations = app.catalog.operations.values()
    reader = next((read for read in operations if read.answer.file and read.http.path == path), None)
    if reader is None or reader.answer.file is None:
        return None
    name = fill(reader.answer.file.name, lambda field: str(before.record.get(field) or ""))
    if not name:
        return None
    needed = reader.input.get("required", ())
    with suppress(NotFoundError):
        content = await app.api.send(app.api.request(reader, {key: call.arguments[key] for key in needed}))
        return (name, content) if isinstance(content, bytes) else None
    return None


def _overwritten(operation: Operation, arguments: Json, record: Json) -> dict[str, Any]:
    """The fields of the record that a change gives another value, with their old values."""
    found: dict[str, Any] = {}
    for name, new in _assigned(operation, arguments):
        old = record.get(name)
        if old not in _EMPTY and not _equal(old, new):
            found[name] = old
    if operation.sets_status and record.get("status"):
        found["status"] = record["status"]
    return found


def _replaced(operation: Operation, arguments: Json, before: Json, after: Json) -> tuple[Replaced, ...]:
    """Values that the record had `before` and does not have `after`; `after` may be incomplete or empty."""
    found = [
        each
        for name, new in _assigned(operation, arguments)
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


def _assigned(operation: Operation, arguments: Json) -> Iterator[tuple[str, Any]]:
    """The fields that a change sets, by the record's names; none for changes that do not set fields."""
    if operation.http.method != "PUT" and not operation.replaces:
        return
    for name, value in operation.emptied(arguments).items():
        replaces = operation.replaces.get(name)
        field = replaces.field if replaces is not None and replaces.kind == "file" else ""
        yield field or operation.http.renames.get(name, name), value


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
    """The fields of an element that people read; an id alone stays an id."""
    shown = {name: element[name] for name in _OF_AN_ELEMENT if element.get(name) not in _EMPTY}
    return shown or element.get("", dict(element))


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    first, second = decimal(old), decimal(new)
    if first is not None and second is not None:
        return first == second
    return old == new or str(old) == str(new)
