"""A server over HTTP on loopback, as the command runs it, and clients for it with tokens."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import httpx
import httpx2
from conftest import Era, Zoho
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client

from zoho_mcp.http.app import create_app
from zoho_mcp.http.guard import BODY_TIMEOUT
from zoho_mcp.http.health import ActiveRequests
from zoho_mcp.http.identity import Identity
from zoho_mcp.http.serving import HttpServer, bound
from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.policy.approvals import Approvals

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


class Server(HttpServer):
    """Leaves the test's signals alone."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield

    def told(self) -> None:
        """As by a signal."""
        self.handle_exit(15, None)


@dataclass
class Site:
    """What is served, and where."""

    url: str
    server: Server
    active: ActiveRequests
    http: HttpSettings
    over: anyio.Event = field(default_factory=anyio.Event)

    @property
    def mcp(self) -> str:
        return f"{self.url}/mcp"

    @asynccontextmanager
    async def client(
        self, era: Era = "2026-07-28", *, token: str = "", elicit: ElicitationFnT | None = None
    ) -> AsyncGenerator[Client]:
        """The SDK's client, saying who it is if it has a token."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers, verify=False, timeout=30) as http,
            Client(streamable_http_client(self.mcp, http_client=http), mode=era, elicitation_callback=elicit) as client,
        ):
            yield client

    async def post(self, body: Any = LIST, path: str = "/mcp", **headers: str) -> httpx.Response:
        """A request written by hand; a header's underscores stand for dashes, an empty one is left out."""
        given = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(verify=False) as http:
            return await http.post(
                f"{self.url}{path}", content=content, headers={name: value for name, value in given.items() if value}
            )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(verify=False) as http:
            return await http.get(f"{self.url}{path}", headers=headers)


@asynccontextmanager
async def a_site(
    zoho: Zoho,
    http: HttpSettings | None = None,
    *,
    who: Identity | None = None,
    page: bool = False,
    checks: tuple[Callable[[], Awaitable[None]], ...] = (),
    within: float = BODY_TIMEOUT,
    grace: float = 5.0,
    no_access: frozenset[str] = frozenset(),
    max_sessions: int = 50,
    **changes: Any,
) -> AsyncGenerator[Site]:
    """The whole of it on a free port; with `page` that is its public address. `changes` are settings of the server."""
    active, approvals = ActiveRequests(), Approvals()
    with bound("127.0.0.1", 0) as listener:
        where = replace(http or HttpSettings(), port=listener.getsockname()[1])
        if page:
            where = replace(where, public_url=f"http://127.0.0.1:{where.port}")
        app = create_app(
            zoho.server(approvals=approvals, public_page=where.page, **changes), where,
            active=active, who=who, approvals=approvals, checks=checks, within=within,
            may_use=lambda caller: caller not in no_access, max_sessions=max_sessions,
        )  # fmt: skip
        server = Server(app, active, grace=grace)
        site = Site(f"http://127.0.0.1:{where.port}", server, active, where)

        async def serve() -> None:
            await server.serve([listener])
            site.over.set()

        problem: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            try:
                yield site
            except Exception as caught:
                problem = caught  # Raised below: a group would wrap it.
            finally:
                server.should_exit = True
        if problem is not None:
            raise problem
