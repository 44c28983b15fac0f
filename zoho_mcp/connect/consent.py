"""A person's consent at Zoho, and the address on this machine that Zoho sends the browser back to."""

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zoho_mcp.errors import AuthError, ZohoMcpError
from zoho_mcp.pages.on_demand import OnDemandServer, Site
from zoho_mcp.pages.requests import local_only, notice
from zoho_mcp.pages.serving import listen
from zoho_mcp.zoho.oauth.login import PATH, Attempt

CONSENT_TIMEOUT = 300.0
"""Seconds for a person to log in and accept."""
_Result = TypeVar("_Result")


async def consented(
    attempt: Attempt,
    open_browser: Callable[[], Coroutine[Any, Any, object]],
    exchange: Callable[[Mapping[str, str]], Awaitable[_Result]],
) -> _Result:
    """What `exchange` makes of the query that Zoho sends the browser back with.

    The browser shows success only when the exchange has succeeded. Raises SettingsError (the port is taken), AuthError
    (nobody came in time) and whatever `exchange` raises.
    """
    answer = _Answer(attempt, exchange)
    app = local_only(Starlette(routes=answer.routes), attempt.port)
    site = Site(attempt.redirect_uri, app, listen(attempt.port))
    server = OnDemandServer()
    async with anyio.create_task_group() as group:
        await server.start(group, lambda: site)
        group.start_soon(open_browser)
        with anyio.move_on_after(CONSENT_TIMEOUT):
            await answer.arrived.wait()
        server.stop()
        await server.stopped()
        group.cancel_scope.cancel()
    return answer.result()


class _Answer(Generic[_Result]):
    """The one answer that belongs to an attempt. All others are refused."""

    def __init__(self, attempt: Attempt, exchange: Callable[[Mapping[str, str]], Awaitable[_Result]]) -> None:
        self.arrived = anyio.Event()
        self.routes = [Route(PATH, self._take, methods=["GET"]), Route("/{rest:path}", _not_found)]
        self._attempt = attempt
        self._exchange = exchange
        self._taken = False
        self._results: list[_Result] = []
        self._problem: ZohoMcpError | None = None

    def result(self) -> _Result:
        """The result of the exchange. Raises what the exchange raised, or AuthError if nobody came."""
        if self._problem is not None:
            raise self._problem
        if not self._results:
            raise AuthError(f"No one accepted within {CONSENT_TIMEOUT / 60:.0f} minutes.", "Run login again.")
        return self._results[0]

    async def _take(self, request: Request) -> Response:
        query = dict(request.query_params)
        if not belongs(query, self._attempt):
            return notice("Not this login", "This answer does not belong to the login in progress.", 400)
        if self._taken:
            return notice("Already used", "This answer was already used.", 404)
        self._taken = True
        try:
            self._results.append(await self._exchange(query))
        except ZohoMcpError as problem:
            self._problem = problem
            return notice("Not logged in", str(problem), 502, then=self.arrived.set)
        return notice("Logged in", "You can close this window and go back to the terminal.", then=self.arrived.set)


def belongs(query: Mapping[str, str], attempt: Attempt) -> bool:
    """Whether a query answers exactly this attempt."""
    return secrets.compare_digest(query.get("state", "").encode("utf-8", "replace"), attempt.state.encode())


async def _not_found(_: Request) -> Response:
    return notice("Not found", "There is nothing here.", 404)
