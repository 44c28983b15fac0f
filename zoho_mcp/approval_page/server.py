"""The approval page on this machine, and the calls that wait for a decision on it."""

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import TaskGroup

from zoho_mcp.pages.browser import OpenBrowser
from zoho_mcp.pages.on_demand import OnDemandServer, Site
from zoho_mcp.policy.approvals import Approvals

_GRACE = 2.0
"""Seconds for responses to be sent when the server ends."""


class PageServer:
    """The page's address, and the browser that opens it. Nothing is imported or bound before the first `address`."""

    def __init__(self, approvals: Approvals, open_browser: OpenBrowser) -> None:
        self.open_browser = open_browser
        self._approvals = approvals
        self._server = OnDemandServer()
        self._group: TaskGroup | None = None
        self._waiting: list[tuple[str, anyio.CancelScope]] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """The time in which the page can be served: the lifespan of the MCP server."""
        if self._group is not None:
            yield
            return
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                self._server.stop()
                with anyio.move_on_after(_GRACE, shield=True):
                    await self._server.stopped()
                group.cancel_scope.cancel()

    async def address(self, secret: str) -> str:
        """The address of the question with this secret. Starts the server if necessary."""
        if self._group is None:
            raise RuntimeError("the approval page is served only while the server runs")
        return f"{await self._server.start(self._group, self._build)}/{secret}"

    def address_of(self, secret: str) -> str:
        """The same while the page is being served."""
        return f"{self._server.address}/{secret}"

    @contextmanager
    def cancellable(self, caller: str, waiting: anyio.CancelScope) -> Generator[None]:
        """Registers a call that waits for a decision, so that its client can cancel it."""
        entry = (caller, waiting)
        self._waiting.append(entry)
        try:
            yield
        finally:
            self._waiting.remove(entry)

    def cancel(self, caller: str) -> None:
        """Cancel the waiting of a call. The question stays open, but a click alone does nothing."""
        for name, waiting in self._waiting:
            if name == caller:
                waiting.cancel()

    def _build(self) -> Site:
        from zoho_mcp.approval_page.app import create_page

        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        return Site(f"http://127.0.0.1:{port}", create_page(self._approvals, port), [listener])
