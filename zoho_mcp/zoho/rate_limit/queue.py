"""The steps of a request's turn within Zoho's limits, whoever counts: a file on this machine, or replicas together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from zoho_mcp.times import DAY, offset_of_midnight

WINDOW = 61.0
"""A minute, and one second for clocks that differ."""
BLOCKED = 60.0
SLOWED = 600.0
"""Seconds at half the rate after Zoho said 44."""
LEASE = 60.0
"""Seconds after which a request under way counts as gone; longer than any exchange may take."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How much an organisation may ask."""

    per_minute: int
    per_day: int
    at_once: int


UNLIMITED = Rates(10**9, 10**9, 10**9)


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
    """Go."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait: `seconds` as far as that can be told, 0 for others that are under way or came first."""

    seconds: float
    note: str = ""
    """Why less is allowed than usual: a whole sentence with a blank after it."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Nothing goes any more today."""


class RequestQueue(Protocol):
    """Counts requests, first come, first served. Times are seconds of the caller's clock, whoever else counts along."""

    async def queue(self, organization: str, now: float, until: float) -> str:
        """A new ticket, behind all others of the organisation."""
        ...

    async def turn(self, ticket: str, organization: str, rates: Rates, now: float) -> Acquired | Wait | Exhausted:
        """Whether the ticket may go now; if so, it counts from here on."""
        ...

    async def leave(self, ticket: str, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """The ticket is done with; `headers` of the answer tell what is left of the day."""
        ...

    async def block(self, organization: str, now: float) -> float:
        """Nothing goes for a minute, then half for a while; when it frees."""
        ...

    async def use_up(self, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """Nothing is left of the day."""
        ...

    async def today(self, organization: str, rates: Rates, now: float) -> Today:
        """What is left of the day; a day that nothing is known of has what the plan allows, for 24 hours."""
        ...

    def close(self) -> None:
        """Give back what is held on this machine."""
        ...


def parse_rate_headers(headers: Mapping[str, str]) -> tuple[int, int, float] | None:
    """Limit, remaining and seconds to the day's end, if an answer says all three and they make sense."""
    try:
        limit, remaining, reset = (int(headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset"))
    except (KeyError, ValueError):
        return None
    sensible = 0 < limit < 10**9 and 0 <= remaining <= limit and 0 <= reset <= DAY + 7200
    return (limit, remaining, float(reset)) if sensible else None
