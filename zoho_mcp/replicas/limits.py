"""One budget of Zoho's limits for all replicas, kept by Redis's clock. With Redis gone, each has a quarter of it."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, ms
from zoho_mcp.zoho.rate_limit.limiter import LEASE, WINDOW, Acquired, Exhausted, Rates, Today, Wait, parse_rate_headers
from zoho_mcp.zoho.rate_limit.sqlite import SqliteQueue

SHARE = 4
"""With Redis gone, a replica keeps to the limits divided by this."""
WAITS_FOR = 5.0
"""Seconds after which an unused ticket is dropped: a waiter polls every second."""
_NOTE = "Redis cannot be reached, so this replica keeps to a quarter of the limits. "
_STARTS = "Redis has just been started, so this replica keeps to a quarter of the limits for some seconds. "


class RedisQueue:
    """A `RequestQueue` in Redis. Grants are also counted on this machine, for when Redis is down."""

    def __init__(self, link: Connection, api: str, clock: Callable[[], float], *, lease: float = LEASE) -> None:
        self._link = link
        self._api = api
        self._clock = clock
        self._lease = lease
        self._local = SqliteQueue(None)
        self._here: dict[str, str] = {}
        """Tickets, and what they are called on this machine."""
        self._sent: dict[str, tuple[str, float]] = {}
        """What was sent within the last minute: ticket to organisation and time."""

    async def queue(self, organization: str, now: float, until: float) -> str:
        """A ticket; its place in the line is given when its turn is first asked for."""
        ticket = secrets.token_hex(8)
        self._here[ticket] = await self._local.queue(organization, now, until)
        return ticket

    async def turn(self, ticket: str, organization: str, rates: Rates, now: float) -> Acquired | Wait | Exhausted:
        """Whether it may go now."""
        share = Rates(*(max(1, each // SHARE) for each in (rates.per_minute, rates.per_day, rates.at_once)))
        try:
            said = await self._run(
                "turn", organization, ticket, rates.per_minute, rates.per_day, rates.at_once, ms(WAITS_FOR),
                ms(self._lease),
            )  # fmt: skip
        except RedisUnavailableError:
            return await self._turn_here(ticket, organization, share, now, _NOTE)
        match said[0]:
            case "go":
                counted = Rates(10**9, share.per_day, 10**9)
                await self._local.turn(self._here[ticket], organization, counted, now)
                return self._note_sent(ticket, organization, now)
            case "wait":
                return Wait(said[1] / 1000)
            case "used up":
                return Exhausted()
            case _:
                return await self._turn_here(ticket, organization, share, now, _STARTS)

    async def leave(self, ticket: str, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """It is done with."""
        await self._local.leave(self._here.pop(ticket), organization, now, headers)
        was_sent = ticket in self._sent
        if was_sent:
            self._note_sent(ticket, organization, now)
        limit, remaining, reset = parse_rate_headers(headers) or (None, 0, 0.0)
        day = (limit, remaining, ms(reset)) if limit is not None else ()
        with suppress(RedisUnavailableError):
            await self._run("leave", organization, ticket, int(was_sent), *day)

    async def block(self, organization: str, now: float) -> float:
        """Zoho said 44."""
        with suppress(RedisUnavailableError):
            await self._run("block", organization)
        return await self._local.block(organization, now)

    async def use_up(self, organization: str, now: float, headers: Mapping[str, str]) -> None:
        """Zoho said 45."""
        await self._local.use_up(organization, now, headers)
        found = parse_rate_headers(headers)
        with suppress(RedisUnavailableError):
            await self._run("use up", organization, *((found[0], ms(found[2])) if found else ()))

    async def today(self, organization: str, rates: Rates, now: float) -> Today:
        """What is left of the day, as the replicas know it together."""
        try:
            _, limit, remaining, resets_in, is_told = await self._run("today", organization, rates.per_day)
        except RedisUnavailableError:
            return await self._local.today(organization, rates, now)
        return Today(limit, remaining, now + resets_in / 1000, bool(is_told))

    def close(self) -> None:
        """Stores nothing."""
        self._local.close()

    async def say_again(self) -> None:
        """Tell a Redis that may have forgotten it what was sent from here. Raises Gone."""
        now = self._clock()
        for organization in {of for of, _ in self._sent.values()}:
            facts = [
                fact
                for ticket, (of, at) in self._sent.items()
                if of == organization and now - WINDOW < at
                for fact in (ticket, ms(max(0.0, now - at)), int(ticket in self._here))
            ]
            await self._run("say again", organization, *facts)

    async def _turn_here(
        self, ticket: str, organization: str, share: Rates, now: float, note: str
    ) -> Acquired | Wait | Exhausted:
        turn = await self._local.turn(self._here[ticket], organization, share, now)
        if isinstance(turn, Wait):
            return Wait(turn.seconds, note)
        return self._note_sent(ticket, organization, now) if isinstance(turn, Acquired) else turn

    def _note_sent(self, ticket: str, organization: str, now: float) -> Acquired:
        self._sent = {one: (of, at) for one, (of, at) in self._sent.items() if now - WINDOW < at or one in self._here}
        self._sent[ticket] = (organization, now)
        return Acquired()

    async def _run(self, step: str, organization: str, *arguments: object) -> list[Any]:
        # Zoho counts by organisation, not by account: the account is not part of the name.
        of = f"zoho-invoice-mcp:limits:{self._api}:{organization}:"
        keys = [of + part for part in ("waiting", "waited-for", "underway", "sent", "day", "block", "number")]
        return await self._link.run("limits", step, keys, *arguments)
