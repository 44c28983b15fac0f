"""Serves the approval page on loopback, from the first time it is needed until the server stops."""

import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import TaskGroup, TaskStatus

from zoho_mcp.policy.approvals import ApprovalStore

_logger = logging.getLogger(__name__)
_GRACE = 2.0
OpenBrowser = Callable[[str], Awaitable[bool]]


class PageServer:
    """The page's address and the browser that opens it. Nothing is imported or bound before the first `address`."""

    def __init__(self, approvals: ApprovalStore, open_browser: OpenBrowser) -> None:
        self.open_browser = open_browser
        self._approvals = approvals
        self._group: TaskGroup | None = None
        self._starting = anyio.Lock()
        self._waiting: list[tuple[str, anyio.CancelScope]] = []
        self._port = 0
        self._stop: Callable[[], None] = lambda: None
        self._stopped = anyio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """For the server's lifespan: what is served here stops at its end."""
        if self._group is not None:
            yield
            return
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                self._stop()
                with anyio.move_on_after(_GRACE, shield=True):
                    if self._port:
                        await self._stopped.wait()
                group.cancel_scope.cancel()

    async def address(self, secret: str) -> str:
        """The address of the question with this secret. Starts the page server if necessary."""
        async with self._starting:
            if not self._port:
                if self._group is None:
                    raise RuntimeError("the approval page is served only while the server runs")
                # A call that is cancelled just now must not take the page of others with it.
                with anyio.CancelScope(shield=True):
                    self._port = await self._group.start(self._serve)
        return self.address_of(secret)

    @contextmanager
    def cancellable(self, caller: str, waiting: anyio.CancelScope) -> Generator[None]:
        """A call that waits for a decision, so that its client can cancel it."""
        entry = (caller, waiting)
        self._waiting.append(entry)
        try:
            yield
        finally:
            self._waiting.remove(entry)

    def cancel(self, caller: str) -> None:
        """The client has cancelled the call. The question stays open; a click alone does nothing."""
        for name, waiting in self._waiting:
            if name == caller:
                waiting.cancel()

    def address_of(self, secret: str) -> str:
        """The same, of a page that is being served."""
        return f"http://127.0.0.1:{self._port}/{secret}"

    async def _serve(self, *, task_status: TaskStatus[int]) -> None:
        from zoho_mcp.approval_page.app import create_page, loopback_server

        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()  # early connections wait for uvicorn instead of being refused
            port = listener.getsockname()[1]
            server = loopback_server(create_page(self._approvals, port))
            self._stopped = anyio.Event()
            self._stop = server.stop
            task_status.started(port)
            try:
                await server.serve(sockets=[listener])
            except Exception:
                _logger.exception("The approval page stopped; it restarts when it is needed.")
            finally:
                self._port = 0
                self._stopped.set()
