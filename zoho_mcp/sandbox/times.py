"""Dates and times as Zoho writes them, in the organisation's time zone. Pure: the clock is always an argument."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zoho_mcp.sandbox.wire.json_wire import Record

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def utc_now() -> datetime:
    """The default clock of an app."""
    return datetime.now(UTC)


@lru_cache(maxsize=8)
def zone(name: str) -> tzinfo:
    """The time zone of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        # A machine without a time zone database (Windows, slim images): the demo zone's standard time is near enough.
        return timezone(timedelta(hours=-5))


def stamp(moment: datetime) -> str:
    """A timestamp as Zoho writes it: 2026-10-09T13:48:53-0400."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def in_words(stamp: str) -> str:
    """The day of a timestamp or date in words: 09 Oct 2026."""
    day = date.fromisoformat(stamp[:10])
    return f"{day.day:02d} {MONTHS[day.month - 1]} {day.year}"


def parse_stamp(text: str) -> datetime | None:
    """A timestamp from a request, None if it is invalid or has no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def parse_day(text: str) -> date | None:
    """A yyyy-mm-dd date, None for any other format."""
    if len(text) != 10 or not text[4] == text[7] == "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def touch(record: Record, now: datetime) -> None:
    """Set last_modified_time. Zoho writes whole seconds, so a second change within one second is moved to the next:
    a client that compares last_modified_time as a version must see every change."""
    previous = parse_stamp(str(record.get("last_modified_time", "")))
    moment = now.replace(microsecond=0)
    if previous is not None and moment <= previous:
        moment = previous.astimezone(now.tzinfo) + timedelta(seconds=1)
    record["last_modified_time"] = stamp(moment)
