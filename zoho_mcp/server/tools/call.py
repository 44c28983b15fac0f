"""tools/list and tools/call: the way of a call from arguments to answer."""

import logging
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.errors import DeclinedError, RejectedError, ZohoMcpError
from zoho_mcp.server.audit_trail import Trail
from zoho_mcp.server.authorization import decide_call
from zoho_mcp.server.confirmation.confirm import confirm
from zoho_mcp.server.confirmation.request import TELL_THE_USER, agreement
from zoho_mcp.server.context import ORGANIZATION, RequestContext, working_in
from zoho_mcp.server.delivery import duplicates
from zoho_mcp.server.identity import principal_of
from zoho_mcp.server.resources.subscriptions import notify_after
from zoho_mcp.server.results import result
from zoho_mcp.server.results.payment_currency import PaymentCurrencies
from zoho_mcp.server.tools import pagination
from zoho_mcp.server.tools.composite import COMPOSITES, Answer
from zoho_mcp.server.tools.inventory import tool
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.call_context import current_call, kind_of

_logger = logging.getLogger(__name__)


async def list_tools(ctx: RequestContext, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """Every offered tool, always in the same order."""
    app = ctx.lifespan_context
    structured = app.settings.answer != "text"
    return types.ListToolsResult(tools=[tool(operation, structured=structured) for operation in app.offered.values()])


async def call_tool(
    ctx: RequestContext, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    """Check, decide, ask if need be, send, result. A failure is an answer; only a bug is a protocol error."""
    app = ctx.lifespan_context
    operation = app.offered.get(params.name)
    if operation is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
    arguments = params.arguments or {}
    before = working_in.set(str(arguments.get(ORGANIZATION, "")))
    try:
        app.checker.check(operation, arguments)
        return await _run(Trail(ctx, operation, arguments), params)
    except ZohoMcpError as problem:
        current_call().outcome = kind_of(problem)
        return result.failure(problem)
    except Exception:
        _logger.exception("%s failed", operation.name)
        raise
    finally:
        current_call().way = agreement().way or ""
        working_in.reset(before)


async def _run(trail: Trail, params: types.CallToolRequestParams) -> types.CallToolResult | types.InputRequiredResult:
    question = await _allowed(trail, params)
    if question is not None:
        return question
    operation = trail.operation
    if operation.effect == "read":
        envelope, links = await _carry_out(trail)
        if trail.way:
            await trail.ended("done", answer=envelope)
    else:
        envelope, links = await _perform_on_record(trail)
    return result.success(trail.ctx.lifespan_context, operation, trail.arguments, envelope, links)


async def _allowed(trail: Trail, params: types.CallToolRequestParams) -> types.InputRequiredResult | None:
    """None when the call may go; a question to pass on; or DeclinedError. Every decision but a plain yes is noted."""
    ctx, operation = trail.ctx, trail.operation
    try:
        trail.decision = await decide_call(ctx.lifespan_context, operation, trail.arguments, principal_of(ctx))
    except ZohoMcpError as problem:
        await trail.ended("failed", problem)
        raise
    if trail.decision.action == "refuse":
        problem = DeclinedError(f"{operation.title}: {trail.decision.reason}", TELL_THE_USER)
        await trail.ended("refused", problem)
        raise problem
    asked = trail.decision.action == "ask"
    question = await _asked(trail, params, trail.operation, trail.arguments) if asked else None
    return question or await _repeated(trail, params, asked=asked)


async def _repeated(
    trail: Trail, params: types.CallToolRequestParams, *, asked: bool
) -> types.InputRequiredResult | None:
    """The very same a short while ago is a reason to ask, unless a person has just been asked about it."""
    noted = False

    async def ask(operation: Operation, arguments: Mapping[str, Any]) -> types.InputRequiredResult | None:
        nonlocal noted
        noted = True
        return await _asked(trail, params, operation, arguments)

    try:
        return await duplicates.claim(
            trail.ctx.lifespan_context, trail.operation, trail.arguments, None if asked else ask
        )
    except DeclinedError as problem:
        if not noted:
            await trail.ended("declined", problem)
        raise


async def _asked(
    trail: Trail, params: types.CallToolRequestParams, operation: Operation, arguments: Mapping[str, Any]
) -> types.InputRequiredResult | None:
    if params.request_state is None:
        await trail.asking()
    try:
        question = await confirm(trail.ctx, operation, arguments, params)
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
    app, operation, arguments = trail.ctx.lifespan_context, trail.operation, trail.arguments
    try:
        await trail.intend()
    except BaseException:
        await duplicates.give_back(app, operation, arguments)
        raise
    try:
        envelope, links = await notify_after(app, operation, arguments, _noted(trail))
    except BaseException as problem:
        await trail.failed(problem)
        raise
    await trail.ended("done", answer=envelope)
    return envelope, links


async def _noted(trail: Trail) -> Answer:
    async with duplicates.noted(trail.ctx.lifespan_context, trail.operation, trail.arguments) as note:
        answer = await _carry_out(trail)
        note(answer[0])
    return answer


async def _carry_out(trail: Trail) -> Answer:
    app, operation = trail.ctx.lifespan_context, trail.operation
    if operation.handler:
        return await COMPOSITES[operation.handler](app, trail.arguments)
    envelope = await pagination.run(app, operation, trail.arguments)
    if operation.name == "list_payments":
        await PaymentCurrencies(app).add(envelope.get(operation.answer.key) or [])
    return envelope, ()
