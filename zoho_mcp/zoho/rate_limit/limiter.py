"""Keeps an organisation's requests within Zoho's limits: per minute, per day and at once, over all processes of a user.

First come, first served: a request takes a ticket, and only the oldest ticket may go next. A wait longer than the
caller's patience is an error that says when the limit frees. Knows nothing of where the tickets are kept.
Why no library does this: see the decisions in CONTRIBUTING.md.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import anyio

from zoho_mcp.errors import LimitedError
from zoho_mcp.telemetry.calls import report_progress
from zoho_mcp.times import DAY, moment, offset_of_midnight, span

WINDOW = 61.0
"""A minute, and one second for clocks that differ."""
BLOCKED = 60.0
SLOWED = 600.0
"""Seconds at half the rate after Zoho's code 44."""
LEASE = 60.0
"""Seconds after which a request under way counts as gone; longer than any exchange may take."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How much an organisation may ask."""

    per_minute: int
    per_day: int
    at_once: int


UNLIMITED = Rates(10**9, 10**9, 10**9)
PLANS: Mapping[str, Rates] = {
    # Where Zoho's reference and its knowledge base disagree, the smaller figure.
    "free": Rates(per_minute=60, per_day=1_000, at_once=5),
    "standard": Rates(per_minute=100, per_day=2_000, at_once=10),
    "professional": Rates(per_minute=100, per_day=5_000, at_once=10),
    "premium": Rates(per_minute=100, per_day=10_000, at_once=10),
    "elite": Rates(per_minute=100, per_day=10_000, at_once=10),
    "ultimate": Rates(per_minute=100, per_day=10_000, at_once=10),
    "unlimited": UNLIMITED,
}
PATIENCE = 20.0
"""Seconds a call may spend waiting; a longer wait is an answer that says when."""
TELL_AFTER = 1.0
"""Seconds of waiting that are worth a progress notification."""
_LOOK_AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Today:
    """What is left of an organisation's day. `told`: by Zoho, not counted here; then `offset` is its time zone's."""

    limit: int
    remaining: int
    resets_at: float
    told: bool

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC of the zone in which the day ends at midnight."""
        return offset_of_midnight(self.resets_at) if self.told else None


@dataclass(frozen=True, slots=True)
class Acquired:
    """The request may be sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait: `seconds` if known, 0 while others are under way or came first."""

    seconds: float
    note: str = ""
    """Why less is allowed than usual: a whole sentence with a blank after it."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Nothing may be sent until the day ends."""


