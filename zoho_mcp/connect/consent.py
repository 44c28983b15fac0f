"""A person's consent at Zoho and the redirect back: an address on this machine that accepts one valid answer."""

import errno
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from zoho_mcp.approval_page.app import guarded, loopback_server
from zoho_mcp.approval_page.html import notice_page
from zoho_mcp.errors import AuthError, SettingsError, ZohoMcpError
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
    sockets = listen(attempt.port)
    server = loopback_server(guarded(Starlette(routes=answer.routes), hosts_of(attempt.port)))
    async with anyio.create_task_group() as group:
        serving = anyio.Event()

        async def serve() -> None:
            await server.serve(sockets=sockets)
            serving.set()

        group.start_soon(serve)
        group.start_soon(open_browser)
        with anyio.move_on_after(CONSENT_TIMEOUT):
            await answer.arrived.wait()
        server.stop()
        await serving.wait()
        group.cancel_scope.cancel()
    return answer.result()


def listen(port: int) -> list[socket.socket]:
    """Sockets on both loopback addresses: `localhost` can mean either, and no other program may take the second.

    Raises SettingsError when the port is taken.
    """
    found: list[socket.socket] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            found.append(_bound(family, host, port))
        except OSError as problem:
            if found and problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # A machine without IPv6.
            for listener in found:
                listener.close()
            raise SettingsError(
                f"Port {port} on this machine is in use: {problem.strerror or problem}.",
                "Close the program that uses it, or choose another port with --port and register that with Zoho.",
            ) from problem
    return found


def hosts_of(port: int) -> set[str]:
    """The names under which a port of this machine is reached."""
    return {f"localhost:{port}", f"127.0.0.1:{port}"}


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            with suppress(OSError, AttributeError):
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform != "win32":
            # Connections of an earlier login may linger; on Windows the option would let two programs share the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


class _Answer(Generic[_Result]):
    """The one answer that belongs to an attempt; anything else is refused."""

    def __init__(self, attempt: Attempt, exchange: Callable[[Mapping[str, str]], Awaitable[_Result]]) -> None:
        self.arrived = anyio.Event()
        self.routes = [Route(PATH, self._take, methods=["GET"]), Route("/{rest:path}", _nothing_here)]
        self._attempt = attempt
        self._exchange = exchange
        self._taken = False
        self._results: list[_Result] = []
        self._problem: ZohoMcpError | None = None

    def result(self) -> _Result:
        """What the exchange gave. Raises what it raised."""
        if self._problem is not None:
            raise self._problem
        if not self._results:
            raise AuthError(f"No one accepted within {CONSENT_TIMEOUT / 60:.0f} minutes.", "Run login again.")
        return self._results[0]

    async def _take(self, request: Request) -> Response:
        query = dict(request.query_params)
        if not belongs(query, self._attempt):
            return page("Not this login", "This answer does not belong to the login in progress.", 400)
        if self._taken:
            return page("Already used", "This answer was already used.", 404)
        self._taken = True
        try:
            self._results.append(await self._exchange(query))
        except ZohoMcpError as problem:
            self._problem = problem
            return page("Not logged in", str(problem), 502, then=self.arrived.set)
        return page("Logged in", "You can close this window and go back to the terminal.", then=self.arrived.set)


def belongs(query: Mapping[str, str], attempt: Attempt) -> bool:
    """Whether a query answers this very attempt."""
    return secrets.compare_digest(query.get("state", "").encode("utf-8", "replace"), attempt.state.encode())


def page(title: str, text: str, status: int = 200, then: Callable[[], None] | None = None) -> Response:
    """A page with one message; `then` is called when it has been sent."""
    return HTMLResponse(notice_page(title, text), status, background=BackgroundTask(then) if then else None)


async def _nothing_here(request: Request) -> Response:
    return page("Not found", "There is nothing here.", 404)
