"""Accepts a record's number in place of its id, `INV-000033`, where exactly one record has it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.server.authorization import require_allowed
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.results.totals import required
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.text import clean

_LISTS: Mapping[str, tuple[str, str]] = {
    # argument: the list to look in, and the field that holds the number
    "invoice_id": ("list_invoices", "invoice_number"),
    "estimate_id": ("list_estimates", "estimate_number"),
    "creditnote_id": ("list_credit_notes", "creditnote_number"),
}
_SHOWN = ("customer_name", "status", "date", "total", "currency_code")
_LONGEST_NUMBER = 100


async def resolve(ctx: RequestContext, app: ServerContext, call: ToolCall) -> tuple[ToolCall, dict[str, Any]]:
    """The call with ids in place of numbers, and for the result which record each number was; empty without any.

    Raises ArgumentsError for a number that no record has, or several have; DeclinedError where the policy does not
    let the list be read.
    """
    ids: dict[tuple[str, str], str] = {}
    found: dict[str, Any] = {}
    for name, own_id, number in call.unresolved:
        reader, _ = _LISTS.get(own_id, ("", ""))
        if (
            reader not in app.offered
            or not _takes(call, name, own_id)
            or not 0 < len(number.strip()) <= _LONGEST_NUMBER
        ):
            continue
        record = await _record(ctx, app, call, (name, own_id), number.strip())
        ids[own_id, number] = str(required(record, own_id))
        shown = {key: record[key] for key in _SHOWN if record.get(key)}
        found[str(record[_LISTS[own_id][1]])] = {own_id: ids[own_id, number]} | shown
    if not ids:
        return call, {}
    named = {name: _with_ids(call.arguments[name], name, ids) for name, _, _ in call.unresolved}
    return replace(call, arguments={**call.arguments, **named}), {"found_by_number": found}


def _takes(call: ToolCall, name: str, own_id: str) -> bool:
    """Whether the tool has this argument, and inside it this id."""
    schema: dict[str, Any] = call.operation.input["properties"].get(name, {})
    return bool(schema) and (
        name.removesuffix("s") == own_id or own_id in schema.get("items", {}).get("properties", {})
    )


async def _record(
    ctx: RequestContext, app: ServerContext, call: ToolCall, where: tuple[str, str], number: str
) -> dict[str, Any]:
    name, own_id = where
    reader, field = _LISTS[own_id]
    await require_allowed(ctx, app, [reader], {field: number})
    envelope = await app.api.run(reader, {field: number})
    rows: list[dict[str, Any]] = envelope[app.catalog.operations[reader].answer.key]
    own = [row for row in rows if str(row.get(field, "")).casefold() == number.casefold()]
    if len(own) != 1:
        count = "no record has" if not own else f"{len(own)} records have"
        raise ArgumentsError(
            call.operation.name, [f'{name}: {count} the number "{clean(number, 60)}". Look the id up with {reader}.']
        )
    return own[0]


def _with_ids(value: Any, name: str, ids: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, list):
        return [_with_ids(one, name, ids) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _with_ids(one, key, ids) for key, one in cast("dict[str, Any]", value).items()}
    return ids.get((name.removesuffix("s"), value), value) if isinstance(value, str) else value
