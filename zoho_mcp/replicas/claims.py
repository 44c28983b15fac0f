"""The running and recent changes of all replicas, so that no two of them send the same one without approval.

Without Redis, a change that must not happen twice is refused: another replica may be sending it.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio

from zoho_mcp.errors import DeclinedError, UnavailableError
from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, ms
from zoho_mcp.replicas.encryption import Encryption
from zoho_mcp.server.delivery.claims import SURELY_OVER, Attempt, Claims, Previous

LEASE = 8.0
"""Seconds without a heartbeat after which a replica counts as gone; it sends one every second."""
PATIENCE = 30.0
"""Seconds to wait for the lock."""
CREATED_FOR = 86_400.0
"""Seconds for which a created record is remembered."""
_POLL = 0.1
_SHOWN = ("contact_name", "name")


class RedisClaims(Claims):
    """Claims that all replicas share through Redis."""

    def __init__(self, redis: Connection, encryption: Encryption, window: float, clock: Callable[[], float]) -> None:
        super().__init__(window, clock)
        self._redis = redis
        self._encryption = encryption
        self._marks: dict[str, tuple[str, str]] = {}
        """Running calls: name to mark and the entry in Redis."""
        self._unstored: list[tuple[str, str, Previous | None]] = []
        """Ended calls that are not in Redis yet: name, mark and the entry to store."""
        self._unstored_records: list[str] = []
        """Records created here that are not in Redis yet."""

    async def force(self, name: str, sent: Attempt) -> None:
        """Run it regardless of earlier calls."""
        mark, content = secrets.token_hex(8), self._encrypted(name, None)
        with anyio.CancelScope(shield=True):
            await self._step_or_refuse(name, mark, "force", content, ms(self.window + LEASE))
            self._marks[name] = mark, content
            await super().force(name, sent)

    async def forget(self, name: str, earlier: Previous) -> None:
        """The previous call did not happen."""
        await super().forget(name, earlier)
        await self._step_or_refuse(name, earlier.mark, "forget")

    async def done(self, name: str, earlier: Previous | None) -> None:
        """The call has ended. If Redis is unavailable, this is stored when it is back."""
        mark, _ = self._marks.pop(name, ("", ""))
        if earlier is not None:
            earlier = replace(earlier, mark=mark)
        await super().done(name, earlier)
        if mark:
            self._unstored.append((name, mark, earlier))
        with suppress(RedisUnavailableError):
            await self._store()

    async def record_created(self, record_id: str) -> None:
        """A call of some replica created this record."""
        await super().record_created(record_id)
        # Stored after the end of its call: the record of a killed replica must be found as that of its claim.
        self._unstored_records.append(record_id)

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """The records that calls of all replicas created. Raises UnavailableError without Redis."""
        ids = list(record_ids)
        try:
            found: list[Any] = await self._redis.command("MGET", *map(self._record_key, ids)) if ids else []
        except RedisUnavailableError:
            raise UnavailableError(
                "The changes of other replicas are unknown: Redis cannot be reached.", "Call again in a minute."
            ) from None
        shared = {one for one, value in zip(ids, found, strict=True) if value}
        return shared | await super().created_here(ids, since)

    async def heartbeat(self) -> None:
        """Report running calls, and everything that is not in Redis yet. Raises RedisUnavailableError."""
        for name, (mark, content) in list(self._marks.items()):
            await self._step(name, "heartbeat", mark, content, ms(self.window + LEASE))
        await self._store()

    async def restore(self) -> None:
        """Tell a Redis that may have lost its data what was done here. Raises RedisUnavailableError."""
        for name, previous in list(self.recent().items()):
            await self._step(name, "restore", previous.mark or secrets.token_hex(8), *self._entry(name, previous))
        self._unstored_records = list(self._created)

    async def lock(self, name: str) -> None:
        """Claim a name that is never remembered, once no call has it. Raises UnavailableError after `PATIENCE`."""
        with anyio.move_on_after(PATIENCE):
            while True:
                result, *found = await self._request(name, secrets.token_hex(8))
                if result == "yours":
                    return
                _, mark, age = found
                if age > ms(SURELY_OVER):
                    await self._step_or_refuse(name, str(mark), "forget")
                await anyio.sleep(_POLL)
        raise UnavailableError("Another replica is at the same kind of work.", "Call again in a minute.")

    async def claim_shared(self, name: str, sent: Attempt) -> Previous | None:
        result, *found = await self._request(name, secrets.token_hex(8))
        if result == "yours":
            return None
        content, mark, age = found
        text = self._encryption.open(content, self._key(name))
        # The same name is the same call; its time is converted to this machine's clock.
        attempt = replace(sent, at=self.clock() - age / 1000, skew=None)
        return Previous(attempt, json.loads(text) if text else None, mark)

    async def _request(self, name: str, mark: str) -> list[Any]:
        """Wait until no replica runs it. Returns ["yours"], or ["earlier", content, mark, age] of the previous call.

        The age is in milliseconds.
        """
        content = self._encrypted(name, None)
        while True:
            found: list[Any] = []
            # A call that is cancelled at this point must know whether the claim is its own, to release it.
            with anyio.CancelScope(shield=True):
                found = await self._step_or_refuse(name, mark, "claim", content, ms(LEASE), ms(self.window + LEASE))
                if found[0] == "yours":
                    self._marks[name] = mark, content
            if found[0] != "wait":
                return found
            await anyio.sleep(_POLL)

    async def _step_or_refuse(self, name: str, mark: str, step: str, *arguments: object) -> list[Any]:
        try:
            return await self._step(name, step, mark, *arguments)
        except RedisUnavailableError:
            if step == "claim":
                # If Redis took the claim all the same, it is released.
                self._unstored.append((name, mark, None))
            raise DeclinedError(
                "It cannot be told whether another replica of this server has just done the same: Redis cannot be "
                "reached.",
                "Call again in a minute. Reading works meanwhile.",
                kind="duplicate",
            ) from None

    async def _store(self) -> None:
        """Store what is not in Redis yet. Raises RedisUnavailableError and keeps the rest for later."""
        while self._unstored:
            name, mark, previous = self._unstored.pop(0)
            try:
                await self._step(name, "done", mark, *self._entry(name, previous))
            except BaseException:
                self._unstored.insert(0, (name, mark, previous))
                raise
        while self._unstored_records:
            record_id = self._unstored_records.pop(0)
            try:
                await self._redis.command("SET", self._record_key(record_id), "1", "PX", ms(CREATED_FOR))
            except BaseException:
                self._unstored_records.insert(0, record_id)
                raise

    def _entry(self, name: str, previous: Previous | None) -> tuple[str, int, int]:
        """Content, age and time to keep, in milliseconds; an empty content removes the claim."""
        if previous is None or not self.window:
            return "", 0, 0
        age = max(0.0, self.clock() - previous.attempt.at)
        return self._encrypted(name, previous.record), ms(age), max(1, ms(self.window - age))

    def _encrypted(self, name: str, record: Mapping[str, Any] | None) -> str:
        """The fields of a record that a question shows."""
        shown = record and {
            field: value
            for field, value in record.items()
            if isinstance(value, str) and (field.endswith(("_id", "_number")) or field in _SHOWN)
        }
        return self._encryption.close(json.dumps(shown), self._key(name))

    async def _step(self, name: str, step: str, mark: str, *arguments: object) -> list[Any]:
        return await self._redis.run("claims", step, [self._key(name)], mark, *arguments)

    def _key(self, name: str) -> str:
        return f"{self._redis.prefix}claim:{self._encryption.name('claim', name)}"

    def _record_key(self, record_id: str) -> str:
        return f"{self._redis.prefix}made:{self._encryption.name('made', record_id)}"


class RedisLock:
    """Held by one call of one replica. A killed replica loses it once its requests are surely over."""

    def __init__(self, claims: RedisClaims, name: str) -> None:
        self._claims = claims
        self._name = name
        self._local = anyio.Lock()

    async def __aenter__(self) -> None:
        await self._local.acquire()
        try:
            await self._claims.lock(self._name)
        except BaseException:
            self._local.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._claims.done(self._name, None)
        self._local.release()
