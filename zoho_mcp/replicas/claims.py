"""What the replicas are writing and wrote a short while ago, so that no two of them do the same without a yes.

With Redis gone, what would do more when done twice is refused: another replica may just be doing it.
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
from zoho_mcp.server.delivery.claims import SURELY_OVER, Attempt, LocalClaims, Previous

LEASE = 8.0
"""Seconds without a sign of life after which a replica counts as gone; it gives one every second."""
PATIENCE = 30.0
"""Seconds to wait for the lock."""
KNOWN_FOR = 86_400.0
_POLL = 0.1
_SHOWN = ("contact_name", "name")


class RedisClaims:
    """See `zoho_mcp.server.delivery.claims.Claims`."""

    def __init__(self, link: Connection, seal: Encryption, window: float, clock: Callable[[], float]) -> None:
        self._link = link
        self._seal = seal
        self._window = window
        self._clock = clock
        self._here = LocalClaims(window, clock)
        self._running: dict[str, tuple[str, str]] = {}
        """Running calls: name to mark and the entry in Redis."""
        self._unsaid: list[tuple[str, str, Previous | None]] = []
        """Ended calls that are not in Redis yet: name, mark and the entry to store."""
        self._made: dict[str, float] = {}
        self._untold: list[str] = []
        """Records created here that are not in Redis yet."""

    async def claim(self, name: str, sent: Attempt) -> Previous | None:
        """The right to run, over all replicas."""
        if (earlier := await self._here.claim(name, sent)) is not None:
            return earlier
        try:
            earlier = await self._claim(name, sent)
        except BaseException:
            await self._here.done(name, None)
            raise
        if earlier is not None:
            await self._here.done(name, None)
        return earlier

    async def force(self, name: str, sent: Attempt) -> None:
        """Run it whatever went before."""
        mark, what = secrets.token_hex(8), self._what(name, None)
        with anyio.CancelScope(shield=True):
            await self._or_refuse(name, mark, "insist", what, ms(self._window + LEASE))
            self._running[name] = mark, what
            await self._here.force(name, sent)

    async def forget(self, name: str, earlier: Previous) -> None:
        """It did not happen."""
        await self._here.forget(name, earlier)
        await self._or_refuse(name, earlier.mark, "forget")

    async def done(self, name: str, earlier: Previous | None) -> None:
        """The call has ended. If Redis is unavailable, this is stored when it is back."""
        mark, _ = self._running.pop(name, ("", ""))
        if earlier is not None:
            earlier = replace(earlier, mark=mark)
        await self._here.done(name, earlier)
        if mark:
            try:
                await self._say_done(name, mark, earlier)
            except RedisUnavailableError:
                self._unsaid.append((name, mark, earlier))
        with suppress(RedisUnavailableError):
            await self._tell_made()

    async def record_created(self, record_id: str) -> None:
        """A call of some replica made this record."""
        now = self._clock()
        self._made = {one: at for one, at in self._made.items() if at + KNOWN_FOR > now} | {record_id: now}
        # Told after the claim it belongs to has ended: what a killed replica made must be found as made by that claim.
        self._untold.append(record_id)

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """Those that calls of the replicas made. Raises UnavailableError when that cannot be told."""
        ids = list(record_ids)
        try:
            found: list[Any] = await self._link.command("MGET", *map(self._made_key, ids)) if ids else []
        except RedisUnavailableError:
            raise UnavailableError(
                "The changes of other replicas are unknown: Redis cannot be reached.", "Call again in a minute."
            ) from None
        return {one for one, value in zip(ids, found, strict=True) if value} | {
            one for one in ids if self._made.get(one, -1.0) >= since
        }

    async def alive(self) -> None:
        """Report running calls and everything that Redis has missed. Raises Gone."""
        for name, (mark, what) in list(self._running.items()):
            await self._step(name, "alive", mark, what, ms(self._window + LEASE))
        while self._unsaid:
            await self._say_done(*self._unsaid[0])
            del self._unsaid[0]
        await self._tell_made()

    async def say_again(self) -> None:
        """Tell a Redis that may have forgotten it what was done here. Raises Gone."""
        for name, earlier in list(self._here.recent().items()):
            await self._step(name, "say again", earlier.mark or secrets.token_hex(8), *self._told(name, earlier))
        self._untold = list(self._made)

    async def hold(self, name: str) -> None:
        """Take what is never remembered, once nobody has it. Raises UnavailableError when that takes too long."""
        with anyio.move_on_after(PATIENCE):
            while True:
                mark, what = secrets.token_hex(8), self._what(name, None)
                said = await self._ask_for(name, mark, what)
                if said[0] == "yours":
                    return
                if said[3] > ms(SURELY_OVER):
                    await self._or_refuse(name, str(said[2]), "forget")
                await anyio.sleep(_POLL)
        raise UnavailableError("Another replica is at the same kind of work.", "Call again in a minute.")

    async def _claim(self, name: str, sent: Attempt) -> Previous | None:
        mark, what = secrets.token_hex(8), self._what(name, None)
        said = await self._ask_for(name, mark, what)
        if said[0] == "yours":
            return None
        _, theirs, whose, age = said
        opened = self._seal.open(theirs, self._key(name))
        record = json.loads(opened) if opened else None
        # The same name is the same call; when it was, by this machine's clock.
        return Previous(replace(sent, at=self._clock() - age / 1000, skew=None), record, whose)

    async def _ask_for(self, name: str, mark: str, what: str) -> list[Any]:
        """Wait until no replica runs it, then return our claim or the previous call."""
        said: list[Any] = []
        while not said or said[0] == "wait":
            await anyio.sleep(_POLL if said else 0)
            # A call that is cancelled at this point must know whether the claim is its own, to release it.
            with anyio.CancelScope(shield=True):
                said = await self._or_refuse(name, mark, "claim", what, ms(LEASE), ms(self._window + LEASE))
                if said[0] == "yours":
                    self._running[name] = mark, what
        return said

    async def _or_refuse(self, name: str, mark: str, step: str, *arguments: object) -> list[Any]:
        try:
            return await self._step(name, step, mark, *arguments)
        except RedisUnavailableError:
            if step == "claim":
                # Should it have got there all the same, it is given back.
                self._unsaid.append((name, mark, None))
            raise DeclinedError(
                "It cannot be told whether another replica of this server has just done the same: Redis cannot be "
                "reached.",
                "Call again in a minute. Reading works meanwhile.",
                kind="duplicate",
            ) from None

    async def _say_done(self, name: str, mark: str, earlier: Previous | None) -> None:
        told = self._told(name, earlier) if earlier is not None and self._window else ("", 0, 0)
        await self._step(name, "done", mark, *told)

    async def _tell_made(self) -> None:
        ids, self._untold = self._untold, []
        try:
            for record_id in ids:
                await self._link.command("SET", self._made_key(record_id), "1", "PX", ms(KNOWN_FOR))
        except RedisUnavailableError:
            self._untold += ids
            raise

    def _told(self, name: str, earlier: Previous) -> tuple[str, int, int]:
        age = max(0.0, self._clock() - earlier.attempt.at)
        return self._what(name, earlier.record), ms(age), max(1, ms(self._window - age))

    def _what(self, name: str, record: Mapping[str, Any] | None) -> str:
        """Of a record, as much as a question shows."""
        shown = record and {
            field: value
            for field, value in record.items()
            if isinstance(value, str) and (field.endswith(("_id", "_number")) or field in _SHOWN)
        }
        return self._seal.close(json.dumps(shown), self._key(name))

    async def _step(self, name: str, step: str, mark: str, *arguments: object) -> list[Any]:
        return await self._link.run("claims", step, [self._key(name)], mark, *arguments)

    def _key(self, name: str) -> str:
        return f"{self._link.prefix}claim:{self._seal.name('claim', name)}"

    def _made_key(self, record_id: str) -> str:
        return f"{self._link.prefix}made:{self._seal.name('made', record_id)}"


class RedisLock:
    """Held by one call of one replica. A replica that is killed loses it when what it sent is surely over."""

    def __init__(self, claims: RedisClaims, name: str) -> None:
        self._claims = claims
        self._name = name
        self._here = anyio.Lock()

    async def __aenter__(self) -> None:
        await self._here.acquire()
        try:
            await self._claims.hold(self._name)
        except BaseException:
            self._here.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._claims.done(self._name, None)
        self._here.release()
