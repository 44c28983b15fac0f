"""Zoho's limits by plan, and the errors when one of them is used up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from zoho_mcp.errors import LimitedError
from zoho_mcp.times import moment, offset_of_midnight, span

WINDOW = 61.0
"""A minute, and one second for clocks that differ."""
BLOCKED = 60.0
"""Seconds without requests after Zoho's code 44."""
SLOWED = 600.0
"""Seconds at half the rate after Zoho's code 44."""
LEASE = 60.0
"""Seconds after which a request under way counts as gone; longer than any exchange may take."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The requests that an organisation may send."""

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


@dataclass(frozen=True, slots=True)
class Today:
    """The requests of an organisation's day.

    Attributes:
        limit: requests per day.
        remaining: requests that are left.
        resets_at: the end of the day, in seconds of the limiter's clock.
        by_zoho: whether these figures are from Zoho's headers; otherwise they are counted here.
    """

    limit: int
    remaining: int
    resets_at: float
    by_zoho: bool

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC of the zone in which the day ends at midnight; None if it is unknown."""
        return offset_of_midnight(self.resets_at) if self.by_zoho else None


@dataclass(frozen=True, slots=True)
class Wait:
    """The request may not be sent yet.

    Attributes:
        seconds: how long, if the minute is used up; 0 while others are under way or came first.
        note: why less is allowed than usual: a whole sentence with a blank after it.
    """

    seconds: float
    note: str = ""


def too_many_at_once(rates: Rates, wait: Wait) -> LimitedError:
    """The error for a request that others did not let through in time."""
    return LimitedError(
        f"{rates.at_once} requests to this organisation are under way, and others wait before this one.",
        f"Zoho allows no more at once. {wait.note}Call again in half a minute, with fewer calls at the same time.",
        code=1070,
    )


def minute_used_up(rates: Rates, wait: Wait, now: float, today: Today) -> LimitedError:
    """The error for a request that would have to wait too long."""
    return LimitedError(
        f"This server keeps to Zoho's limit of {rates.per_minute} requests a minute for an organisation, and "
        "they are used up.",
        f"{wait.note}It resets in {span(wait.seconds)}, at {moment(now + wait.seconds, today.offset)}. Call again "
        "then, and not in a loop.",
        code=44,
    )


def day_used_up(today: Today, now: float) -> LimitedError:
    """The error for a request after the last one of the day."""
    return LimitedError(
        f"Zoho's limit of {today.limit} requests a day is used up for this organisation.",
        until_tomorrow(today, now),
        code=45,
    )


def until_tomorrow(today: Today, now: float) -> str:
    """The next step when the day is used up."""
    where = " (midnight in the organisation's time zone)" if today.offset is not None else ""
    plan = "" if today.by_zoho else " If the plan allows more, set ZOHO_PLAN."
    return (
        f"It resets in {span(today.resets_at - now)}, at {moment(today.resets_at, today.offset)}{where}; until "
        f"then only Zoho's own web pages work.{plan}"
    )


def after_code_44(free_at: float, now: float, today: Today) -> str:
    """The next step after Zoho refused a request because the minute is used up."""
    return (
        f"It resets in {span(free_at - now)}, at {moment(free_at, today.offset)}. After that, this server sends at "
        "half the rate for a while. Zoho's own web pages still work. Call again then; do not repeat it in a loop."
    )


def progress_of(rates: Rates, wait: Wait) -> str:
    """The progress message of a request that waits."""
    used_up = f"Zoho's limit of {rates.per_minute} requests a minute is used up."
    return f"Waiting {span(wait.seconds)}: {used_up} {wait.note}".rstrip()
