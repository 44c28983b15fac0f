"""Whether the process is there (`/healthz`) and can do its work (`/readyz`), for machines: nothing private."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.http.drain import ActiveRequests

HEALTHZ, READYZ = "/healthz", "/readyz"
Check = Callable[[], Awaitable[None]]


def health_routes(work: ActiveRequests, checks: tuple[Check, ...]) -> list[Route]:
    """The two addresses. A check raises ZohoMcpError for what is not ready; it is asked often, and must cost little."""

    async def healthy(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> JSONResponse:
        if work.stopping:
            return _not_ready("stopping")
        try:
            for check in checks:
                await check()
        except ZohoMcpError as problem:
            # The kind alone: what a message quotes is for the owner of the account, and anybody may ask here.
            return _not_ready(type(problem).__name__)
        return JSONResponse({"status": "ready"})

    return [Route(HEALTHZ, healthy), Route(READYZ, ready)]


def _not_ready(why: str) -> JSONResponse:
    return JSONResponse({"status": "not ready", "why": why}, 503)