class RequestQueue(Protocol):
    """Counts requests, first come, first served. Times are seconds of the caller's clock, also with other processes."""

    async def queue(self, organization: str, now: float, until: float) -> str:
        """A new ticket, behind all others of the organisation."""
        ...

    async def turn(self, ticket: str, organization: str, rates: Rates, now: float) -> Acquired | Wait | Exhausted:
        """Whether the ticket may go now; if so, it counts from now on."""
        ...

    async def leave(self, ticket: str, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """The request is complete; the response's `headers` show what is left of the day."""
        ...

    async def block(self, organization: str, now: float) -> float:
        """No requests for a minute, then half the rate for a while. Returns when the minute ends."""
        ...

    async def use_up(self, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """Nothing is left of the day."""
        ...

    async def today(self, organization: str, rates: Rates, now: float) -> Today:
        """What is left of the day. An unknown day has what the plan allows, for 24 hours."""
        ...

    def close(self) -> None:
        """Close what is open on this machine."""
        ...


@dataclass(slots=True)
class Slot:
    """A request in progress. `headers`: the response's, once it is there; they show what is left of the day."""

    headers: Mapping[str, str] | None = None


class Limiter:
    """The requests of all calls go through here. `queue` counts them: for this process, a user or replicas."""

    def __init__(
        self,
        rates: Rates,
        queue: RequestQueue,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.rates = rates
        self._clock = clock
        self._sleep = sleep or self._change
        self._queue = queue
        self._changed = anyio.Event()

    @asynccontextmanager
    async def acquire(self, organization_id: str, until: float) -> AsyncGenerator[Slot]:
        """A request's turn, from just before it is sent to its answer. Raises LimitedError when `until` is too early.

        A cancelled waiter releases its place in the queue.
        """
        if self.rates == UNLIMITED:
            yield Slot()
            return
        ticket = await self._queue.queue(organization_id, self._clock(), until)
        slot = Slot()
        try:
            await self._wait(ticket, organization_id, until)
            yield slot
        finally:
            with anyio.CancelScope(shield=True):
                await self._queue.leave(ticket, organization_id, self._clock(), slot.headers or {})
            self._changed.set()
            self._changed = anyio.Event()

    async def slow_down(self, organization_id: str) -> str:
        """After Zoho's code 44: nothing for a minute, then half the rate for a while. Returns the advice."""
        now = self._clock()
        free = await self._queue.block(organization_id, now)
        offset = (await self.today(organization_id)).offset
        return (
            f"It resets in {span(free - now)}, at {moment(free, offset)}. After that, this server sends at half the "
            "rate for a while. Zoho's own web pages still work. Call again then; do not repeat it in a loop."
        )

    async def day_is_over(self, organization_id: str, headers: Mapping[str, str]) -> str:
        """After Zoho's code 45: nothing until its day ends. Returns the advice."""
        await self._queue.use_up(organization_id, self._clock(), headers)
        return self._until_tomorrow(await self.today(organization_id))

    async def today(self, organization_id: str) -> Today:
        """What is left of the day, as far as it is known."""
        return await self._queue.today(organization_id, self.rates, self._clock())

    async def aclose(self) -> None:
        """Close the file."""
        self._queue.close()

    async def _wait(self, ticket: str, organization_id: str, until: float) -> None:
        told = False
        while True:
            now = self._clock()
            turn = await self._queue.turn(ticket, organization_id, self.rates, now)
            if isinstance(turn, Acquired):
                return
            if isinstance(turn, Exhausted):
                raise self._day_used_up(await self.today(organization_id))
            if now >= until or now + turn.seconds > until:
                raise self._too_long(turn, now, await self.today(organization_id))
            if turn.seconds > TELL_AFTER and not told:
                told = True
                await report_progress(_reason(turn, self.rates))
            await self._sleep(min(turn.seconds or _LOOK_AGAIN, until - now, 1.0))

    async def _change(self, seconds: float) -> None:
        """Sleep, at most until another request of this process is complete."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _too_long(self, turn: Wait, now: float, today: Today) -> LimitedError:
        if not turn.seconds:
            return LimitedError(
                f"{self.rates.at_once} requests to this organisation are under way, and others wait before this one.",
                f"Zoho allows no more at once. {turn.note}Call again in half a minute, with fewer calls at the same "
                "time.",
                code=1070,
            )
        return LimitedError(
            f"This server keeps to Zoho's limit of {self.rates.per_minute} requests a minute for an organisation, and "
            "they are used up.",
            f"{turn.note}It resets in {span(turn.seconds)}, at {moment(now + turn.seconds, today.offset)}. Call again "
            "then, and not in a loop.",
            code=44,
        )

    def _day_used_up(self, today: Today) -> LimitedError:
        return LimitedError(
            f"Zoho's limit of {today.limit} requests a day is used up for this organisation.",
            self._until_tomorrow(today),
            code=45,
        )

    def _until_tomorrow(self, today: Today) -> str:
        now = self._clock()
        where = " (midnight in the organisation's time zone)" if today.offset is not None else ""
        plan = "" if today.told else " If the plan allows more, set ZOHO_PLAN."
        return (
            f"It resets in {span(today.resets_at - now)}, at {moment(today.resets_at, today.offset)}{where}; until "
            f"then only Zoho's own web pages work.{plan}"
        )


def _reason(turn: Wait, rates: Rates) -> str:
    used_up = f"Zoho's limit of {rates.per_minute} requests a minute is used up."
    return f"Waiting {span(turn.seconds)}: {used_up} {turn.note}".rstrip()


def parse_rate_headers(headers: Mapping[str, str]) -> tuple[int, int, float] | None:
    """Limit, remaining and seconds to the day's end, if a response gives all three and they make sense."""
    try:
        limit, remaining, reset = (int(headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset"))
    except (KeyError, ValueError):
        return None
    sensible = 0 < limit < 10**9 and 0 <= remaining <= limit and 0 <= reset <= DAY + 7200
    return (limit, remaining, float(reset)) if sensible else None
