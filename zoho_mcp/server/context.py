"""What all calls of a server share."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp.server.context import ServerRequestContext

from zoho_mcp.approval_page.loopback import PageServer
from zoho_mcp.audit.log import Audit
from zoho_mcp.errors import AuthError, OutcomeUnknownError
from zoho_mcp.policy.approvals import ApprovalStore
from zoho_mcp.policy.grants import EVERYTHING, Grant
from zoho_mcp.policy.rules import Policy
from zoho_mcp.server.completion.search import CompletionSearch
from zoho_mcp.server.delivery.claims import Claims
from zoho_mcp.server.delivery.reconcile import Attempt, reconcile
from zoho_mcp.server.resources.subscribers import Subscribers
from zoho_mcp.settings import Settings
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE
from zoho_mcp.zoho.request import Request, build

ORGANIZATION = "organization"
"""The argument that every tool has where several organisations are allowed."""
working_in: ContextVar[str] = ContextVar("working_in", default="")
"""The organisation of the call under way, for the requests that it takes besides its own. Set per call, never kept."""


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The parts of a running server."""

    settings: Settings
    catalog: Catalog
    offered: Mapping[str, Operation]
    """The tools this server lists and runs; a part of the catalog."""
    client: ZohoClient
    checker: ArgumentChecker
    approvals: ApprovalStore
    claims: Claims
    converting: AbstractAsyncContextManager[object]
    """Held while an estimate becomes an invoice."""
    policy: Policy
    audit: Audit
    page: PageServer
    subscribers: Subscribers
    completion_search: CompletionSearch
    """What was found for completions, a few seconds ago."""
    public_page: str = ""
    """Where those who log in from elsewhere decide; empty where there is no such page."""
    grant: Grant = EVERYTHING
    """What the caller may do at most; `offered` is less by it already."""

    @property
    def organizations(self) -> tuple[str, ...]:
        """Those of the server's organisations that the caller may work in."""
        granted = self.grant.organizations
        return tuple(one for one in self.settings.organizations if not granted or one in granted)

    async def run(self, name: str, arguments: Mapping[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
        """Send the request of a catalog operation as it is; Zoho's envelope. Asks nobody.

        Of a change whose answer is lost, it finds out by reading what became of it, and never sends it again.
        """
        operation = self.catalog.operations[name]
        rest = {key: value for key, value in arguments.items() if key != ORGANIZATION}
        sent = Attempt(operation, rest, self.client.clock(), self.client.skew)
        try:
            payload = await self.send(self.request(operation, arguments), patience)
        except OutcomeUnknownError as problem:
            payload = await reconcile(self, sent, problem)
        assert isinstance(payload, dict)
        if name == "list_organizations" and self.grant.organizations:
            rows: list[dict[str, Any]] = payload["organizations"]
            payload["organizations"] = [row for row in rows if str(row["organization_id"]) in self.grant.organizations]
        made = payload.get(operation.answer.key)
        if operation.http.method == "POST" and isinstance(made, dict):
            own_id = cast("dict[str, Any]", made).get(f"{operation.answer.key}_id")
            if own_id:
                await self.claims.record_created(str(own_id))
        return payload

    def request(self, operation: Operation, arguments: Mapping[str, Any]) -> Request:
        """The request of an operation, for the organisation that the arguments, or else the call under way, name."""
        rest = dict(arguments)
        named = rest.pop(ORGANIZATION, "")
        return replace(build(operation, rest), organization_id=named)

    async def send(self, request: Request, patience: float = PATIENCE) -> dict[str, Any] | bytes:
        """Send a request, for the organisation of the call under way unless it names another."""
        organization = request.organization_id or working_in.get()
        if organization in self.settings.organizations and organization not in self.organizations:
            raise AuthError(f"The owner's policy does not let you work in the organisation {organization}.")
        return await self.client.send(replace(request, organization_id=organization), patience)

    def organization_of(self, arguments: Mapping[str, Any]) -> str:
        """Whose books a call is about."""
        return str(arguments.get(ORGANIZATION) or working_in.get() or self.settings.organization_id)

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
            zone = ZoneInfo(zones.get(self.organization_of({})) or "")
        except (ZoneInfoNotFoundError, ValueError):
            zone = None
        return datetime.now(zone).date()


RequestContext = ServerRequestContext[ServerContext]
"""What a handler gets."""
