"""Accepts a record's number, such as `INV-000033`, in place of its id if exactly one record has it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.server.authorization import require_allowed
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.results.totals import required
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import one_line

_SHOWN = ("customer_name", "status", "date", "total", "currency_code")
_LONGEST_NUMBER = 100


async def resolve(ctx: RequestContext, app: ServerContext, call: ToolCall) -> tuple[ToolCall, dict[str, Any]]:
    """The call with ids in place of numbers, and `{"found_by_number": …}` for the result; empty without numbers.

    Raises ArgumentsError if no record or several have the number; DeclinedError if the policy does not allow reading
    the list.
    """
    ids: dict[tuple[str, str], str] = {}
    found: dict[str, Any] = {}
    for name, own_id, number in call.unresolved:
        reader = _list_of(app, own_id)
        if reader is None or not _has_argument(call, name, own_id) or not 0 < len(number.strip()) <= _LONGEST_NUMBER:
            continue
        record = await _record(ctx, app, call, name, reader, number.strip())
        ids[own_id, number] = str(required(record, own_id))
        shown = {key: record[key] for key in _SHOWN if record.get(key)}
        found[str(record[reader.answer.number])] = {own_id: ids[own_id, number]} | shown
    if not ids:
        return call, {}
    named = {name: _with_ids(call.arguments[name], name, ids) for name, _, _ in call.unresolved}
    return replace(call, arguments={**call.arguments, **named}), {"found_by_number": found}


def _list_of(app: ServerContext, own_id: str) -> Operation | None:
    """The offered list that can find a record of this kind by its number."""
    lists = (operation for operation in app.offered.values() if operation.answer.number)
    return next((operation for operation in lists if operation.answer.columns[0] == own_id), None)


def _has_argument(call: ToolCall, name: str, own_id: str) -> bool:
    """Whether the tool has this argument and, if it is nested, this id in it."""
    schema: dict[str, Any] = call.operation.input["properties"].get(name, {})
    return bool(schema) and (
        name.removesuffix("s") == own_id or own_id in schema.get("items", {}).get("properties", {})
    )


async def _record(
    ctx: RequestContext, app: ServerContext, call: ToolCall, name: str, reader: Operation, number: str
) -> dict[str, Any]:
    field = reader.answer.number
    await require_allowed(ctx, app, [reader.name], {field: number})
    envelope = await app.api.run(reader.name, {field: number})
    rows: list[dict[str, Any]] = envelope[reader.answer.key]
    matching = [row for row in rows if str(row.get(field, "")).casefold() == number.casefold()]
    if len(matching) != 1:
        count = "no record has" if not matching else f"{len(matching)} records have"
        raise ArgumentsError(
            call.operation.name,
            [f'{name}: {count} the number "{one_line(number, 60)}". Look the id up with {reader.name}.'],
        )
    return matching[0]


def _with_ids(value: Any, name: str, ids: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, list):
        return [_with_ids(part, name, ids) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _with_ids(part, key, ids) for key, part in cast("dict[str, Any]", value).items()}
    return ids.get((name.removesuffix("s"), value), value) if isinstance(value, str) else value
