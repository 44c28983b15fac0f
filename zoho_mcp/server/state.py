"""What all calls of a server share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio
from mcp.server.context import ServerRequestContext

from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.policy.audit import Audit
from zoho_mcp.policy.rules import Policy
from zoho_mcp.server.page_server import PageServer
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
    converting: anyio.Lock
    """Held while an estimate becomes an invoice."""
    policy: Policy
    audit: Audit
    page: PageServer

    async def run(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Send the request of a catalog operation as it is; Zoho's envelope. Asks nobody."""
        payload = await self.client.send(build(self.catalog.operations[name], arguments))
        assert isinstance(payload, dict)
        return payload

    async def record(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a read operation gives, taking of `arguments` only those it knows."""
        operation = self.catalog.operations[name]
        known = operation.input.get("properties", {})
        payload = await self.run(name, {key: value for key, value in arguments.items() if key in known})
        return payload[operation.answer.key]

    async def today(self) -> date:
        """The organisation's date, by its time zone; this machine's where the organisation names none we know."""
        organizations = await self.run("list_organizations", {})
        zones = {str(one["organization_id"]): one.get("time_zone") for one in organizations["organizations"]}
        try:
            zone = ZoneInfo(zones.get(self.settings.organization_id) or "")
        except (ZoneInfoNotFoundError, ValueError):
            zone = None
        return datetime.now(zone).date()


Context = ServerRequestContext[App]
"""What a handler gets."""
