"""What all calls of a server share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.context import ServerRequestContext

from zoho_mcp.errors import OutcomeUnknownError
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.server.memory import Memory
from zoho_mcp.server.outcome import Sent, settle
from zoho_mcp.settings import Settings
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import build


@dataclass(frozen=True, slots=True)
class App:
    """The parts of a running server."""

    settings: Settings
    catalog: Catalog
    offered: Mapping[str, Operation]
    """The tools this server lists and runs; a part of the catalog."""
    client: ZohoClient
    checker: ArgumentChecker
    approvals: Approvals
    memory: Memory

    async def run(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Send the request of a catalog operation as it is; Zoho's envelope. Asks nobody.

        Of a change whose answer is lost, it finds out by reading what became of it, and never sends it again.
        """
        operation = self.catalog.operations[name]
        sent = Sent(operation, arguments, self.client.clock())
        try:
            payload = await self.client.send(build(operation, arguments))
        except OutcomeUnknownError as problem:
            payload = await settle(self, sent, problem)
        assert isinstance(payload, dict)
        if operation.http.method == "POST" and isinstance(record := payload.get(operation.answer.key), dict):
            self.memory.made(cast("dict[str, Any]", record), operation.answer.key)
        return payload

    async def record(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a read operation gives, taking of `arguments` only those it knows."""
        operation = self.catalog.operations[name]
        known = operation.input.get("properties", {})
        payload = await self.run(name, {key: value for key, value in arguments.items() if key in known})
        return payload[operation.answer.key]


Context = ServerRequestContext[App]
"""What a handler gets."""
