"""tools/list and tools/call: the way of a call from arguments to answer."""

import logging
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.policy.rules import decide
from zoho_mcp.server import render, repeats
from zoho_mcp.server.confirm import confirm
from zoho_mcp.server.inventory import tool
from zoho_mcp.server.special import SPECIALS, Answer
from zoho_mcp.server.state import ORGANIZATION, App, Context, working_in
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.limits import REPORT, Report

_logger = logging.getLogger(__name__)


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
    resets = working_in.set(str(arguments.get(ORGANIZATION, ""))), REPORT.set(_reporter(ctx))
    try:
        app.checker.check(operation, arguments)
        question = await _allowed(ctx, operation, arguments, params)
        if question is not None:
            return question
        envelope, links = await _perform(app, operation, arguments)
        return render.success(operation, envelope, links)
    except ZohoMcpError as problem:
        return render.failure(problem)
    except Exception:
        _logger.exception("%s failed", operation.name)
        raise
    finally:
        working_in.reset(resets[0])
        REPORT.reset(resets[1])


def _reporter(ctx: Context) -> Report:
    """Tells the client what its call waits for, if it asked to be told."""

    async def report(reason: str, seconds: float) -> None:
        await ctx.session.report_progress(0, seconds, reason)

    return report


async def _allowed(
    ctx: Context, operation: Operation, arguments: Mapping[str, Any], params: types.CallToolRequestParams
) -> types.InputRequiredResult | None:
    decision = decide(operation, arguments, ctx.lifespan_context.settings.confirm)
    if decision.action == "refuse":
        raise DeclinedError(f"{operation.title}: {decision.reason}", "Tell the user; do not try another way.")
    if decision.action == "ask":
        question = await confirm(ctx, operation, arguments, params)
        if question is not None:
            return question
    return await repeats.claim(ctx, operation, arguments, params, asked=decision.action == "ask")


async def _perform(app: App, operation: Operation, arguments: Mapping[str, Any]) -> Answer:
    with repeats.noted(app, operation, arguments) as note:
        if operation.special:
            envelope, links = await SPECIALS[operation.name](app, arguments)
        else:
            envelope, links = await app.run(operation.name, arguments), ()
        note(envelope)
    return envelope, links
