"""The access token that all replicas use: fetched by one of them, sealed, and never replaced by an older one."""

import json
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, cast

import anyio

from zoho_mcp.errors import UnavailableError
from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, ms
from zoho_mcp.replicas.encryption import Encryption
from zoho_mcp.zoho.oauth.cache import from_plain, plain
from zoho_mcp.zoho.oauth.state import GrantState

LEASE = 11.0
"""Seconds that one replica may take to fetch a token; longer than it waits for the accounts server."""
LONGEST_WAIT = 12.0
"""Seconds to wait for another replica; longer than one that was killed keeps the lock."""
_KEPT = 7 * 86_400.0
_POLL = 0.1
_ABOUT = "token"


class RedisTokens:
    """See `zoho_mcp.zoho.oauth.cache.SharedTokens`. With Redis gone, each replica fetches its own."""

    def __init__(self, link: Connection, seal: Encryption, clock: Callable[[], float]) -> None:
        self._link = link
        self._seal = seal
        self._clock = clock
        self._keys = [f"{link.prefix}token", f"{link.prefix}token:lock", f"{link.prefix}token:number"]
        self._number = "0"
        """Of the last lock held here: larger than that of any lock before it."""

    async def recall(self) -> GrantState:
        """What the replicas know; nothing when Redis is gone."""
        try:
            sealed, age = await self._link.run("tokens", "read", self._keys)
        except RedisUnavailableError:
            return GrantState()
        text = self._seal.open(sealed, _ABOUT)
        return self._opened(text, self._clock() - age / 1000) if text else GrantState()

    async def keep(self, known: GrantState) -> None:
        """Take it down, unless another replica has asked Zoho later."""
        text = json.dumps({**plain(known), "written_at": self._clock()})
        good = int(known.failure is None)
        sealed = self._seal.close(text, _ABOUT)
        with suppress(RedisUnavailableError):
            await self._link.run("tokens", "write", self._keys, self._number, sealed, good, ms(_KEPT))

    @asynccontextmanager
    async def locked(self, seconds: float = LONGEST_WAIT) -> AsyncGenerator[None]:
        """Alone among the replicas, or alone in any case when Redis is gone."""
        owner = secrets.token_hex(8)
        try:
            await self._lock(owner, seconds)
            yield
        finally:
            with anyio.CancelScope(shield=True), suppress(RedisUnavailableError):
                await self._link.run("tokens", "unlock", self._keys, owner)

    async def _lock(self, owner: str, seconds: float) -> None:
        with anyio.move_on_after(seconds) as patience, suppress(RedisUnavailableError):
            while not (number := await self._link.run("tokens", "lock", self._keys, owner, ms(LEASE))):
                await anyio.sleep(_POLL)
            self._number = number
        if patience.cancelled_caught:
            raise UnavailableError(
                f"Another replica has been fetching the access token for {seconds:.0f} seconds.",
                "Call again in a minute.",
            )

    def _opened(self, text: str, written_at: float) -> GrantState:
        """As this machine's clock would have it."""
        found = cast("dict[str, Any]", json.loads(text))
        known, later = from_plain(found), written_at - float(found["written_at"])
        token, failure = known.token, known.failure
        return GrantState(
            replace(token, expires_at=token.expires_at + later) if token else None,
            known.asked_at + later,
            known.refresh_token,
            replace(failure, until=failure.until + later) if failure else None,
        )
