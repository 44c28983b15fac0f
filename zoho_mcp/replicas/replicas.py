"""Everything that replicas share, and the tasks that keep a replica in touch with the others.

Notifications (a resource changed, a question was decided) use a Redis stream and not pub/sub: a replica that was
offline for a moment continues where it stopped.
"""

import json
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio

from zoho_mcp.replicas.approvals import RedisApprovals
from zoho_mcp.replicas.claims import RedisClaims, RedisLock
from zoho_mcp.replicas.connection import PATIENCE, SETTLE, Connection, RedisUnavailableError
from zoho_mcp.replicas.encryption import Encryption
from zoho_mcp.replicas.limits import RedisLimiter
from zoho_mcp.replicas.tokens import RedisTokens
from zoho_mcp.server.resources.subscribers import Change
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.cache import grant_name
from zoho_mcp.zoho.rate_limit.limits import PLANS, Rates

_EVERY = 1.0
"""Seconds between two heartbeats."""
_WAIT = 500
"""Milliseconds for which Redis waits for notifications."""
_KEPT = 3_600_000
"""Milliseconds after the last notification in which the stream is kept."""
_ABOUT = "news"
OnChange = Callable[[Change], Awaitable[None]]
_Entry = tuple[str, dict[str, str]]
_logger = logging.getLogger(__name__)


class Replicas:
    """See `zoho_mcp.server.replication.Replication`; also the parts that the Zoho client shares."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        *,
        settle: float = SETTLE,
        patience: float = PATIENCE,
        rates: Rates | None = None,
    ) -> None:
        """`rates` replaces the limits of the plan. Raises SettingsError."""
        url, account = settings.redis_url.get_secret_value(), grant_name(settings)
        self._redis = redis = Connection(url, account, settle=settle, patience=patience)
        self._encryption = encryption = Encryption(settings.client_secret.get_secret_value(), redis.prefix)
        self._stream = f"{redis.prefix}news"
        self._own = secrets.token_hex(8)
        self._missed_changes = False
        api = settings.api_url or DATA_CENTRES[settings.data_centre].api
        self.key = encryption.key
        self.tokens = RedisTokens(redis, encryption, clock)
        self.limiter = RedisLimiter(rates or PLANS[settings.plan], redis, api.partition("://")[2], clock=clock)
        self.approvals = RedisApprovals(redis, encryption, self._stream)
        self.claims = RedisClaims(redis, encryption, settings.repeat_window, clock)
        self.converting = RedisLock(self.claims, "converting")

    @asynccontextmanager
    async def running(self, on_change: OnChange) -> AsyncGenerator[None]:
        """In touch with the others for as long as the server runs."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._send_heartbeats)
                group.start_soon(self._listen, on_change)
                yield
                group.cancel_scope.cancel()
        finally:
            await self._redis.aclose()

    async def publish_change(self, change: Change) -> None:
        """Notify the other replicas of a change. Missed changes are made up for when Redis is back."""
        content = json.dumps({name: sorted(ids) for name, ids in change.items()})
        encrypted = self._encryption.close(content, _ABOUT)
        with suppress(RedisUnavailableError):
            await self._redis.command("XADD", self._stream, "MAXLEN", "~", 1000, "*", self._own, encrypted)
            await self._redis.command("PEXPIRE", self._stream, _KEPT)

    async def _send_heartbeats(self) -> None:
        """Send heartbeats, and report again to a Redis that was unavailable or lost its data."""
        epoch = "first"
        while True:
            with _failures_logged():
                # After a failure nothing is known of what it has forgotten.
                before, epoch = epoch, "gone"
                now = await self._redis.run("connection", "", [])
                if before != now:
                    await self.limiter.restore()
                    await self.claims.restore()
                    self._missed_changes = before != "first"
                await self.claims.heartbeat()
                epoch = now
            await anyio.sleep(_EVERY)

    async def _listen(self, on_change: OnChange) -> None:
        last = ""
        while True:
            with _failures_logged():
                last = last or await self._newest()
                if self._missed_changes:
                    self._missed_changes = False
                    await self._catch_up(on_change)
                last = await self._read(on_change, last)
                continue
            await anyio.sleep(_EVERY)

    async def _catch_up(self, on_change: OnChange) -> None:
        """Notifications may be missing: treat everything as changed."""
        await self.approvals.refresh_all()
        await on_change({})

    async def _newest(self) -> str:
        found = await self._redis.command("XREVRANGE", self._stream, "+", "-", "COUNT", 1)
        return found[0][0] if found else "0-0"

    async def _read(self, on_change: OnChange, last: str) -> str:
        """Handle the notifications after `last`. Returns the number of the last one."""
        wait = ("COUNT", 500, "BLOCK", _WAIT)
        found: list[tuple[str, list[_Entry]]] = await self._redis.command("XREAD", *wait, "STREAMS", self._stream, last)
        for number, fields in found[0][1] if found else []:
            for who, what in fields.items():
                if who == "approval":
                    await self.approvals.refresh(what)
                elif who != self._own and (text := self._encryption.open(what, _ABOUT)) is not None:
                    await on_change({name: set(ids) for name, ids in json.loads(text).items()})
            last = number
        return last


@contextmanager
def _failures_logged() -> Generator[None]:
    """Log failures, which do not stop this replica; the connection logs its own."""
    try:
        yield
    except RedisUnavailableError:
        return
    except Exception:
        _logger.exception("a notification of another replica could not be handled")
