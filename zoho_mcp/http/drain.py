"""What a server has under way, so that it can stop without breaking it off."""

from collections.abc import Callable

from mcp.server.context import CallNext, HandlerResult

from zoho_mcp.server.context import RequestContext


class ActiveRequests:
    """Middleware of the MCP server that counts the requests at work. A subscription is none: it does not end."""

    def __init__(self) -> None:
        self.stopping = False
        self._running = 0
        self._end_subscriptions: Callable[[], None] = lambda: None

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        if ctx.method == "subscriptions/listen":
            self._end_subscriptions = ctx.lifespan_context.subscribers.handler.close
            return await call_next(ctx)
        self._running += 1
        try:
            return await call_next(ctx)
        finally:
            self._running -= 1

    @property
    def is_done(self) -> bool:
        """Whether nothing runs."""
        return not self._running

    def stop(self) -> None:
        """Accept nothing new from now on, and end all open streams."""
        self.stopping = True
        self._end_subscriptions()
