"""Tells whoever waits for a request how it goes. The figure of a request only grows, whichever part of us reports."""

from contextvars import ContextVar
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from zoho_mcp.zoho.rate_limit.limiter import REPORT

LEAST = 0.001
"""What the figure grows by when nothing was counted."""


class Progress:
    """That of one request. `figure` is what was counted so far: rows read, or seconds waited."""

    def __init__(self, ctx: ServerRequestContext[Any]) -> None:
        self.figure = 0.0
        self._ctx = ctx

    async def tell(self, message: str, more: float = 0.0, total: float | None = None) -> None:
        """Tell whoever asked to be told; nobody else notices."""
        self.figure += max(more, LEAST)
        await self._ctx.session.report_progress(self.figure, total, message)

    async def wait(self, reason: str, seconds: float) -> None:
        """The same, of something that has to be waited for."""
        await self.tell(reason)


_current: ContextVar[Progress | None] = ContextVar("progress", default=None)


async def follow(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Middleware: what happens within a request is reported to whoever made it."""
    progress = Progress(ctx)
    resets = _current.set(progress), REPORT.set(progress.wait)
    try:
        return await call_next(ctx)
    finally:
        _current.reset(resets[0])
        REPORT.reset(resets[1])


async def report_progress(message: str, more: float = 0.0, total: float | None = None) -> None:
    """`Progress.tell` of the request under way, if there is one."""
    if (progress := _current.get()) is not None:
        await progress.tell(message, more, total)
