"""Durations and times in words, in the organisation's time zone if it is known. Pure."""

from datetime import UTC, datetime, timedelta, timezone

DAY = 86_400


def span(seconds: float) -> str:
    """A duration in words: 34 seconds, 12 minutes, 3 hours 5 minutes."""
    whole = max(1, round(seconds))
    if whole < 120:
        return _count(whole, "second")
    minutes = -(-whole // 60)
    if minutes < 120:
        return _count(minutes, "minute")
    hours, rest = divmod(minutes, 60)
    return _count(hours, "hour") + (f" {_count(rest, 'minute')}" if rest else "")


def moment(seconds: float, offset: int | None) -> str:
    """A time, in seconds since the epoch, as text; `offset` in seconds east of UTC, None: UTC."""
    zone = UTC if offset is None else timezone(timedelta(seconds=offset))
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def offset_of_midnight(seconds: float) -> int:
    """The time zone, in seconds east of UTC, in which this time is midnight; to a quarter of an hour.

    Of two possible zones, the one between 12 hours west and 12 hours east.
    """
    into_the_day = round(seconds / 900) * 900 % DAY
    return -into_the_day if into_the_day <= DAY // 2 else DAY - into_the_day


def seconds_of(stamp: object) -> float | None:
    """A timestamp of Zoho (2026-10-09T13:48:53-0400) in seconds since the epoch; None for anything else."""
    try:
        moment = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
