"""What surrounds every tools/call: the token it brings, what became of the approval it spent, words for a bad state."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import anyio
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

from zoho_mcp.policy.approvals import Approval, ApprovalStore
from zoho_mcp.server.confirmation.request import Agreement, current
from zoho_mcp.server.confirmation.token import ARGUMENT
from zoho_mcp.server.context import RequestContext
from zoho_mcp.server.identity import call_of

_LONGEST_OUTCOME = 600
_BAD_STATE = (
    "Invalid or expired requestState: that answer belongs to another call, came too late, or was asked for before a "
    "restart. Nothing was done. Call again to be asked anew."
)
_UNKNOWN = "You approved, and the call was broken off while it ran. Look in Zoho whether it happened."


async def around(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Middleware; stands outside of the boundary that seals request states."""
    if ctx.method == "notifications/cancelled":
        # Where there are no sessions, the SDK cannot tell which call this is about.
        ctx.lifespan_context.page.take_back(call_of(ctx, (ctx.params or {}).get("requestId")))
    if ctx.method != "tools/call":
        return await call_next(ctx)
    agreed = Agreement()
    if ctx.lifespan_context.settings.confirm_fallback == "token":
        ctx, agreed.token = _without_token(ctx)
    reset = current.set(agreed)
    result: HandlerResult = None
    try:
        result = await call_next(ctx)
    except MCPError as problem:
        raise _worded(problem) from problem
    finally:
        current.reset(reset)
        if agreed.approval is not None:
            await _settle(ctx.lifespan_context.approvals, agreed.approval, result)
    return result


def _without_token(ctx: RequestContext) -> tuple[RequestContext, str]:
    """The token is no argument of the operation: it is taken out before anything is checked or bound."""
    arguments = (ctx.params or {}).get("arguments")
    if not isinstance(arguments, Mapping) or ARGUMENT not in arguments:
        return ctx, ""
    rest = dict(cast("Mapping[str, Any]", arguments))
    token = rest.pop(ARGUMENT)
    return replace(ctx, params={**(ctx.params or {}), "arguments": rest}), token if isinstance(token, str) else ""


def _worded(problem: MCPError) -> MCPError:
    data = problem.error.data
    if isinstance(data, dict) and cast("dict[str, Any]", data).get("reason") == "invalid_request_state":
        return MCPError(problem.error.code, _BAD_STATE, data)
    return problem


async def _settle(approvals: ApprovalStore, approval: Approval, result: HandlerResult) -> None:
    """Tell the page what became of it; without a result the call was cancelled, or failed in here."""
    with anyio.CancelScope(shield=True):
        await approvals.settle(approval, _outcome(result))


def _outcome(result: HandlerResult) -> str:
    if not isinstance(result, Mapping):
        return _UNKNOWN
    if not result.get("isError"):
        return "Done."
    parts = cast("list[Mapping[str, Any]]", result.get("content") or [])
    text = " ".join(str(part.get("text", "")) for part in parts)
    return f"You approved, and it did not work. {text[:_LONGEST_OUTCOME]}"
