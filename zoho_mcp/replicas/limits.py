"""One budget of Zoho's limits for all replicas, kept by Redis's clock. Without Redis, each has a quarter of it."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from zoho_mcp.errors import LimitedError
from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, ms
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import LEASE, WINDOW, Rates, Today, Wait, day_used_up
from zoho_mcp.zoho.response import DayHeaders, parse_rate_headers

SHARE = 4
"""Without Redis, a replica keeps to the limits divided by this."""
WAITS_FOR = 5.0
"""Seconds after which an unused ticket is dropped: a waiter polls every second."""
_NOTE = "Redis cannot be reached, so this replica keeps to a quarter of the limits. "
_STARTS = "Redis has just been started, so this replica keeps to a quarter of the limits for some seconds. "


class RedisLimiter(Limiter):
    """Counts in Redis, and also on this machine, for when Redis is unavailable."""

    def __init__(
        self,
        rates: Rates,
        redis: Connection,
        api: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] | None = None,
        lease: float = LEASE,
    ) -> None:
        """`api`: the host whose limits these are. `lease`: seconds after which a request under way counts as gone."""
        super().__init__(rates, clock=clock, sleep=sleep)
        self._redis = redis
        self._api = api
        self._lease = lease
        self._own = secrets.token_hex(8)
        self._unfinished: set[int] = set()
        self._sent: dict[int, tuple[str, float]] = {}
        """The requests that were sent within the last minute: ticket to organisation and time."""

    async def enqueue(self, organization: str, until: float) -> int:
        """A ticket; Redis gives it a place in the queue when its turn is first requested."""
        ticket = await super().enqueue(organization, until)
        self._unfinished.add(ticket)
        return ticket

    async def turn(self, ticket: int, organization: str, rates: Rates | None = None) -> Wait | None:
        """None if the request may be sent now, by Redis or by the share of this replica."""
        rates = rates or self.rates
        try:
            turn, *milliseconds = await self._step(
                "turn", organization, self._name(ticket), rates.per_minute, rates.per_day, rates.at_once,
                ms(WAITS_FOR), ms(self._lease),
            )  # fmt: skip
        except RedisUnavailableError:
            return await self._local_turn(ticket, organization, rates, _NOTE)
        match turn:
            case "go":
                day = Rates(10**9, max(1, rates.per_day // SHARE), 10**9)
                with suppress(LimitedError):  # Redis has the last word; this only counts.
                    await super().turn(ticket, organization, day)
                self._note_sent(ticket, organization)
                return None
            case "wait":
                return Wait(milliseconds[0] / 1000)
            case "used up":
                raise day_used_up(await self.today(organization), self.clock())
            case _:
                return await self._local_turn(ticket, organization, rates, _STARTS)

    async def leave(self, ticket: int, organization: str, reported: DayHeaders | None) -> None:
        """The request is complete."""
        await super().leave(ticket, organization, reported)
        self._unfinished.discard(ticket)
        was_sent = ticket in self._sent
        if was_sent:
            self._note_sent(ticket, organization)
        day = (reported[0], reported[1], ms(reported[2])) if reported else ()
        with suppress(RedisUnavailableError):
            await self._step("leave", organization, self._name(ticket), int(was_sent), *day)

    async def block(self, organization: str) -> float:
        """No requests for a minute, then half the rate for a while."""
        with suppress(RedisUnavailableError):
            await self._step("block", organization)
        return await super().block(organization)

    async def use_up(self, organization: str, headers: Mapping[str, str]) -> None:
        """No more requests until the day ends."""
        await super().use_up(organization, headers)
        found = parse_rate_headers(headers)
        with suppress(RedisUnavailableError):
            await self._step("use up", organization, *((found[0], ms(found[2])) if found else ()))

    async def today(self, organization: str) -> Today:
        """The rest of the day for all replicas together."""
        try:
            _, limit, remaining, resets_in, by_zoho = await self._step("today", organization, self.rates.per_day)
        except RedisUnavailableError:
            return await super().today(organization)
        return Today(limit, remaining, self.clock() + resets_in / 1000, bool(by_zoho))

    async def restore(self) -> None:
        """Tell a Redis that may have lost its data what was sent from here. Raises RedisUnavailableError."""
        now = self.clock()
        for organization in {of for of, _ in self._sent.values()}:
            facts = [
                fact
                for ticket, (of, at) in self._sent.items()
                if of == organization and now - WINDOW < at
                for fact in (self._name(ticket), ms(max(0.0, now - at)), int(ticket in self._unfinished))
            ]
            await self._step("restore", organization, *facts)

    async def _local_turn(self, ticket: int, organization: str, rates: Rates, note: str) -> Wait | None:
        share = Rates(*(max(1, each // SHARE) for each in (rates.per_minute, rates.per_day, rates.at_once)))
        wait = await super().turn(ticket, organization, share)
        if wait is None:
            self._note_sent(ticket, organization)
            return None
        return Wait(wait.seconds, note)

    def _note_sent(self, ticket: int, organization: str) -> None:
        now = self.clock()
        self._sent = {
            one: (of, at) for one, (of, at) in self._sent.items() if now - WINDOW < at or one in self._unfinished
        }
        self._sent[ticket] = (organization, now)

    def _name(self, ticket: int) -> str:
        return f"{self._own}-{ticket}"

    async def _step(self, step: str, organization: str, *arguments: object) -> list[Any]:
        # Zoho counts by organisation, not by account: the account is not part of the name.
        of = f"zoho-invoice-mcp:limits:{self._api}:{organization}:"
        keys = [of + part for part in ("waiting", "waited-for", "underway", "sent", "day", "block", "number")]
        return await self._redis.run("limits", step, keys, *arguments)
