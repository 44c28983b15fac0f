"""A client over HTTP that stops reading does not delay others."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from conftest import Zoho, call
from serving import INITIALIZE, Site, a_site
from test_subscriptions import S, draft

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
WATCHED = 1000


@asynccontextmanager
async def a_deaf_subscriber(site: Site) -> AsyncGenerator[None]:
    """An older client that watches much, opens the stream of what there is to hear, and never reads it."""
    session = (await site.post(INITIALIZE)).headers["mcp-session-id"]
    await site.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, mcp_session_id=session)
    for page in range(1, WATCHED + 1):
        params = {"uri": f"{S}invoices?page={page}"}
        body = {"jsonrpc": "2.0", "id": page, "method": "resources/subscribe", "params": params}
        assert (await site.post(body, mcp_session_id=session)).status_code == 200
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", site.http.port))
        head = f"GET /mcp HTTP/1.1\r\nhost: 127.0.0.1:{site.http.port}\r\naccept: text/event-stream\r\n"
        deaf.sendall(f"{head}mcp-session-id: {session}\r\n\r\n".encode())
        yield


async def test_a_subscriber_that_does_not_read_delays_nobody(zoho: Zoho) -> None:
    async with a_site(zoho) as site, site.client() as client, a_deaf_subscriber(site):
        _, invoice = await draft(client)
        # After some twenty changes nothing more fits between the server and who does not read.
        with anyio.fail_after(60):
            for number in range(25):
                await call(client, "update_invoice", invoice_id=invoice, notes=f"Note {number}")
