"""Serves the page for connecting an account, from first use until it has been idle for a while."""

import logging
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from zoho_mcp.errors import SettingsError
from zoho_mcp.zoho.oauth.login import PORT

if TYPE_CHECKING:
    from zoho_mcp.connect.page import Books

IDLE = 900.0
"""Seconds without a request after which the page closes and its port is free for others."""
PORTS = range(PORT, PORT + 20)
"""Where the page may be; Zoho sends the browser back to the same port, which is part of the registered address."""
_logger = logging.getLogger(__name__)


class ConnectServer:
    """The page's address. Nothing is imported or bound before the first `address`."""

    def __init__(self, environment: Mapping[str, str], *, idle: float = IDLE, ports: range = PORTS) -> None:
        self._environment = environment
        self._idle = idle
        self._ports = ports
        self._address = ""
        self._starting = anyio.Lock()
        self._seen_at = 0.0
        self._stop: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether the page is being served."""
        return bool(self._address)

    def close(self) -> None:
        """Stop serving; requests under way are answered."""
        self._stop()

    async def address(self, group: TaskGroup, books: "Books") -> str:
        """Where the page is. Starts to serve it in `group` if need be. Raises SettingsError when no port is free."""
        async with self._starting:
            if not self._address:
                # A call that is cancelled just now must not take the page of others with it.
                with anyio.CancelScope(shield=True):
                    await group.start(self._serve, books)
            self._note()
            return self._address

    def _note(self) -> None:
        self._seen_at = time.monotonic()

    async def _serve(self, books: "Books", *, task_status: TaskStatus[None]) -> None:
        from zoho_mcp.approval_page.app import loopback_server
        from zoho_mcp.connect.page import ConnectPage, new_path
        from zoho_mcp.connect.sign_in import SignIn

        port, sockets = _listening(self._ports)
        path = new_path()
        page = ConnectPage(books, SignIn(self._environment, port), path, self._note, self.close)
        server = loopback_server(page.app(port))
        self._stop = server.stop
        self._address = f"http://localhost:{port}{path}"
        self._note()
        task_status.started()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._close_when_idle)
                await server.serve(sockets=sockets)
                group.cancel_scope.cancel()
        except Exception:
            _logger.exception("The page for connecting an account stopped; it is served again when it is needed.")
        finally:
            self._address = ""
            for one in sockets:
                one.close()

    async def _close_when_idle(self) -> None:
        while (left := self._seen_at + self._idle - time.monotonic()) > 0:
            await anyio.sleep(left)
        self.close()


def _listening(ports: range) -> tuple[int, list[socket.socket]]:
    """The first of these ports that is free, and its sockets. Raises SettingsError."""
    from zoho_mcp.connect.consent import listen

    for port in ports:
        try:
            return port, listen(port)
        except SettingsError:
            continue
    raise SettingsError(
        f"All ports from {ports[0]} to {ports[-1]} on this computer are in use.",
        "Close another chat app.",
    )
