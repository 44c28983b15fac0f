"""Keeps an organisation's requests within Zoho's limits: per minute, per day and at once, over all processes of a user.

First come, first served: a request takes a ticket, and only the oldest ticket may go next. Tickets, sent requests and
the rest of the day are in SQLite, shared by all processes that open the same file. A killed process leaves tickets
behind; they expire, and are dropped at once where the system can tell that it is gone. If the file cannot be used,
counting continues in memory. Why no library does this: see the decisions in CONTRIBUTING.md.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import anyio

from zoho_mcp.private_files import SharedDatabase, is_running
from zoho_mcp.telemetry.calls import report_progress
from zoho_mcp.times import DAY
from zoho_mcp.zoho.rate_limit import limits
from zoho_mcp.zoho.rate_limit.limits import BLOCKED, LEASE, SLOWED, UNLIMITED, WINDOW, Rates, Today, Wait
from zoho_mcp.zoho.response import DayHeaders, parse_rate_headers

if TYPE_CHECKING:
    import sqlite3

PATIENCE = 20.0
"""Seconds a call may spend waiting; a longer wait is an error that says when the limit frees."""
REPORT_AFTER = 1.0
"""Seconds of waiting that are worth a progress notification."""
_POLL = 0.05
_SCHEMA = """
create table if not exists tickets (
    id integer primary key autoincrement, organization text not null, pid integer not null, running integer not null,
    expires real not null);
create table if not exists sent (ticket integer primary key, organization text not null, at real not null);
create table if not exists days (
    organization text primary key, day_limit integer not null, remaining integer not null, resets_at real not null,
    told integer not null);
create table if not exists blocks (organization text primary key, blocked real not null, slowed real not null);
"""
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_Day = tuple[int, int, float, bool]
"""The fields of `Today`: limit, remaining, resets_at and by_zoho."""


@dataclass(slots=True)
class Slot:
    """A request in progress.

    Attributes:
        day: from the response's headers: the day's limit, the requests left, seconds until it resets; None if unknown.
    """

    day: DayHeaders | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Note what a response's headers say about the day."""
        self.day = parse_rate_headers(headers)


