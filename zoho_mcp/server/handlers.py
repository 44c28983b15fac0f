"""The handlers of requests that need most of the modules. These are imported with the first such request.

A start, up to the response of tools/list, does not wait for them.
"""

import mcp_types as types

from zoho_mcp.server.context import RequestContext


async def call_tool(
    ctx: RequestContext, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    """tools/call."""
    from zoho_mcp.server.tools.call import handle

    return await handle(ctx, params)


async def list_resources(ctx: RequestContext, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """resources/list."""
    from zoho_mcp.server.resources import handlers

    return await handlers.list_resources(ctx, params)


async def list_templates(
    ctx: RequestContext, params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """resources/templates/list."""
    from zoho_mcp.server.resources import handlers

    return await handlers.list_templates(ctx, params)


async def read_resource(ctx: RequestContext, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    """resources/read."""
    from zoho_mcp.server.resources import handlers

    return await handlers.read_resource(ctx, params)


async def complete(ctx: RequestContext, params: types.CompleteRequestParams) -> types.CompleteResult:
    """completion/complete."""
    from zoho_mcp.server.completion import handler

    return await handler.complete(ctx, params)
