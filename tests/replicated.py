"""Several servers of one account on the sandbox and a real Redis, and what stands before them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from approving import serving
from conftest import Zoho
from mcp.server.lowlevel import Server
from pydantic import SecretStr
from redis_server import RedisServer
from starlette.types import Receive, Scope, Send

from zoho_mcp.cli.local_sandbox import SandboxTransport
from zoho_mcp.pages.browser import OpenBrowser, open_browser
from zoho_mcp.replicas.replicas import Replicas
from zoho_mcp.server.app import create_server
from zoho_mcp.server.context import ServerContext
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limits import Rates

ENOUGH = Rates(10**9, 10**9, at_once=5)


@dataclass
class Replica:
    """One server, as it would stand on a machine of its own."""

    server: Server[ServerContext]
    client: ZohoClient
    parts: Replicas


def replica(
    zoho: Zoho,
    redis: RedisServer,
    *,
    rates: Rates = ENOUGH,
    fast: float = 0.0,
    settle: float = 0.0,
    patience: float = 30.0,
    browser: OpenBrowser = open_browser,
    **changes: Any,
) -> Replica:
    """A server whose machine's clock is `fast` by some seconds; on a busy machine Redis has time to answer."""
    settings = replace(zoho.settings, redis_url=SecretStr(redis.url), **changes)

    def clock() -> float:
        return zoho.seconds() + fast

    parts = Replicas(settings, clock, settle=settle, patience=patience, rates=rates)
    client = ZohoClient(
        settings,
        transport=SandboxTransport(zoho.app),
        clock=clock,
        sleep=zoho.sleep,
        limiter=parts.limiter,
        tokens=parts.tokens,
    )
    catalog = load(settings.product, settings.edition)
    return Replica(create_server(settings, catalog, client, shared=parts, browser=browser), client, parts)


@dataclass
class RoundRobin:
    """Sends each request to the next of several apps, as the simplest load balancer does."""

    apps: Sequence[Any]
    served: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.served += 1
        await self.apps[self.served % len(self.apps)](scope, receive, send)


@asynccontextmanager
async def in_turn(replicas: Sequence[Replica]) -> AsyncGenerator[tuple[str, RoundRobin]]:
    """The address behind which they stand, without sessions: any of them answers any request."""
    apps = [each.server.streamable_http_app(stateless_http=True) for each in replicas]
    before = RoundRobin(apps)
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        address = await stack.enter_async_context(serving(before))
        yield f"{address}/mcp", before
