"""The subscribers of each resource, in both eras of the protocol."""

from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping

import anyio
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

Change = Mapping[str, set[str]]
"""The ids that a change is about, by kind; a missing or empty kind may be any id."""
MOST_SUBSCRIPTIONS = 1000
"""In one listening; and of the older kind in all: the oldest are forgotten first, for nothing tells us when such a
client is gone."""
PATIENCE = 2.0
"""Seconds for a client to accept a notification; a slower client is unsubscribed."""


class Subscribers:
    """The subscribers of each resource."""

    def __init__(self, publish_change: Callable[[Change], Awaitable[None]] | None = None) -> None:
        self.publish_change = publish_change or _to_nobody
        """Tells other servers of a change, for those who subscribed there."""
        self.bus = InMemorySubscriptionBus()
        self.handler = ListenHandler(self.bus)
        self.changes = 0
        """Changes made through this server, or told of by others: what was found before the last may be out of date."""
        self._listening = 0
        self._heard: Counter[str] = Counter()
        self._older: OrderedDict[tuple[int, str], ServerSession] = OrderedDict()
        self.are_any = False
        """Whether somebody is to be told of changes: here, or perhaps at another server."""
        self._count()

    def _count(self) -> None:
        self.are_any = bool(self._listening or self._older) or self.publish_change is not _to_nobody

    def uris(self) -> list[str]:
        """Every address that somebody subscribed to."""
        return sorted({*self._heard, *(uri for _, uri in self._older)})

    def listening(self, uris: list[str]) -> None:
        """A client of 2026-07-28 began to listen."""
        self._listening += 1
        self._heard.update(uris)
        self._count()

    def unsubscribe(self, uris: list[str]) -> None:
        """It stopped."""
        self._listening -= 1
        self._heard.subtract(uris)
        self._heard = +self._heard
        self._count()

    def add(self, session: ServerSession, uri: str) -> None:
        """An older client subscribed."""
        self._older[_who(session), uri] = session
        while len(self._older) > MOST_SUBSCRIPTIONS:
            self._older.popitem(last=False)
        self._count()

    def drop(self, session: ServerSession, uri: str) -> None:
        """It unsubscribed."""
        self._older.pop((_who(session), uri), None)
        self._count()

    async def publish(self, uris: Collection[str]) -> None:
        """Tell everybody who subscribed to one of these addresses."""
        for uri in sorted(uris):
            await self.bus.publish(ResourceUpdated(uri))
        found: dict[int, list[tuple[ServerSession, str]]] = {}
        for (who, uri), session in self._older.items():
            if uri in uris:
                found.setdefault(who, []).append((session, uri))
        async with anyio.create_task_group() as group:
            for who, subscribed in found.items():
                group.start_soon(self._tell, who, subscribed)

    async def _tell(self, who: int, subscribed: list[tuple[ServerSession, str]]) -> None:
        with anyio.move_on_after(PATIENCE) as patience:
            for session, uri in subscribed:
                await session.send_resource_updated(uri)
        if patience.cancelled_caught:
            # Otherwise every later change would wait for a client that does not read.
            self._older = OrderedDict((key, session) for key, session in self._older.items() if key[0] != who)
            self._count()


async def _to_nobody(touched: Change) -> None:
    """There are no others."""


def _who(session: ServerSession) -> int:
    # A session is made for each request; what stays the same of a connection is what it said of itself at its start.
    return id(session.client_params or session)
