"""All that replicas share, put together; and the tasks that keep a replica in touch with the others.

News (a resource changed, a question was decided) come over a Redis stream and not over pub/sub: who was away for a
moment reads on where it stopped.
"""

import json
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio

from zoho_mcp.replicas.approvals import RedisApprovals
from zoho_mcp.replicas.claims import RedisClaims, RedisLock
from zoho_mcp.replicas.connection import SETTLE, Connection, RedisUnavailableError
from zoho_mcp.replicas.encryption import Encryption
from zoho_mcp.replicas.limits import RedisLimiter
from zoho_mcp.replicas.tokens import RedisTokens
from zoho_mcp.server.resources.change import Change
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.cache import grant_name
from zoho_mcp.zoho.rate_limit.limits import PLANS, Rates

_EVERY = 1.0
"""Seconds between two signs of life."""
_NEWS_WITHIN = 500
"""Milliseconds for which Redis is asked to wait for news."""
_KEPT = 3_600_000
_ABOUT = "news"
Hear = Callable[[Change], Awaitable[None]]
_Entry = tuple[str, dict[str, str]]
_logger = logging.getLogger(__name__)


class Replicas:
    """See `zoho_mcp.server.replication.Shared`; also what the Zoho client shares. Raises SettingsError."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], *, settle: float = SETTLE, rates: Rates | None = None
    ) -> None:
        """`rates` replaces the limits of the plan."""
        self._link = link = Connection(settings.redis_url.get_secret_value(), grant_name(settings), settle=settle)
        self._seal = seal = Encryption(settings.client_secret.get_secret_value(), link.prefix)
        self._news = f"{link.prefix}news"
        self._own = secrets.token_hex(8)
        self._missed_some = False
        api = settings.api_url or DATA_CENTRES[settings.data_centre].api
        self.key = seal.key
        self.tokens = RedisTokens(link, seal, clock)
        self.limiter = RedisLimiter(rates or PLANS[settings.plan], link, api.partition("://")[2], clock=clock)
        self.approvals = RedisApprovals(link, seal, self._news)
        self.claims = RedisClaims(link, seal, settings.repeat_window, clock)
        self.converting = RedisLock(self.claims, "converting")

    @asynccontextmanager
    async def running(self, hear: Hear) -> AsyncGenerator[None]:
        """In touch with the others for as long as the server runs."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._stay_known)
                group.start_soon(self._listen, hear)
                yield
                group.cancel_scope.cancel()
        finally:
            await self._link.aclose()

    async def pass_on(self, touched: Change) -> None:
        """Notify the other replicas of a change. Missed changes are made up for when Redis is back."""
        content = json.dumps({name: sorted(ids) for name, ids in touched.items()})
        sealed = self._seal.close(content, _ABOUT)
        with suppress(RedisUnavailableError):
            await self._link.command("XADD", self._news, "MAXLEN", "~", 1000, "*", self._own, sealed)
            await self._link.command("PEXPIRE", self._news, _KEPT)

    async def _stay_known(self) -> None:
        """Send heartbeats, and report again to a Redis that was unavailable or lost its data."""
        epoch = "first"
        while True:
            with _noted():
                # After a failure nothing is known of what it has forgotten.
                before, epoch = epoch, "gone"
                now = await self._link.run("connection", "", [])
                if before != now:
                    await self.limiter.restore()
                    await self.claims.say_again()
                    self._missed_some = before != "first"
                await self.claims.alive()
                epoch = now
            await anyio.sleep(_EVERY)

    async def _listen(self, hear: Hear) -> None:
        last = ""
        while True:
            with _noted():
                last = last or await self._newest()
                if self._missed_some:
                    self._missed_some = False
                    await self._catch_up(hear)
                last = await self._hear(hear, last)
                continue
            await anyio.sleep(_EVERY)

    async def _catch_up(self, hear: Hear) -> None:
        """Anything may have changed."""
        await self.approvals.look_again()
        await hear({})

    async def _newest(self) -> str:
        found = await self._link.command("XREVRANGE", self._news, "+", "-", "COUNT", 1)
        return found[0][0] if found else "0-0"

    async def _hear(self, hear: Hear, last: str) -> str:
        """What is new since `last`, or nothing after a moment; where to read on."""
        wait = ("COUNT", 500, "BLOCK", _NEWS_WITHIN)
        said: list[tuple[str, list[_Entry]]] = await self._link.command("XREAD", *wait, "STREAMS", self._news, last)
        for number, fields in said[0][1] if said else []:
            for who, what in fields.items():
                if who == "approval":
                    await self.approvals.hear(what)
                elif who != self._own and (text := self._seal.open(what, _ABOUT)) is not None:
                    await hear({name: set(ids) for name, ids in json.loads(text).items()})
            last = number
        return last


@contextmanager
def _noted() -> Generator[None]:
    """Failures of the other replicas do not stop this one; lost connections are logged elsewhere."""
    try:
        yield
    except RedisUnavailableError:
        return
    except Exception:
        _logger.exception("what replicas tell each other went wrong")
