"""Changes that were just sent or are being sent, in the memory of this process; and the values that stand for them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from zoho_mcp.specs.model import Operation

CLOCKS_DIFFER = 2.0
"""Seconds by which a record may seem older than its request: Zoho's times have no fractions."""
MOST_CREATED = 10_000
"""Created records that are remembered."""
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


class Claims:
    """The claims of this process, by the name of a call. Subclasses extend each method to share claims with others."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        """`window`: seconds for which an ended call is remembered. `clock`: seconds since the epoch."""
        self.window = window
        self.clock = clock
        self._earlier: dict[str, Previous] = {}
        self._running: dict[str, anyio.Event] = {}
        self._created: OrderedDict[str, float] = OrderedDict()

    async def claim(self, name: str, sent: Attempt) -> Previous | None:
        """Wait for identical running calls. Returns None (the right to run), or the recent identical call."""
        while (running := self._running.get(name)) is not None:
            await running.wait()
        if (previous := self.recent().get(name)) is not None:
            return previous
        self._running[name] = anyio.Event()
        try:
            previous = await self.claim_shared(name, sent)
        except BaseException:
            self._running.pop(name).set()
            raise
        if previous is not None:
            self._running.pop(name).set()
        return previous

    async def claim_shared(self, name: str, sent: Attempt) -> Previous | None:
        """None (the right to run) or the recent identical call, among servers that share claims; here nobody does."""
        return None

    async def force(self, name: str, sent: Attempt) -> None:
        """Run it regardless of earlier calls: a person approved."""
        self._running.setdefault(name, anyio.Event())

    async def forget(self, name: str, earlier: Previous) -> None:
        """The earlier call turned out not to have happened."""
        if self._earlier.get(name) is earlier:
            del self._earlier[name]

    async def done(self, name: str, earlier: Previous | None) -> None:
        """The call has ended; `earlier` is remembered."""
        if earlier is not None and self.window:
            self._earlier[name] = earlier
        if running := self._running.pop(name, None):
            running.set()

    def recent(self) -> Mapping[str, Previous]:
        """The remembered calls of this process, by name."""
        now = self.clock()
        self._earlier = {one: before for one, before in self._earlier.items() if before.attempt.at + self.window > now}
        return self._earlier

    async def record_created(self, record_id: str) -> None:
        """A call reported this record as its own: no other call created it."""
        self._created[record_id] = self.clock()
        while len(self._created) > MOST_CREATED:
            self._created.popitem(last=False)

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """The records that calls reported as their own since `since`, in seconds of the clock."""
        return {one for one in record_ids if self._created.get(one, -1.0) >= since}
