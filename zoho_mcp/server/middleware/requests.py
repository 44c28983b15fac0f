"""Middleware and handlers of MCP requests.

The middleware gives a request its id, span and progress, and measures tool calls. The span resembles the SDK's, but
without text from the client: no error texts, no unknown names.

Handlers that need most of the modules import them with the first such request, so that the start does not wait.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, cast

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from opentelemetry.context import Context as Trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, get_tracer
from pydantic import ValidationError

from zoho_mcp.server.context import RequestContext
from zoho_mcp.server.tool_call import request_id_of
from zoho_mcp.telemetry.calls import CallContext, Progress, current, kind_of, measure_tool

OTHER = "other"
_INTERNAL = "Internal error of this server. Its log (stderr) says more. Check in Zoho before repeating a change."
_BAD_STATE = (
    "Invalid or expired requestState: it belongs to another call, has expired, or was issued before a restart. "
    "Nothing was done. Call the tool again for a new question."
)
METHODS = frozenset({
    "initialize", "ping", "server/discover", "tools/list", "tools/call", "prompts/list", "prompts/get",
    "resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
    "subscriptions/listen", "completion/complete", "skills/list", "skills/get", "logging/setLevel",
    "notifications/initialized", "notifications/cancelled", "notifications/progress",
    "notifications/roots/list_changed",
})  # fmt: skip
_logger = logging.getLogger(__name__)
_tracer = get_tracer("zoho_mcp")


async def trace(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Middleware, outermost: sets up the call's context and span, and records its outcome."""
    method = ctx.method if ctx.method in METHODS else OTHER
    tool = _tool(ctx) if method == "tools/call" else ""
    call, began = CallContext(progress=Progress(ctx.session)), time.perf_counter()
    before = current.set(call)
    try:
        with _tracer.start_as_current_span(
            f"{method} {tool}".strip(), context=_parent(ctx), kind=SpanKind.SERVER, record_exception=False,
            set_status_on_exception=False,
        ) as span:  # fmt: skip
            try:
                result = await call_next(ctx)
                if isinstance(result, Mapping) and "inputRequests" in result:
                    call.outcome = "asked"
                return result
            except BaseException as problem:
                call.outcome = "protocol" if isinstance(problem, MCPError) else kind_of(problem)
                if isinstance(problem, Exception) and not isinstance(problem, MCPError | ValidationError):
                    # Its text may be private; the SDK would send it, with code 0.
                    _logger.exception("%s failed", tool or method)
                    raise MCPError(types.INTERNAL_ERROR, _INTERNAL) from problem
                raise
            finally:
                if span.is_recording():
                    _describe(span, ctx, method, tool, call)
                if tool:
                    _log_call(tool, call, time.perf_counter() - began)
    finally:
        current.reset(before)


def _tool(ctx: RequestContext) -> str:
    name = (ctx.params or {}).get("name")
    return name if isinstance(name, str) and name in ctx.lifespan_context.offered else OTHER


def _parent(ctx: RequestContext) -> Trace | None:
    """The trace context of the client or proxy."""
    headers: Mapping[str, str] = ctx.request.headers if ctx.request is not None else {}
    for carrier in (ctx.meta or {}, headers):
        if "traceparent" in carrier:
            trace = extract({name: value for name, value in carrier.items() if name in ("traceparent", "tracestate")})
            if get_current_span(trace).get_span_context().is_valid:
                return trace
    return None


def _describe(span: Span, ctx: RequestContext, method: str, tool: str, call: CallContext) -> None:
    found: dict[str, Any] = {"zoho.call": call.id, "mcp.method.name": method}
    if ctx.protocol_version in KNOWN_PROTOCOL_VERSIONS:
        found["mcp.protocol.version"] = ctx.protocol_version
    if isinstance(ctx.request_id, int):
        # A text id may contain anything that the client chooses.
        found["jsonrpc.request.id"] = str(ctx.request_id)
    if tool:
        found |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "zoho.outcome": call.outcome}
    if call.outcome not in ("done", "asked"):
        found["error.type"] = call.outcome
        span.set_status(StatusCode.ERROR)
    span.set_attributes(found)


def _log_call(tool: str, call: CallContext, seconds: float) -> None:
    measure_tool(tool, call, seconds)
    if _logger.isEnabledFor(logging.INFO):
        fields = {"tool": tool, "outcome": call.outcome, "seconds": round(seconds, 4)}
        _logger.info("%s: %s", tool, call.outcome, extra={"fields": fields})


async def watch_confirmations(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Middleware: withdraws the approval page of a cancelled call, and explains an invalid request state.

    Must come before the boundary that seals request states.
    """
    if ctx.method == "notifications/cancelled":
        # Where there are no sessions, the SDK cannot tell which call this is about.
        ctx.lifespan_context.page.cancel(request_id_of(ctx, (ctx.params or {}).get("requestId")))
    try:
        return await call_next(ctx)
    except MCPError as problem:
        data = problem.error.data
        if isinstance(data, dict) and cast("dict[str, Any]", data).get("reason") == "invalid_request_state":
            raise MCPError(problem.error.code, _BAD_STATE, data) from problem
        raise


async def call_tool(
    ctx: RequestContext, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    """Handles tools/call."""
    from zoho_mcp.server.tools.call import handle

    return await handle(ctx, params)


async def list_resources(ctx: RequestContext, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """Handles resources/list."""
    from zoho_mcp.server.resources import handlers

    return await handlers.list_resources(ctx, params)


async def list_templates(
    ctx: RequestContext, params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """Handles resources/templates/list."""
    from zoho_mcp.server.resources import handlers

    return await handlers.list_templates(ctx, params)


async def read_resource(ctx: RequestContext, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    """Handles resources/read."""
    from zoho_mcp.server.resources import handlers

    return await handlers.read_resource(ctx, params)


async def complete(ctx: RequestContext, params: types.CompleteRequestParams) -> types.CompleteResult:
    """Handles completion/complete."""
    from zoho_mcp.server.completion import handler

    return await handler.complete(ctx, params)
