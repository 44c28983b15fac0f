"""The access token of all replicas: fetched by one of them, encrypted, and never replaced by an older one."""

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
from zoho_mcp.zoho.oauth.cache import from_json, to_json
from zoho_mcp.zoho.oauth.grant_state import GrantState

LEASE = 11.0
"""Seconds that one replica may take to fetch a token; longer than it waits for the accounts server."""
LONGEST_WAIT = 12.0
"""Seconds to wait for another replica; longer than one that was killed keeps the lock."""
_KEPT = 7 * 86_400.0
_POLL = 0.1
_ABOUT = "token"


class RedisTokens:
    """See `zoho_mcp.zoho.oauth.cache.SharedTokens`. Without Redis, each replica fetches its own."""

    def __init__(self, redis: Connection, encryption: Encryption, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._encryption = encryption
        self._clock = clock
        self._keys = [f"{redis.prefix}token", f"{redis.prefix}token:lock", f"{redis.prefix}token:number"]
        self._number = "0"
        """The number of the last lock held here; it is larger than that of any earlier lock."""

    async def recall(self) -> GrantState:
        """The state of the replicas; empty without Redis."""
        try:
            content, age = await self._redis.run("tokens", "read", self._keys)
        except RedisUnavailableError:
            return GrantState()
        text = self._encryption.open(content, _ABOUT)
        return self._opened(text, self._clock() - age / 1000) if text else GrantState()

    async def keep(self, known: GrantState) -> None:
        """Store it, unless another replica has asked Zoho later."""
        text = json.dumps({**to_json(known), "written_at": self._clock()})
        good = int(known.failure is None)
        content = self._encryption.close(text, _ABOUT)
        with suppress(RedisUnavailableError):
            await self._redis.run("tokens", "write", self._keys, self._number, content, good, ms(_KEPT))

    @asynccontextmanager
    async def locked(self, seconds: float = LONGEST_WAIT) -> AsyncGenerator[None]:
        """Held by one replica at a time; without Redis it is not shared. Raises UnavailableError after `seconds`."""
        owner = secrets.token_hex(8)
        try:
            await self._lock(owner, seconds)
            yield
        finally:
            with anyio.CancelScope(shield=True), suppress(RedisUnavailableError):
                await self._redis.run("tokens", "unlock", self._keys, owner)

    async def _lock(self, owner: str, seconds: float) -> None:
        with anyio.move_on_after(seconds) as patience, suppress(RedisUnavailableError):
            while not (number := await self._redis.run("tokens", "lock", self._keys, owner, ms(LEASE))):
                await anyio.sleep(_POLL)
            self._number = number
        if patience.cancelled_caught:
            raise UnavailableError(
                f"Another replica has been fetching the access token for {seconds:.0f} seconds.",
                "Call again in a minute.",
            )

    def _opened(self, text: str, written_at: float) -> GrantState:
        """The state with its times converted to this machine's clock."""
        found = cast("dict[str, Any]", json.loads(text))
        known, later = from_json(found), written_at - float(found["written_at"])
        token, failure = known.token, known.failure
        return GrantState(
            replace(token, expires_at=token.expires_at + later) if token else None,
            known.asked_at + later,
            known.refresh_token,
            replace(failure, until=failure.until + later) if failure else None,
        )
