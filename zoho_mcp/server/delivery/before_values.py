"""Stores the values that a change is about to overwrite, and reports afterwards which are gone."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import anyio

from zoho_mcp.errors import NotFoundError
from zoho_mcp.policy.facts import subject
from zoho_mcp.policy.replaced import Replaced, overwritten, replaced
from zoho_mcp.server.audit_trail import record_id
from zoho_mcp.server.authorization import Subject, read_subject
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import fill
from zoho_mcp.zoho.request import json_numbers

_LONGEST = 300
"""Characters of an old or new text in a result; the file has all of it."""


async def keep(app: ServerContext, call: ToolCall, before: Subject | None) -> Subject | None:
    """The record as it is now, once the values that the call overwrites are in the file; None where there is none.

    Raises AuditError when they cannot be written, and what a read of Zoho raises: then nothing may be sent.
    """
    operation = call.operation
    before = before or await read_subject(app.api, operation, call.arguments)
    if not before.record:
        return None
    whole = operation.effect == "destroy"
    values = {**before.record} if whole else overwritten(operation, call.arguments, before.target)
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
    """For the result: `replaced`, old and new values, and `before_id`, by which a person finds all of the old ones."""
    reader = subject(call.operation, app.catalog)
    # Those who may not read the record do not learn its old values from a change.
    may_read = reader is None or reader.name in app.offered
    after = _after(reader, call.operation, before, envelope)
    found = replaced(call.operation, call.arguments, before.target, after) if may_read else ()
    if not found and call.operation.effect != "destroy":
        return {}
    result: dict[str, Any] = {"replaced": [_short(each) for each in found]} if found else {}
    return result | ({"before_id": call.id} if app.before_values.path is not None else {})


def _after(
    reader: Operation | None, operation: Operation, before: Subject, envelope: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The record as the answer shows it; empty where the answer shows none, or another."""
    same = bool(before.part) or (reader is not None and reader.answer.key == operation.answer.key)
    return operation.record_in(envelope) if same else {}


def _short(each: Replaced) -> dict[str, Any]:
    shown = {"field": each.field, "old": _cut(each.old), "new": _cut(each.new)}
    return {name: value for name, value in shown.items() if value is not None}


def _cut(value: Any) -> Any:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


async def _file(app: ServerContext, call: ToolCall, before: Subject) -> tuple[str, bytes] | None:
    """The name and content of the file at the address that the call changes; None where there is none."""
    path = call.operation.http.path
    reader = next((one for one in app.catalog.operations.values() if one.answer.file and one.http.path == path), None)
    if reader is None or reader.answer.file is None:
        return None
    name = fill(reader.answer.file.name, lambda field: str(before.record.get(field) or ""))
    if not name:
        return None
    needed = reader.input.get("required", ())
    with suppress(NotFoundError):
        content = await app.api.send(app.api.request(reader, {one: call.arguments[one] for one in needed}))
        return (name, content) if isinstance(content, bytes) else None
    return None
