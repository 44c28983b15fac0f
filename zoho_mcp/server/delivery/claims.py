"""Recent and running changes, kept in this process so that identical calls are noticed."""

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
"""Seconds after which Zoho no longer processes a request whose response never came."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to make a change.

    Attributes:
        at: the time, in seconds of the client's clock.
        skew: seconds by which Zoho's clock was ahead then, if known.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    at: float
    skew: float | None = None

    @property
    def path(self) -> str:
        """The path of the request, with placeholders for ids."""
        return self.operation.http.path.partition("?")[0]

    def earliest(self, skew: float | None) -> float:
        """The earliest time, by Zoho's clock, at which the change can have been made. `skew`: the current one.

        If the clock was corrected meanwhile, the earlier of two times is used: otherwise an existing record could seem
        too old, count as absent, and be created again.
        """
        skews = [value for value in (self.skew, skew) if value is not None]
        return self.at + min(skews, default=0.0) - CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class Previous:
    """An earlier identical call.

    Attributes:
        record: the record it created; None if unknown.
        mark: identifies its claim if claims are shared.
    """

    attempt: Attempt
    record: Mapping[str, Any] | None = None
    mark: str = ""


class Claims:
    """The claims of this process, by the key of a call. Subclasses extend each method to share claims with others."""

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
        """Claim the call among servers that share claims: see `claim`. This class shares none."""
        return None

    async def force(self, name: str, sent: Attempt) -> None:
        """Claim the right to run, regardless of earlier calls: a person approved."""
        self._running.setdefault(name, anyio.Event())

    async def forget(self, name: str, earlier: Previous) -> None:
        """Forget an earlier call that turned out not to have happened."""
        if self._earlier.get(name) is earlier:
            del self._earlier[name]

    async def done(self, name: str, earlier: Previous | None) -> None:
        """Note that the call has ended and remember `earlier`."""
        if earlier is not None and self.window:
            self._earlier[name] = earlier
        if running := self._running.pop(name, None):
            running.set()

    def recent(self) -> Mapping[str, Previous]:
        """The remembered calls of this process, by name."""
        now = self.clock()
        self._earlier = {name: call for name, call in self._earlier.items() if call.attempt.at + self.window > now}
        return self._earlier

    async def record_created(self, record_id: str) -> None:
        """Note that a call reported this record as its own, so that no other call created it."""
        self._created[record_id] = self.clock()
        while len(self._created) > MOST_CREATED:
            self._created.popitem(last=False)

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """The records that calls reported as their own since `since`, in seconds of the clock."""
        return {record_id for record_id in record_ids if self._created.get(record_id, -1.0) >= since}
