"""The subscribers of each resource, for the current (2026-07-28) and older versions of the protocol."""

from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping

import anyio
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

Change = Mapping[str, set[str]]
"""The ids affected by a change, by kind. A missing or empty kind means any id."""
MOST_SUBSCRIPTIONS = 1000
"""Subscriptions of one listening client, and of all older clients together. The oldest of these are dropped first, as
nothing says when such a client is gone."""
PATIENCE = 2.0
"""Seconds for a client to accept a notification; a slower client is unsubscribed."""


class Subscribers:
    """The subscribers of each resource."""

    def __init__(self, publish_change: Callable[[Change], Awaitable[None]] | None = None) -> None:
        self.publish_change = publish_change
        """Notifies other servers of a change, for the subscribers there; None if there are no other servers."""
        self.bus = InMemorySubscriptionBus()
        self.handler = ListenHandler(self.bus)
        self.changes = 0
        """The number of changes made here or reported by other servers: earlier search results may be outdated."""
        self.listening_clients = 0
        """The clients that listen (2026-07-28), some of them to no address."""
        self._listened_to: Counter[str] = Counter()
        self.subscriptions: OrderedDict[tuple[int, str], ServerSession] = OrderedDict()
        """The sessions with a subscription (older protocols), by connection and address, the oldest first."""

    def uris(self) -> list[str]:
        """All addresses with a subscriber."""
        return sorted({*self._listened_to, *(uri for _, uri in self.subscriptions)})

    def listening(self, uris: list[str]) -> None:
        """Add the addresses of a client that began to listen (2026-07-28)."""
        self.listening_clients += 1
        self._listened_to.update(uris)

    def unsubscribe(self, uris: list[str]) -> None:
        """Remove the addresses of a client that stopped listening (2026-07-28)."""
        self.listening_clients -= 1
        self._listened_to.subtract(uris)
        self._listened_to = +self._listened_to

    def add(self, session: ServerSession, uri: str) -> None:
        """Add a subscription (older protocols)."""
        self.subscriptions[_connection_id(session), uri] = session
        while len(self.subscriptions) > MOST_SUBSCRIPTIONS:
            self.subscriptions.popitem(last=False)

    def drop(self, session: ServerSession, uri: str) -> None:
        """Remove a subscription (older protocols)."""
        self.subscriptions.pop((_connection_id(session), uri), None)

    async def publish(self, uris: Collection[str]) -> None:
        """Notify the subscribers of these addresses."""
        for uri in sorted(uris):
            await self.bus.publish(ResourceUpdated(uri))
        found: dict[int, list[tuple[ServerSession, str]]] = {}
        for (connection, uri), session in self.subscriptions.items():
            if uri in uris:
                found.setdefault(connection, []).append((session, uri))
        async with anyio.create_task_group() as group:
            for connection, subscribed in found.items():
                group.start_soon(self._notify, connection, subscribed)

    async def _notify(self, connection: int, subscribed: list[tuple[ServerSession, str]]) -> None:
        with anyio.move_on_after(PATIENCE) as patience:
            for session, uri in subscribed:
                await session.send_resource_updated(uri)
        if patience.cancelled_caught:
            # Otherwise every later change would wait for this client.
            others = [(key, session) for key, session in self.subscriptions.items() if key[0] != connection]
            self.subscriptions = OrderedDict(others)


def _connection_id(session: ServerSession) -> int:
    # A session is made for each request; the parameters of a connection's initialize stay the same.
    return id(session.client_params or session)
