"""Changes that were just sent or are being sent, in the memory of this process; and the values that stand for them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

from zoho_mcp.specs.model import Operation

CLOCKS_DIFFER = 2.0
"""Seconds by which a record may seem older than its request: Zoho's times have no fractions."""
MOST_KNOWN = 10_000
SURELY_OVER = 60.0
"""Seconds after which a request whose response never came is no longer being worked on."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a change.

    Attributes:
        at: when, in seconds of the client's clock.
        skew: seconds by which Zoho's clock was ahead of that one just then, if known.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    at: float
    skew: float | None = None

    @property
    def path(self) -> str:
        """The path it was sent to, with placeholders for ids."""
        return self.operation.http.path.partition("?")[0]

    def earliest(self, skew: float | None) -> float:
        """The earliest time, by Zoho's clock, at which it can have been carried out; `skew`: as known now.

        A clock may have been corrected meanwhile. Then the earlier of two times counts: what is too old for the other
        could be taken for absent, and be made a second time.
        """
        known = [one for one in (self.skew, skew) if one is not None]
        return self.at + min(known, default=0.0) - CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class Previous:
    """An equal call that went before.

    Attributes:
        record: what it made; None when that is not known.
        mark: which claim this was, where replicas keep them.
    """

    attempt: Attempt
    record: Mapping[str, Any] | None = None
    mark: str = ""


class Claims(Protocol):
    """Calls by what they are about to do; of equal ones only one runs at a time. Replicas keep them together."""

    async def claim(self, name: str, sent: Attempt) -> Previous | None:
        """Wait for identical running calls. Returns None (the right to run), or the recent identical call."""
        ...

    async def force(self, name: str, sent: Attempt) -> None:
        """Run it regardless of earlier calls: a person approved."""
        ...

    async def forget(self, name: str, earlier: Previous) -> None:
        """What went before turned out not to have happened."""
        ...

    async def done(self, name: str, earlier: Previous | None) -> None:
        """It runs no more; `earlier` is to be remembered."""
        ...

    async def record_created(self, record_id: str) -> None:
        """A call reported this record as its own: no other call created it."""
        ...

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """The records that calls reported as their own since `since`, in seconds of the client's clock."""
        ...


class LocalClaims:
    """The claims of this process."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self.window = window
        self._clock = clock
        self._earlier: dict[str, Previous] = {}
        self._running: dict[str, anyio.Event] = {}
        self._known: OrderedDict[str, float] = OrderedDict()

    async def claim(self, name: str, sent: Attempt) -> Previous | None:
        """See `Claims`, also for the others."""
        while (running := self._running.get(name)) is not None:
            await running.wait()
        if (before := self.recent().get(name)) is None:
            await self.force(name, sent)
        return before

    async def force(self, name: str, sent: Attempt) -> None:
        """Run it regardless of earlier calls."""
        self._running.setdefault(name, anyio.Event())

    async def forget(self, name: str, earlier: Previous) -> None:
        """It did not happen."""
        if self._earlier.get(name) is earlier:
            del self._earlier[name]

    async def done(self, name: str, earlier: Previous | None) -> None:
        """It runs no more."""
        if earlier is not None and self.window:
            self._earlier[name] = earlier
        if running := self._running.pop(name, None):
            running.set()

    def recent(self) -> Mapping[str, Previous]:
        """What is remembered, by name."""
        now = self._clock()
        self._earlier = {one: before for one, before in self._earlier.items() if before.attempt.at + self.window > now}
        return self._earlier

    async def record_created(self, record_id: str) -> None:
        """A record that a call of this process reported as its own."""
        self._known[record_id] = self._clock()
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """Those of this process."""
        return {one for one in record_ids if self._known.get(one, -1.0) >= since}
