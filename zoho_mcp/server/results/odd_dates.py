"""Remarks on dates of a call that are probably mistaken: an end before its start, a year far from this one. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from zoho_mcp.specs.model import Json, Operation

_PAIRS = (
    ("date_start", "date_end"),
    ("due_date_start", "due_date_end"),
    ("start_date", "end_date"),
    ("date", "due_date"),
    ("date", "expiry_date"),
)
_PAST, _PAST_OF_CHANGES, _FUTURE, _FUTURE_OF_ENDS = 10, 2, 1, 10
"""Years. A list may reach far back; what is written is of these days; terms and schedules may end years from now."""
_ENDS = ("due_date", "expiry_date", "end_date", "date_end", "due_date_end")


def odd_dates(operation: Operation, arguments: Mapping[str, Any], today: date) -> list[str]:
    """A sentence for each date, or pair of dates, that hardly anybody means."""
    given = dict(_dates(operation.input.get("properties", {}), arguments))
    found = [*_reversed(operation, given), *_far(operation, given, today)]
    return [*found, *_month_to_come(arguments, today)]


def _dates(properties: Json, arguments: Mapping[str, Any]) -> Iterator[tuple[str, date]]:
    for name, value in arguments.items():
        if properties.get(name, {}).get("format") == "date" or name == "last_modified_time":
            try:
                yield name, date.fromisoformat(str(value)[:10])
            except ValueError:
                continue


def _reversed(operation: Operation, given: Mapping[str, date]) -> Iterator[str]:
    for first, last in _PAIRS:
        if first in given and last in given and given[last] < given[first]:
            so = "so nothing can be found; swap them" if operation.effect == "read" else "tell the user"
            yield f"{last} {given[last]} is before {first} {given[first]}: {so}."


def _far(operation: Operation, given: Mapping[str, date], today: date) -> Iterator[str]:
    past = _PAST if operation.effect == "read" else _PAST_OF_CHANGES
    for name, day in given.items():
        years = (day - today).days / 365.25
        if years > (_FUTURE_OF_ENDS if name in _ENDS else _FUTURE):
            yield f"{name} {day} is {years:.0f} years after today, {today}: check the year."
        elif years < -past:
            yield f"{name} {day} is {-years:.0f} years before today, {today}: check the year."


def _month_to_come(arguments: Mapping[str, Any], today: date) -> Iterator[str]:
    year, month = arguments.get("year"), arguments.get("month")
    if isinstance(year, int) and isinstance(month, int) and (year, month) > (today.year, today.month):
        yield f"{year}-{month:02} has not begun: today is {today}."
