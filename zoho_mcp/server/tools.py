"""tools/list and tools/call: the way of a call from arguments to answer."""

import logging

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.errors import DeclinedError, RejectedError, ZohoMcpError
from zoho_mcp.server import render
from zoho_mcp.server.asking import agreement
from zoho_mcp.server.caller import principal_of
from zoho_mcp.server.confirm import confirm
from zoho_mcp.server.inventory import tool
from zoho_mcp.server.judge import judge
from zoho_mcp.server.special import SPECIALS, Answer
from zoho_mcp.server.state import Context
from zoho_mcp.server.trail import Trail

_logger = logging.getLogger(__name__)
_TELL_THE_USER = "Tell the user; do not try another way."


async def list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """Every offered tool, always in the same order."""
    return types.ListToolsResult(tools=[tool(operation) for operation in ctx.lifespan_context.offered.values()])


async def call_tool(
    ctx: Context, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    """Check, decide, ask if need be, send, render. A failure is an answer; only a bug is a protocol error."""
    app = ctx.lifespan_context
    operation = app.offered.get(params.name)
    if operation is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
    arguments = params.arguments or {}
    try:
        app.checker.check(operation, arguments)
        return await _run(Trail(ctx, operation, arguments), params)
    except ZohoMcpError as problem:
        return render.failure(problem)
    except Exception:
        _logger.exception("%s failed", operation.name)
        raise


async def _run(trail: Trail, params: types.CallToolRequestParams) -> types.CallToolResult | types.InputRequiredResult:
    question = await _allowed(trail, params)
    if question is not None:
        return question
    operation = trail.operation
    if operation.effect == "read":
        envelope, links = await _perform(trail)
        if trail.way:
            await trail.ended("done", answer=envelope)
    else:
        envelope, links = await _perform_on_record(trail)
    return render.success(operation, envelope, links)


async def _allowed(trail: Trail, params: types.CallToolRequestParams) -> types.InputRequiredResult | None:
    """None when the call may go; a question to pass on; or DeclinedError. Every decision but a plain yes is noted."""
    ctx, operation = trail.ctx, trail.operation
    try:
        trail.decision = await judge(ctx.lifespan_context, operation, trail.arguments, principal_of(ctx))
    except ZohoMcpError as problem:
        await trail.ended("failed", problem)
        raise
    if trail.decision.action == "refuse":
        problem = DeclinedError(f"{operation.title}: {trail.decision.reason}", _TELL_THE_USER)
        await trail.ended("refused", problem)
        raise problem
    return await _asked(trail, params) if trail.decision.action == "ask" else None


async def _asked(trail: Trail, params: types.CallToolRequestParams) -> types.InputRequiredResult | None:
    if params.request_state is None:
        await trail.asking()
    try:
        question = await confirm(trail.ctx, trail.operation, trail.arguments, params)
        trail.way = agreement().way or ""
        return question
    except DeclinedError as problem:
        trail.way = agreement().way or ""
        await trail.ended("declined", problem)
        raise
    except RejectedError as problem:
        # Zoho would not do it, so nobody was asked.
        await trail.ended("refused", problem)
        raise
    except BaseException as problem:
        await trail.ended("failed", problem)
        raise


async def _perform_on_record(trail: Trail) -> Answer:
    """A change: that it will be sent is on the disk before it is sent, and how it ended afterwards."""
    await trail.intend()
    try:
        envelope, links = await _perform(trail)
    except BaseException as problem:
        await trail.failed(problem)
        raise
    await trail.ended("done", answer=envelope)
    return envelope, links


async def _perform(trail: Trail) -> Answer:
    app, operation = trail.ctx.lifespan_context, trail.operation
    if operation.special:
        return await SPECIALS[operation.name](app, trail.arguments)
    return await app.run(operation.name, trail.arguments), ()
