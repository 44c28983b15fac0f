"""Limits each caller to the part of the server that the policy grants. The rest is not shown."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

from zoho_mcp.policy.grants import EVERYTHING, Grant, grant_for
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.tool_call import principal_of
from zoho_mcp.server.tools.documents import SAVE
from zoho_mcp.server.tools.offered import one_of
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import ORGANIZATION


class GrantMiddleware:
    """Replaces the server context by a view limited to the caller's grant. Comes before all that uses the offered
    tools.
    """

    def __init__(self) -> None:
        self._views: dict[int, tuple[ServerContext, ServerContext]] = {}

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        app = ctx.lifespan_context
        grant = grant_for(app.policy.grants, principal_of(ctx))
        if grant is EVERYTHING:
            return await call_next(ctx)
        if grant.access == "none" and ctx.request_id is not None:
            raise MCPError(types.INVALID_REQUEST, "The owner's policy does not let you use this server.")
        return await call_next(replace(ctx, lifespan_context=self._view(app, grant)))

    def _view(self, app: ServerContext, grant: Grant) -> ServerContext:
        # Grants live as long as the app's policy, so ids are not reused.
        of, view = self._views.get(id(grant), (None, None))
        if view is None or of is not app:
            view = limited(app, grant)
            self._views[id(grant)] = (app, view)
        return view


def limited(app: ServerContext, grant: Grant) -> ServerContext:
    """The server as limited by a grant. With several organisations, tools accept only the granted ones."""
    app = replace(app, api=replace(app.api, granted=tuple(grant.organizations)))
    allowed = {name: operation for name, operation in app.offered.items() if grant.allows(operation)}
    if grant.access == "read":
        # That includes the server's disk. Links and resources still provide files.
        app = replace(app, settings=replace(app.settings, download_dir=None))
        allowed = {name: _without(SAVE, operation) for name, operation in allowed.items()}
    if grant.organizations and app.settings.organizations and not app.api.organizations:
        allowed = {}
    if len(app.api.organizations) == len(app.settings.organizations):
        return replace(app, offered=allowed)
    which = one_of(app.settings, app.api.organizations)
    catalog = app.catalog.model_copy(update={"operations": _with(which, app.catalog.operations)})
    return replace(
        app,
        offered=_with(which, allowed),
        catalog=catalog,
        api=replace(app.api, catalog=catalog),
        checker=ArgumentChecker(catalog),
    )


def _without(argument: str, operation: Operation) -> Operation:
    properties = operation.input.get("properties", {})
    if argument not in properties:
        return operation
    left = {name: schema for name, schema in properties.items() if name != argument}
    return operation.model_copy(update={"input": {**operation.input, "properties": left}})


def _with(which: Mapping[str, Any], operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The operations with this schema for their organisation argument, if they have one."""
    found: dict[str, Operation] = {}
    for name, operation in operations.items():
        properties = operation.input.get("properties", {})
        if ORGANIZATION in properties:
            schema = {**operation.input, "properties": {**properties, ORGANIZATION: which}}
            operation = operation.model_copy(update={"input": schema})
        found[name] = operation
    return found
