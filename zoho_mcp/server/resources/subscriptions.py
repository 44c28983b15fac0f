"""Notifies the subscribers of a resource of changes made through this server, in both eras of the protocol.

2026-07-28: `subscriptions/listen`, one open request a client. Older: `resources/subscribe`, a notification each.
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
"""Toolsets whose changes show in customers and invoices: all move money, names or statuses there."""


async def listen(
    ctx: RequestContext, params: types.SubscriptionsListenRequestParams
) -> types.SubscriptionsListenResult:
    """subscriptions/listen: stays open and carries the notifications."""
    app = ctx.lifespan_context
    subscribers, wished = app.subscribers, params.notifications
    uris = [uri for uri in wished.resource_subscriptions or () if match(app, uri) is not None]
    if len(uris) > MOST_SUBSCRIPTIONS:
        # Every change is compared with every one of them.
        raise MCPError(types.INVALID_PARAMS, f"At most {MOST_SUBSCRIPTIONS} resources can be watched at once.")
    heard = wished.model_copy(update={"resource_subscriptions": uris}) if wished.resource_subscriptions else wished
    params = params.model_copy(update={"notifications": heard})
    subscribers.listening(uris)
    try:
        return await subscribers.handler(ctx, params)
    finally:
        subscribers.unsubscribe(uris)


async def subscribe(ctx: RequestContext, params: types.SubscribeRequestParams) -> types.EmptyResult:
    """resources/subscribe, of older clients."""
    app, uri = ctx.lifespan_context, str(params.uri)
    if match(app, uri) is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown resource: {uri}", {"uri": uri})
    app.subscribers.add(ctx.session, uri)
    return types.EmptyResult()


async def unsubscribe(ctx: RequestContext, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    """resources/unsubscribe."""
    ctx.lifespan_context.subscribers.drop(ctx.session, str(params.uri))
    return types.EmptyResult()


async def notify(app: ServerContext, call: ToolCall, envelope: Mapping[str, Any]) -> None:
    """Tell subscribers, here and at other servers, what a change may have touched."""
    if call.operation.toolset not in _OF_BOTH and call.operation.answer.key != "invoice":
        return
    change = {ORGANIZATION: {call.organization_id}, **_touched(call.operation, call.arguments, envelope)}
    await tell_of(app, change)
    await app.subscribers.publish_change(change)


async def tell_of(app: ServerContext, touched: Change) -> None:
    """Tell those who subscribed here to what a change, of this server or of another, may have touched."""
    app.subscribers.changes += 1
    await app.subscribers.publish({uri for uri in app.subscribers.uris() if _affects(app, touched, uri)})
    await app.subscribers.bus.publish(ResourcesListChanged())


def _affects(app: ServerContext, touched: Change, uri: str) -> bool:
    found = meaning(app, uri)
    if found is None or app.catalog.operations[found[0].operation].http.account:
        return False
    # A list is affected by everything; so is every record of a kind of which the call does not say which it changed.
    return all(not touched.get(name) or value in touched[name] for name, value in found[1].items())


def _touched(operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]) -> dict[str, set[str]]:
    """The customers and invoices that the call and its answer name, by kind; empty where that may not be all."""
    found: dict[str, set[str]] = {"customer_id": set(), "invoice_id": set()}
    for source in (arguments, operation.record_in(envelope)):
        for name, value in _ids(source):
            found[name].add(value)
    if operation.http.method == "PUT":
        # What it belonged to before is not known.
        if "customer_id" in arguments and "{customer_id}" not in operation.http.path:
            found["customer_id"].clear()
        if "invoices" in arguments:
            found["invoice_id"].clear()
    return found


def _ids(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for theirs, name in (("customer_id", "customer_id"), ("contact_id", "customer_id"), ("invoice_id", "invoice_id")):
        if source.get(theirs):
            yield name, str(source[theirs])
    parts = source.get("invoices")
    for part in cast("list[Any]", parts) if isinstance(parts, list) else []:
        if isinstance(part, dict) and "invoice_id" in part:
            yield "invoice_id", str(cast("dict[str, Any]", part)["invoice_id"])
