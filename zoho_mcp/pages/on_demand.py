"""A server on this machine that starts when it is first needed. Imports and binds nothing before."""

import logging
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """An app, the address it is reached under, and the sockets it is served on."""

    address: str
    app: "ASGIApp"
    sockets: Sequence[socket.socket]


class OnDemandServer:
    """Serves a site until it is stopped, or until nobody has used it for `idle` seconds."""

    def __init__(self, idle: float | None = None) -> None:
        self.address = ""
        """Empty while nothing is served."""
        self._idle = idle
        self._used_at = 0.0
        self._starting = anyio.Lock()
        self._stop: Callable[[], None] = lambda: None
        self._stopped = anyio.Event()

    async def start(self, group: TaskGroup, build: Callable[[], Site]) -> str:
        """The address of the site. If none is served, serve what `build` returns, in `group`. Raises what it raises."""
        self._used_at = time.monotonic()
        async with self._starting:
            if not self.address:
                # Other calls use the site too: cancelling this one must not stop it.
                with anyio.CancelScope(shield=True):
                    await group.start(self._serve, build)
            return self.address

    def stop(self) -> None:
        """Stop serving; requests in progress are answered."""
        self._stop()

    async def stopped(self) -> None:
        """Return when nothing is served any more."""
        if self.address:
            await self._stopped.wait()

    async def _serve(self, build: Callable[[], Site], *, task_status: TaskStatus[None]) -> None:
        from zoho_mcp.pages.serving import LoopbackServer

        site = build()
        server = LoopbackServer(self._noting_use(site.app))
        self._stop, self._stopped, self.address = server.stop, anyio.Event(), site.address
        task_status.started()
        try:
            async with anyio.create_task_group() as group:
                if self._idle is not None:
                    group.start_soon(self._stop_when_idle, self._idle)
                await server.serve(list(site.sockets))
                group.cancel_scope.cancel()
        except Exception:
            _logger.exception("A page stopped. It is served again when it is needed.")
        finally:
            self.address = ""
            for listener in site.sockets:
                listener.close()
            self._stopped.set()

    def _noting_use(self, app: "ASGIApp") -> "ASGIApp":
        async def note(scope: "Scope", receive: "Receive", send: "Send") -> None:
            self._used_at = time.monotonic()
            await app(scope, receive, send)

        return note

    async def _stop_when_idle(self, idle: float) -> None:
        while (left := self._used_at + idle - time.monotonic()) > 0:
            await anyio.sleep(left)
        self.stop()
