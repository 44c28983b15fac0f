"""What the servers of one account share when there are several. A server alone has all of it to itself."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from zoho_mcp.policy.approvals import ApprovalStore
from zoho_mcp.server.delivery.claims import Claims
from zoho_mcp.server.resources.change import Change


class Replication(Protocol):
    """The parts that a server does not make for itself."""

    @property
    def approvals(self) -> ApprovalStore:
        """The questions that wait for a person."""
        ...

    @property
    def claims(self) -> Claims:
        """What is being written, and was a short while ago."""
        ...

    @property
    def converting(self) -> AbstractAsyncContextManager[object]:
        """Held while an estimate becomes an invoice."""
        ...

    @property
    def key(self) -> bytes:
        """32 bytes that seal what clients carry from one server to another."""
        ...

    def running(self, hear: Callable[[Change], Awaitable[None]]) -> AbstractAsyncContextManager[None]:
        """For the server's lifespan; `hear` gets the changes of other replicas."""
        ...

    async def pass_on(self, touched: Change) -> None:
        """Tell the others of a change."""
        ...
