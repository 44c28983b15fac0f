"""What the servers of one account share when there are several. A server alone has all of it to itself."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from zoho_mcp.policy.approvals import ApprovalStore
from zoho_mcp.server.delivery.claims import Claims

if TYPE_CHECKING:
    from zoho_mcp.server.context import ServerContext

Change = Mapping[str, set[str]]
"""The ids that a change is about, by kind; a kind that is missing or empty: it may be any."""


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

    def running(self, app: "ServerContext") -> AbstractAsyncContextManager[None]:
        """For the server's lifespan; `app` hears what the others changed."""
        ...

    async def pass_on(self, touched: Change) -> None:
        """Tell the others of a change."""
        ...
