"""Notifies subscribers of changes made through this server, for `subscriptions/listen` (2026-07-28), one open request
per client, and `resources/subscribe` (older protocols), one notification each.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import mcp_types as types
from mcp.server.subscriptions import ResourcesListChanged
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.resources.subscribers import MOST_SUBSCRIPTIONS, Change
from zoho_mcp.server.resources.uris import match, meaning
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import ORGANIZATION

_OF_BOTH = frozenset({"customers", "invoices", "payments", "credit_notes", "recurring_invoices"})
"""Toolsets whose changes affect customers and invoices: money, names or statuses."""


async def listen(
    ctx: RequestContext, params: types.SubscriptionsListenRequestParams
) -> types.SubscriptionsListenResult:
    """Handles subscriptions/listen: stays open and carries the notifications."""
    app = ctx.lifespan_context
    subscribers, requested = app.subscribers, params.notifications
    uris = [uri for uri in requested.resource_subscriptions or () if match(app, uri) is not None]
    if len(uris) > MOST_SUBSCRIPTIONS:
        # Every change is compared with each of them.
        raise MCPError(types.INVALID_PARAMS, f"At most {MOST_SUBSCRIPTIONS} resources can be watched at once.")
    accepted = (
        requested.model_copy(update={"resource_subscriptions": uris}) if requested.resource_subscriptions else requested
    )
    params = params.model_copy(update={"notifications": accepted})
    subscribers.listening(uris)
    try:
        return await subscribers.handler(ctx, params)
    finally:
        subscribers.unsubscribe(uris)


async def subscribe(ctx: RequestContext, params: types.SubscribeRequestParams) -> types.EmptyResult:
    """Handles resources/subscribe (older protocols)."""
    app, uri = ctx.lifespan_context, str(params.uri)
    if match(app, uri) is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown resource: {uri}", {"uri": uri})
    app.subscribers.add(ctx.session, uri)
    return types.EmptyResult()


async def unsubscribe(ctx: RequestContext, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    """Handles resources/unsubscribe (older protocols)."""
    ctx.lifespan_context.subscribers.drop(ctx.session, str(params.uri))
    return types.EmptyResult()


async def notify(app: ServerContext, call: ToolCall, envelope: Mapping[str, Any]) -> None:
    """Notify the subscribers, here and at other servers, of a change."""
    if call.operation.toolset not in _OF_BOTH and call.operation.answer.key != "invoice":
        return
    change = {ORGANIZATION: {call.organization_id}, **_touched(call.operation, call.arguments, envelope)}
    await _notify_local(app, change)
    if app.subscribers.publish_change is not None:
        await app.subscribers.publish_change(change)


async def notify_of_other(app: ServerContext, change: Change) -> None:
    """Count a change made by another server, and notify the subscribers here of it."""
    app.subscribers.changes += 1
    await _notify_local(app, change)


async def _notify_local(app: ServerContext, change: Change) -> None:
    await app.subscribers.publish({uri for uri in app.subscribers.uris() if _affects(app, change, uri)})
    await app.subscribers.bus.publish(ResourcesListChanged())


def _affects(app: ServerContext, change: Change, uri: str) -> bool:
    found = meaning(app, uri)
    if found is None or app.catalog.operations[found[0].operation].http.account:
        return False
    # Every change affects lists. A change without the ids of a kind affects all records of that kind.
    return all(not change.get(name) or value in change[name] for name, value in found[1].items())


def _touched(operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]) -> dict[str, set[str]]:
    """The ids of customers and invoices in the call and its response; empty for a kind if others may be affected."""
    found: dict[str, set[str]] = {"customer_id": set(), "invoice_id": set()}
    for source in (arguments, operation.record_in(envelope)):
        for name, value in _ids(source):
            found[name].add(value)
    if operation.http.method == "PUT":
        # Where it belonged before is unknown.
        if "customer_id" in arguments and "{customer_id}" not in operation.http.path:
            found["customer_id"].clear()
        if "invoices" in arguments:
            found["invoice_id"].clear()
    return found


def _ids(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, name in (("customer_id", "customer_id"), ("contact_id", "customer_id"), ("invoice_id", "invoice_id")):
        if source.get(field):
            yield name, str(source[field])
    parts = source.get("invoices")
    for part in cast("list[Any]", parts) if isinstance(parts, list) else []:
        if isinstance(part, dict) and "invoice_id" in part:
            yield "invoice_id", str(cast("dict[str, Any]", part)["invoice_id"])
