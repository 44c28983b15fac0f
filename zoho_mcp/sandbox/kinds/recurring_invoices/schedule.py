"""When a recurring document is due. Pure date arithmetic; knows no records."""

from calendar import monthrange
from datetime import date, timedelta

# The longest each unit can be, in days.
UNITS = {"days": 1, "weeks": 7, "months": 31, "years": 366}
MOST = 1000  # of one unit between two documents; Zoho's own limit is unverified


def occurrence(start: date, unit: str, every: int, count: int) -> date:
    """The date of the first document for 0, of the one after it for 1, and so on.

    Months are counted from the start, so that the 31st stays the 31st wherever a month has one.
    """
    steps = every * count
    if unit in ("days", "weeks"):
        return start + timedelta(days=steps * UNITS[unit])
    months = start.month - 1 + steps * (12 if unit == "years" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def next_date(start: date, unit: str, every: int, day: date) -> date | None:
    """The first date that is not before that day, None beyond the end of the calendar."""
    count = max(0, (day - start).days // (every * UNITS[unit]))
    try:
        while (due := occurrence(start, unit, every, count)) < day:
            count += 1
    except (ValueError, OverflowError):
        return None
    return due
