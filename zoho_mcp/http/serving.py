"""Runs an ASGI app on a port until it is stopped; then finishes open requests within a time limit.

Imported on first use, because uvicorn is slow to load.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from zoho_mcp.errors import SettingsError
from zoho_mcp.http.health import ActiveRequests
from zoho_mcp.pages.serving import quiet_config

GRACE = 25.0
"""Seconds for open calls to finish when the server stops."""
MAX_CONNECTIONS = 800
"""Below the 1024 files that a process may usually have open."""
_BACKLOG = 2048
_FAREWELL = 2
"""Seconds for responses to be sent, and for streams to end."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError when that is not possible."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        listener = socket.create_server(where, family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as problem:
        is_name = isinstance(problem, socket.gaierror)
        reason = problem.strerror if is_name else os.strerror(problem.errno or 0)
        raise SettingsError(
            f"Nothing can be served at {host}:{port}: {reason}.",
            "Choose another address with --http HOST:PORT.",
        ) from problem
    # With the protocol named, asyncio turns Nagle's algorithm off; otherwise each answer waits 40 ms for the next.
    return socket.socket(family, kind, socket.IPPROTO_TCP, fileno=listener.detach())


class HttpServer(uvicorn.Server):
    """On the first stop signal, refuses new requests and finishes open ones; on the second, stops at once."""

    def __init__(self, app: ASGIApp, active: ActiveRequests, *, grace: float = GRACE) -> None:
        super().__init__(quiet_config(app, lifespan="on", max_connections=MAX_CONNECTIONS, grace=_FAREWELL))
        self._active = active
        self._grace = grace
        self._signalled = False
        self._until = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal, and nothing more: it can come at any moment."""
        if self._signalled:
            self.should_exit = self.force_exit = True
        self._signalled = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        now = asyncio.get_running_loop().time()
        if self._signalled and not self._active.stopping:
            self._until = now + self._grace
            self._active.stop()
        elif self._signalled and (self._active.is_done or now > self._until):
            self.should_exit = True
        return await super().on_tick(counter)


def run(
    make: Callable[[int], ASGIApp], host: str, port: int, active: ActiveRequests, announce: Callable[[int], None]
) -> None:
    """Serve until stopped. `make` returns the app for the bound port; `announce` is called once it listens."""
    with bound(host, port) as listener:
        port = listener.getsockname()[1]
        server = HttpServer(make(port), active)
        announce(port)
        server.run([listener])