def _transaction(
    step: "Callable[Concatenate[Limiter, _Parameters], _Result]",
) -> "Callable[Concatenate[Limiter, _Parameters], Coroutine[Any, Any, _Result]]":
    @wraps(step)
    async def run(self: "Limiter", *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        import sqlite3

        waited = 0.0
        while True:
            try:
                connection = self.database.connection or self.database.open()
                connection.execute("begin immediate")
                with connection:
                    return step(self, *args, **kwargs)
            except sqlite3.Error as problem:
                waited = await self.database.recover(problem, waited)

    return run


class Limiter:
    """The requests of all calls go through here. Opens its file on first use; without `path` it counts in memory.

    A subclass may replace the steps from `enqueue` to `today`, and use these where it cannot count in its own way.
    """

    def __init__(
        self,
        rates: Rates,
        path: Path | None = None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """`clock`: seconds, also comparable with those of other processes that use the file."""
        self.rates = rates
        self.clock = clock
        self._sleep = sleep or self._sleep_until_change
        self._changed = anyio.Event()
        self.database = SharedDatabase(path, _SCHEMA, "limits are not shared with other processes")

    @asynccontextmanager
    async def acquire(self, organization: str, until: float) -> AsyncGenerator[Slot]:
        """A request's turn, from just before it is sent to its response. A cancelled waiter releases its place.

        Raises LimitedError when it would have to wait longer than `until`, in seconds of the clock.
        """
        if self.rates is UNLIMITED:
            yield Slot()
            return
        ticket = await self.enqueue(organization, until)
        slot = Slot()
        try:
            await self._wait(ticket, organization, until)
            yield slot
        finally:
            with anyio.CancelScope(shield=True):
                await self.leave(ticket, organization, slot.day)
            self._changed.set()
            self._changed = anyio.Event()

    async def slow_down(self, organization: str) -> str:
        """After Zoho's code 44: nothing for a minute, then half the rate for a while. Returns the next step."""
        free_at = await self.block(organization)
        return limits.after_code_44(free_at, self.clock(), await self.today(organization))

    async def day_is_over(self, organization: str, headers: Mapping[str, str]) -> str:
        """After Zoho's code 45: nothing until its day ends. Returns the next step."""
        await self.use_up(organization, headers)
        return limits.until_tomorrow(await self.today(organization), self.clock())

    async def aclose(self) -> None:
        """Close the file."""
        self.database.close()

    async def _wait(self, ticket: int, organization: str, until: float) -> None:
        reported = False
        while (wait := await self.turn(ticket, organization)) is not None:
            now = self.clock()
            if now >= until or now + wait.seconds > until:
                if not wait.seconds:
                    raise limits.too_many_at_once(self.rates, wait)
                raise limits.minute_used_up(self.rates, wait, now, await self.today(organization))
            if wait.seconds > REPORT_AFTER and not reported:
                reported = True
                await report_progress(limits.progress_of(self.rates, wait))
            await self._sleep(min(wait.seconds or _POLL, until - now, 1.0))

    async def _sleep_until_change(self, seconds: float) -> None:
        """Sleep, at most until another request of this process is complete."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _run(self, query: str, values: tuple[object, ...]) -> "sqlite3.Cursor":
        assert self.database.connection is not None
        return self.database.connection.execute(query, values)

    @_transaction
    def enqueue(self, organization: str, until: float) -> int:
        """A new ticket, behind all others of the organisation."""
        values = (organization, os.getpid(), max(self.clock(), until) + LEASE)
        added = self._run("insert into tickets (organization, pid, running, expires) values (?, ?, 0, ?)", values)
        return int(added.lastrowid or 0)

    @_transaction
    def turn(self, ticket: int, organization: str, rates: Rates | None = None) -> Wait | None:
        """None if the request may be sent now; then it counts from now on. Raises LimitedError if the day is used up.

        `rates` replaces those of the limiter.
        """
        now, rates = self.clock(), rates or self.rates
        day = self._day(organization, rates, now)
        if day[1] <= 0:
            raise limits.day_used_up(Today(*day), now)
        ahead, running = self._before(ticket, organization, now)
        seconds = self._free_at(ahead, organization, rates.per_minute, now) - now
        if seconds > 0:
            return Wait(seconds)
        if ahead or running >= rates.at_once:
            self._drop_dead(organization)
            return Wait(0)
        self._run("update tickets set running = 1, expires = ? where id = ?", (now + LEASE, ticket))
        self._run("insert or replace into sent values (?, ?, ?)", (ticket, organization, now))
        self._run("update days set remaining = remaining - 1 where organization = ?", (organization,))
        return None

    @_transaction
    def leave(self, ticket: int, organization: str, reported: DayHeaders | None) -> None:
        """The request is complete. It counts from its response on: it is unknown when Zoho counted it."""
        now = self.clock()
        self._run("delete from tickets where id = ?", (ticket,))
        self._run("update sent set at = ? where ticket = ?", (now, ticket))
        if reported is not None:
            limit, remaining, reset = reported
            query = "select count(*) from tickets where organization = ? and running"
            underway = int(self._run(query, (organization,)).fetchone()[0])
            self._set_day(organization, limit, remaining - underway, now + reset, True)

    @_transaction
    def block(self, organization: str) -> float:
        """No requests for a minute, then half the rate for a while. Returns when the minute ends."""
        now = self.clock()
        self._run("insert or replace into blocks values (?, ?, ?)", (organization, now + BLOCKED, now + SLOWED))
        return now + BLOCKED

    @_transaction
    def use_up(self, organization: str, headers: Mapping[str, str]) -> None:
        """No more requests until the day ends, which the headers may say."""
        if (found := parse_rate_headers(headers)) is not None:
            self._set_day(organization, found[0], 0, self.clock() + found[2], True)
        self._run("update days set remaining = 0 where organization = ?", (organization,))

    @_transaction
    def today(self, organization: str) -> Today:
        """The rest of the day. An unknown day has the requests of the plan, for 24 hours."""
        return Today(*self._day(organization, self.rates, self.clock()))

    def _day(self, organization: str, rates: Rates, now: float) -> _Day:
        query = "select day_limit, remaining, resets_at, told from days where organization = ?"
        found = self._run(query, (organization,)).fetchone()
        if found is None or found[2] > now + 2 * DAY:
            return self._set_day(organization, rates.per_day, rates.per_day, now + DAY, False)
        limit, remaining, resets_at, by_zoho = found
        if resets_at > now:
            return limit, remaining, resets_at, bool(by_zoho)
        days_late = (now - resets_at) // DAY + 1
        return self._set_day(organization, limit, limit, resets_at + days_late * DAY, bool(by_zoho))

    def _set_day(self, organization: str, *day: *_Day) -> _Day:
        self._run("insert or replace into days values (?, ?, ?, ?, ?)", (organization, *day))
        return day

    def _before(self, ticket: int, organization: str, now: float) -> tuple[int, int]:
        """The number of requests that wait in front of this ticket, and of those under way."""
        # An expiry in the far future was written before the clock was set back.
        self._run("delete from tickets where expires < ? or expires > ?", (now, now + 10 * LEASE))
        self._run("delete from sent where at <= ? or at > ?", (now - WINDOW, now + WINDOW))
        query = "select coalesce(sum(not running and id < ?), 0), coalesce(sum(running), 0) from tickets "
        found = self._run(query + "where organization = ?", (ticket, organization)).fetchone()
        return int(found[0]), int(found[1])

    def _free_at(self, ahead: int, organization: str, per_minute: int, now: float) -> float:
        """The time at which the minute has room for a request with `ahead` others before it."""
        query = "select blocked, slowed from blocks where organization = ?"
        blocked, slowed = self._run(query, (organization,)).fetchone() or (0.0, 0.0)
        if blocked > now + 2 * BLOCKED:
            blocked, slowed = 0.0, 0.0
        rate = max(1, per_minute // 2) if slowed > now else per_minute
        used = int(self._run("select count(*) from sent where organization = ?", (organization,)).fetchone()[0])
        in_the_way = used + ahead - rate
        if in_the_way < 0:
            return blocked
        if in_the_way >= used:
            return max(blocked, now + WINDOW)
        query = "select at from sent where organization = ? order by at limit 1 offset ?"
        return max(blocked, float(self._run(query, (organization, in_the_way)).fetchone()[0]) + WINDOW)

    def _drop_dead(self, organization: str) -> None:
        """Drop the tickets of processes that were killed. On Windows these expire instead."""
        query = "select distinct pid from tickets where organization = ? and pid != ?"
        for (pid,) in self._run(query, (organization, os.getpid())).fetchall():
            if not is_running(pid):
                self._run("delete from tickets where pid = ?", (pid,))
