"""The calls in progress, and whether the server is up (`/healthz`) and ready (`/readyz`). Shows nothing private."""

from collections.abc import Awaitable, Callable

from mcp.server.context import CallNext, HandlerResult
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.server.context import RequestContext

HEALTHZ, READYZ = "/healthz", "/readyz"
Check = Callable[[], Awaitable[None]]
"""Raises ZohoMcpError for what is not ready. Must be cheap: it is called for every request to `/readyz`."""


class ActiveRequests:
    """Middleware of the MCP server that counts the requests in progress, so that a stop can wait for them.

    Subscriptions are not counted, because they do not end by themselves.
    """

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
        """Whether no request is in progress."""
        return not self._running

    def stop(self) -> None:
        """Refuse new requests from now on, and end all subscriptions."""
        self.stopping = True
        self._end_subscriptions()


def health_routes(active: ActiveRequests, checks: tuple[Check, ...]) -> list[Route]:
    """The routes for monitoring; `checks` decide whether the server is ready."""

    async def healthy(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> JSONResponse:
        if active.stopping:
            return _not_ready("stopping")
        try:
            for check in checks:
                await check()
        except ZohoMcpError as problem:
            # Only the class: the message can quote the account's data, and anybody may ask here.
            return _not_ready(type(problem).__name__)
        return JSONResponse({"status": "ready"})

    return [Route(HEALTHZ, healthy), Route(READYZ, ready)]


def _not_ready(why: str) -> JSONResponse:
    return JSONResponse({"status": "not ready", "why": why}, 503)
