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
    ids: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, numbers in call.unresolved.items():
        reader, field = _LISTS.get(name.removesuffix("s"), ("", ""))
        if reader not in app.offered or name not in call.operation.input["properties"]:
            continue
        for number in (one for one in numbers if 0 < len(one.strip()) <= _LONGEST_NUMBER):
            record = await _record(ctx, app, call, name, number.strip())
            own_id = name.removesuffix("s")
            ids[number] = str(required(record, own_id))
            shown = {key: record[key] for key in _SHOWN if record.get(key)}
            found[str(record[field])] = {own_id: ids[number]} | shown
    if not ids:
        return call, {}
    named = {name: _with_ids(call.arguments[name], ids) for name in call.unresolved}
    return replace(call, arguments={**call.arguments, **named}), {"found_by_number": found}


async def _record(ctx: RequestContext, app: ServerContext, call: ToolCall, name: str, number: str) -> dict[str, Any]:
    reader, field = _LISTS[name.removesuffix("s")]
    await require_allowed(ctx, app, [reader], {field: number})
    envelope = await app.api.run(reader, {field: number})
    rows: list[dict[str, Any]] = envelope[app.catalog.operations[reader].answer.key]
    own = [row for row in rows if str(row.get(field, "")).casefold() == number.casefold()]
    if len(own) != 1:
        count = "no record has" if not own else f"{len(own)} records have"
        raise ArgumentsError(
            call.operation.name, [f'{name}: {count} the number "{clean(number, 60)}". Look the id up: {reader}.']
        )
    return own[0]


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_ids(one, ids) for one in cast("list[Any]", value)]
    return ids.get(value, value) if isinstance(value, str) else value
