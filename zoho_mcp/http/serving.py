"""Runs an ASGI app on a port until it is stopped; then finishes open requests within a time limit.

Imported when it is needed: uvicorn is slow to load.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from zoho_mcp.approval_page.timed import TimedProtocol
from zoho_mcp.errors import SettingsError
from zoho_mcp.http.health import ActiveRequests

GRACE = 25.0
"""Seconds for open calls to finish when the server stops."""
MOST_CONNECTIONS = 800
"""Below the 1024 files that a process may usually have open."""
_BACKLOG = 2048
_FAREWELL = 2
"""Seconds for answers on their way, and for streams that carry none."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError when that cannot be."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Said in so many words: else asyncio does not see that it is TCP, and each answer waits 40 ms for company.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as problem:
        raise SettingsError(
            f"Nothing can be served at {host}:{port}: {problem.strerror or problem}.",
            "Choose another address with --http HOST:PORT.",
        ) from problem


class HttpServer(uvicorn.Server):
    """On the first stop signal, refuses new requests and finishes open ones; on the second, stops at once."""

    def __init__(self, app: ASGIApp, work: ActiveRequests, *, grace: float = GRACE) -> None:
        super().__init__(
            uvicorn.Config(
                app, http=TimedProtocol, ws="none", lifespan="on", log_config=None, access_log=False,
                server_header=False, proxy_headers=False, limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=_FAREWELL,
            )
        )  # fmt: skip
        self._work = work
        self._grace = grace
        self._told = False
        self._until = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal. Nothing is done here but to note it: it may come in the middle of anything."""
        if self._told:
            self.should_exit = self.force_exit = True
        self._told = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        now = asyncio.get_running_loop().time()
        if self._told and not self._work.stopping:
            self._until = now + self._grace
            self._work.stop()
        elif self._told and (self._work.is_done or now > self._until):
            self.should_exit = True
        return await super().on_tick(counter)


def run(
    make: Callable[[int], ASGIApp], host: str, port: int, work: ActiveRequests, announce: Callable[[int], None]
) -> None:
    """Serve until stopped. `make` gives the app for the bound port; `announce` reports that it is listening."""
    with bound(host, port) as listener:
        port = listener.getsockname()[1]
        server = HttpServer(make(port), work)
        announce(port)
        server.run([listener])
