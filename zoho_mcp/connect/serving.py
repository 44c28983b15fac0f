"""Serves the page for connecting an account, from first use until it has been idle for a while."""

import socket
from collections.abc import Mapping
from functools import partial

from anyio.abc import TaskGroup

from zoho_mcp.connect.switch import BooksSwitch
from zoho_mcp.errors import SettingsError
from zoho_mcp.pages.on_demand import OnDemandServer, Site
from zoho_mcp.zoho.oauth.login import PORT

IDLE = 900.0
"""Seconds without a request after which the page closes and its port is free for others."""
PORTS = range(PORT, PORT + 20)
"""The ports to try. Zoho sends the browser back to the same port, which is part of the registered address."""


class ConnectServer:
    """The page's address. Nothing is imported or bound before the first `address`."""

    def __init__(self, environment: Mapping[str, str], *, idle: float = IDLE) -> None:
        self._environment = environment
        self._server = OnDemandServer(idle)

    def close(self) -> None:
        """Stop serving; requests in progress are answered."""
        self._server.stop()

    async def address(self, group: TaskGroup, books: BooksSwitch) -> str:
        """The page's address. Starts to serve it in `group` if necessary. Raises SettingsError when no port is free."""
        return await self._server.start(group, partial(self._build, books))

    def _build(self, books: BooksSwitch) -> Site:
        from zoho_mcp.connect.page import ConnectPage, new_path
        from zoho_mcp.connect.sign_in import SignIn

        port, sockets = _listen_on_first_free(PORTS)
        path = new_path()
        page = ConnectPage(books, SignIn(self._environment, port), path, self.close)
        return Site(f"http://localhost:{port}{path}", page.app(port), sockets)


def _listen_on_first_free(ports: range) -> tuple[int, list[socket.socket]]:
    """The first free port and its sockets. Raises SettingsError."""
    from zoho_mcp.pages.serving import listen

    for port in ports:
        try:
            return port, listen(port)
        except SettingsError:
            continue
    raise SettingsError(
        f"All ports from {ports[0]} to {ports[-1]} on this computer are in use.",
        "Close another chat app.",
    )
