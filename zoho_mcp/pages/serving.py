"""uvicorn for this project's pages and for MCP over HTTP. Imported on first use, because uvicorn is slow to load."""

import asyncio
import errno
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import anyio
import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from zoho_mcp.errors import SettingsError

HEAD_TIMEOUT = 10.0
"""Seconds for the head of a request."""
_MAX_CONNECTIONS = 512
"""Many more than browsers open, so that idle connections do not keep anyone out before they are closed."""


class TimedProtocol(H11Protocol):
    """Closes connections that send no request; uvicorn would wait for ever."""

    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._timeout = self.loop.call_later(HEAD_TIMEOUT, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel_timeout()
        elif self._timeout is None:
            self._timeout = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timeout()
        super().connection_lost(exc)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


def quiet_config(app: ASGIApp, *, lifespan: Literal["on", "off"], max_connections: int, grace: int) -> uvicorn.Config:
    """A configuration that leaves the log alone: an address in a log would be a key in a log.

    `grace`: seconds for responses to be sent when the server stops.
    """
    return uvicorn.Config(
        app, http=TimedProtocol, ws="none", lifespan=lifespan, log_config=None, access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=max_connections, timeout_graceful_shutdown=grace,
    )  # fmt: skip


class LoopbackServer(uvicorn.Server):
    """Serves an app on this machine. Leaves signals alone, and sleeps until `stop` instead of polling."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(quiet_config(app, lifespan="off", max_connections=_MAX_CONNECTIONS, grace=1))
        self._stopping = anyio.Event()

    def stop(self) -> None:
        """Stop serving; requests in progress are answered."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(port: int) -> list[socket.socket]:
    """Sockets on both loopback addresses: `localhost` can mean either, and no other program may take the second.

    Raises SettingsError when the port is taken.
    """
    listeners: list[socket.socket] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            listeners.append(socket.create_server((host, port), family=family))
        except OSError as problem:
            if listeners and problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # A machine without IPv6.
            for listener in listeners:
                listener.close()
            raise SettingsError(
                f"Port {port} on this machine is in use: {os.strerror(problem.errno or errno.EADDRINUSE)}.",
                "Close the program that uses it, or choose another port with --port and register that with Zoho.",
            ) from problem
    return listeners
