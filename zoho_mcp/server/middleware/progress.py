"""Middleware: progress within a request goes to the client that made it."""

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from zoho_mcp.telemetry.progress import Progress, current


async def follow(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Set the progress of this request while it runs."""
    reset = current.set(Progress(ctx.session))
    try:
        return await call_next(ctx)
    finally:
        current.reset(reset)
