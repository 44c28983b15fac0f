"""Tickets, sent requests and what is left of the day, in SQLite: shared by all processes that open the same file.

Every step is one short transaction. A killed process leaves tickets behind; they expire, and are dropped at once where
the system can tell that it is gone. If the file cannot be used, counting continues in memory.
"""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio

from zoho_mcp.private_files import is_running, open_database
from zoho_mcp.times import DAY
from zoho_mcp.zoho.rate_limit.limiter import (
    BLOCKED,
    LEASE,
    SLOWED,
    WINDOW,
    Acquired,
    Exhausted,
    Rates,
    Today,
    Wait,
    parse_rate_headers,
)

if TYPE_CHECKING:
    import sqlite3

_BUSY_FOR = 2.0
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
_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class SqliteQueue:
    """The request queue that all processes of a user share. Opens its file on first use."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._open: Tables | None = None

    async def queue(self, organization: str, now: float, until: float) -> str:
        """See `RequestQueue`, also for the others."""
        return str(await self._run(lambda tables: tables.queue(organization, os.getpid(), now, until)))

    async def turn(self, ticket: str, organization: str, rates: Rates, now: float) -> Acquired | Wait | Exhausted:
        """Whether the request may be sent now."""
        return await self._run(lambda tables: tables.turn(int(ticket), organization, rates, now))

    async def leave(self, ticket: str, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """The request is complete."""
        await self._run(lambda tables: tables.leave(int(ticket), organization, now, headers))

    async def block(self, organization: str, now: float) -> float:
        """After Zoho's code 44."""
        return await self._run(lambda tables: tables.block(organization, now))

    async def use_up(self, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """After Zoho's code 45."""
        await self._run(lambda tables: tables.use_up(organization, now, headers))

    async def today(self, organization: str, rates: Rates, now: float) -> Today:
        """What is left of the day."""
        return await self._run(lambda tables: tables.today(organization, rates, now))

    async def _run(self, work: "Callable[[Tables], _Result]") -> _Result:
        """Do `work` in one transaction, waiting for other processes without blocking the event loop."""
        import sqlite3

        waited = 0.0
        while True:
            try:
                if self._open is None:
                    self._open = Tables(open_database(self._path, _SCHEMA))
                with self._open.transaction():
                    return work(self._open)
            except sqlite3.Error as problem:
                busy = isinstance(problem, sqlite3.OperationalError) and "locked" in str(problem)
                if not busy or waited >= _BUSY_FOR:
                    self._forget_file(problem)
                    continue
            waited += 0.005
            await anyio.sleep(0.005)

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _forget_file(self, problem: Exception) -> None:
        if self._path is None:
            raise problem
        _logger.warning("limits are not shared with other processes: %s: %s", self._path, problem)
        self.close()
        self._path = None


class Tables:
    """One open database. Every method is to be called inside `transaction`."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._connection = connection
        self._run = connection.execute

    def transaction(self) -> "sqlite3.Connection":
        """Everything in the `with` happens or nothing does; other processes wait meanwhile."""
        self._run("begin immediate")
        return self._connection

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __del__(self) -> None:
        # No Python warning for a client that was not closed.
        self._connection.close()

    def queue(self, organization: str, pid: int, now: float, until: float) -> int:
        """A new ticket, behind all others of the organisation."""
        values = (organization, pid, max(now, until) + LEASE)
        added = self._run("insert into tickets (organization, pid, running, expires) values (?, ?, 0, ?)", values)
        return int(added.lastrowid or 0)

    def turn(self, ticket: int, organization: str, rates: Rates, now: float) -> Acquired | Wait | Exhausted:
        """Whether the ticket may go now; if so, it counts from now on."""
        if self.today(organization, rates, now).remaining <= 0:
            return Exhausted()
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
        return Acquired()

    def leave(self, ticket: int, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """The request is complete. It counts from its response on: when Zoho counted it is not known."""
        self._run("delete from tickets where id = ?", (ticket,))
        self._run("update sent set at = ? where ticket = ?", (now, ticket))
        said = parse_rate_headers(headers)
        if said is not None:
            limit, remaining, reset = said
            query = "select count(*) from tickets where organization = ? and running"
            underway = int(self._run(query, (organization,)).fetchone()[0])
            self._set_day(organization, limit, remaining - underway, now + reset, told=True)

    def block(self, organization: str, now: float) -> float:
        """No requests for a minute, then half the rate for a while. Returns when the minute ends."""
        self._run("insert or replace into blocks values (?, ?, ?)", (organization, now + BLOCKED, now + SLOWED))
        return now + BLOCKED

    def use_up(self, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """Nothing is left of the day."""
        limit, _, reset = parse_rate_headers(headers) or (0, 0, 0.0)
        if reset:
            self._set_day(organization, limit, 0, now + reset, told=True)
        self._run("update days set remaining = 0 where organization = ?", (organization,))

    def today(self, organization: str, rates: Rates, now: float) -> Today:
        """What is left of the day. An unknown day has what the plan allows, for 24 hours."""
        query = "select day_limit, remaining, resets_at, told from days where organization = ?"
        found = self._run(query, (organization,)).fetchone()
        if found is None or found[2] > now + 2 * DAY:
            return self._set_day(organization, rates.per_day, rates.per_day, now + DAY, told=False)
        day = Today(found[0], found[1], found[2], bool(found[3]))
        if day.resets_at > now:
            return day
        behind = (now - day.resets_at) // DAY + 1
        return self._set_day(organization, day.limit, day.limit, day.resets_at + behind * DAY, told=day.told)

    def _set_day(self, organization: str, limit: int, remaining: int, resets_at: float, *, told: bool) -> Today:
        values = (organization, limit, remaining, resets_at, told)
        self._run("insert or replace into days values (?, ?, ?, ?, ?)", values)
        return Today(limit, remaining, resets_at, told)

    def _before(self, ticket: int, organization: str, now: float) -> tuple[int, int]:
        """How many wait in front of this ticket, and how many are under way."""
        # Whatever lies far ahead was written before the clock was set back.
        self._run("delete from tickets where expires < ? or expires > ?", (now, now + 10 * LEASE))
        self._run("delete from sent where at <= ? or at > ?", (now - WINDOW, now + WINDOW))
        query = "select coalesce(sum(not running and id < ?), 0), coalesce(sum(running), 0) from tickets "
        found = self._run(query + "where organization = ?", (ticket, organization)).fetchone()
        return int(found[0]), int(found[1])

    def _free_at(self, ahead: int, organization: str, per_minute: int, now: float) -> float:
        """When the minute has room for a request with `ahead` others before it."""
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
