"""Middleware: withdraws the approval page of a cancelled call, and explains an invalid request state."""

from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.context import RequestContext
from zoho_mcp.server.tool_call import request_id_of

_BAD_STATE = (
    "Invalid or expired requestState: it belongs to another call, has expired, or was issued before a restart. "
    "Nothing was done. Call the tool again for a new question."
)


async def observe(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Stands outside of the boundary that seals request states."""
    if ctx.method == "notifications/cancelled":
        # Where there are no sessions, the SDK cannot tell which call this is about.
        ctx.lifespan_context.page.take_back(request_id_of(ctx, (ctx.params or {}).get("requestId")))
    try:
        return await call_next(ctx)
    except MCPError as problem:
        data = problem.error.data
        if isinstance(data, dict) and cast("dict[str, Any]", data).get("reason") == "invalid_request_state":
            raise MCPError(problem.error.code, _BAD_STATE, data) from problem
        raise
