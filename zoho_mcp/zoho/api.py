"""Runs operations of the catalog against Zoho, for one organisation at a time. Knows nothing of MCP."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zoho_mcp.errors import AuthError
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE
from zoho_mcp.zoho.request import Request, build

Envelope = dict[str, Any]
"""Zoho's response to a request: `{"code": 0, "message": …, <key>: …}`, amounts as Decimal."""
ORGANIZATION = "organization"
"""The argument that every operation has where several organisations are configured."""


@dataclass(frozen=True, slots=True)
class ZohoApi:
    """The operations of a catalog, for one organisation. Each method raises the errors of `zoho_mcp.errors`.

    Attributes:
        granted: the organisations that the caller may work in; empty: all that are configured.
        organization_id: the organisation of all requests that name no other; empty: the only one configured.
    """

    catalog: Catalog
    client: ZohoClient
    granted: tuple[str, ...] = ()
    organization_id: str = ""

    def within(self, organization_id: str) -> "ZohoApi":
        """The same for another organisation; for an empty id, the same."""
        return replace(self, organization_id=organization_id) if organization_id else self

    @property
    def organizations(self) -> tuple[str, ...]:
        """The configured organisations that the caller may work in."""
        configured = self.client.organizations
        return tuple(one for one in configured if not self.granted or one in self.granted)

    @property
    def books(self) -> str:
        """The organisation's id, also where only one is configured and no request names it."""
        return self.organization_id or self.client.settings.organization_id

    def request(self, operation: Operation, arguments: Mapping[str, Any]) -> Request:
        """The request of an operation, for the organisation that the arguments name, else this one."""
        rest = dict(arguments)
        organization_id = rest.pop(ORGANIZATION, "") or self.organization_id
        return replace(build(operation, rest), organization_id=organization_id)

    async def send(self, request: Request, wait: float = PATIENCE) -> Envelope | bytes:
        """Send a request; `wait`: seconds that it may wait for its turn within Zoho's limits.

        Raises AuthError for an organisation that the caller may not work in.
        """
        organization_id = request.organization_id or self.organization_id
        if self.granted and organization_id in set(self.client.organizations) - set(self.granted):
            raise AuthError(f"The owner's policy does not let you work in the organisation {organization_id}.")
        if request.organization_id != organization_id:
            request = replace(request, organization_id=organization_id)
        return await self.client.send(request, wait)

    async def run(self, name: str, arguments: Mapping[str, Any], wait: float = PATIENCE) -> Envelope:
        """Send the request of an operation whose response is an envelope. Asks nobody, and sends it once."""
        payload = await self.send(self.request(self.catalog.operations[name], arguments), wait)
        assert isinstance(payload, dict)
        if self.granted and name == "list_organizations":
            rows: list[dict[str, Any]] = payload["organizations"]
            payload["organizations"] = [row for row in rows if str(row["organization_id"]) in self.granted]
        return payload

    async def record(self, name: str, arguments: Mapping[str, Any], wait: float = PATIENCE) -> dict[str, Any]:
        """The record that a read operation gives, taking of `arguments` only those it knows."""
        operation = self.catalog.operations[name]
        known = operation.input.get("properties", {})
        envelope = await self.run(name, {key: value for key, value in arguments.items() if key in known}, wait)
        return envelope[operation.answer.key]

    async def organization(self) -> Mapping[str, Any]:
        """This organisation as Zoho lists it; empty when it is not one of the account's."""
        rows: list[dict[str, Any]] = (await self.run("list_organizations", {}))["organizations"]
        return next((row for row in rows if str(row.get("organization_id")) == self.books), dict[str, Any]())

    async def zone(self) -> ZoneInfo | None:
        """The organisation's time zone; None, for this machine's, where it names none we know."""
        try:
            return ZoneInfo(str((await self.organization()).get("time_zone") or ""))
        except (ZoneInfoNotFoundError, ValueError):
            return None

    async def today(self) -> date:
        """The organisation's date, by its time zone."""
        return datetime.now(await self.zone()).date()
