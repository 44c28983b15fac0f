"""The parts that several servers of one account share. A single server has its own."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.server.delivery.claims import Claims
from zoho_mcp.server.resources.subscribers import Change


class Replication(Protocol):
    """The parts that a server does not make for itself."""

    @property
    def approvals(self) -> Approvals:
        """The questions waiting for a person."""
        ...

    @property
    def claims(self) -> Claims:
        """The running and recent changes."""
        ...

    @property
    def converting(self) -> AbstractAsyncContextManager[object]:
        """Held while an estimate is converted to an invoice."""
        ...

    @property
    def key(self) -> bytes:
        """32 bytes that seal the state that clients carry from one server to another."""
        ...

    def running(self, on_change: Callable[[Change], Awaitable[None]]) -> AbstractAsyncContextManager[None]:
        """A context for the server's lifetime. `on_change` receives the changes of other replicas."""
        ...

    async def publish_change(self, change: Change) -> None:
        """Notify the other replicas of a change."""
        ...
