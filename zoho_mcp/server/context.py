"""The parts of a running server that all requests share."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from mcp.server.context import ServerRequestContext

from zoho_mcp.approval_page.server import PageServer
from zoho_mcp.audit.before_values import BeforeValues
from zoho_mcp.audit.log import Audit
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.policy.rules import Policy
from zoho_mcp.server.completion.search import CompletionSearch
from zoho_mcp.server.confirmation.client_memory import ClientMemory
from zoho_mcp.server.delivery.claims import Claims
from zoho_mcp.server.resources.subscribers import Subscribers
from zoho_mcp.settings import Settings
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoApi

SCHEME = "zoho-invoice://"
"""The URI scheme of resources."""


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The parts as one caller sees them.

    Attributes:
        offered: the tools to list and run, a part of the catalog; fewer if a grant limits the caller.
        api: Zoho, for the organisation of the request.
        converting: held while an estimate is converted to an invoice.
        base_uri: the beginning of resource URIs for the organisation of the request.
        public_page: the URL below which logged-in people decide on approvals; empty without such a page.
    """

    settings: Settings
    catalog: Catalog
    offered: Mapping[str, Operation]
    api: ZohoApi
    checker: ArgumentChecker
    approvals: Approvals
    claims: Claims
    converting: AbstractAsyncContextManager[object]
    policy: Policy
    audit: Audit
    before_values: BeforeValues
    page: PageServer
    subscribers: Subscribers
    completion_search: CompletionSearch
    client_memory: ClientMemory
    public_page: str = ""
    base_uri: str = SCHEME

    def within(self, organization_id: str) -> "ServerContext":
        """The context for another organisation; this context if the id is empty."""
        if not organization_id:
            return self
        several = len(self.api.client.organizations) > 1
        base_uri = f"{SCHEME}organizations/{organization_id}/" if several else SCHEME
        return replace(self, api=self.api.within(organization_id), base_uri=base_uri)


RequestContext = ServerRequestContext[ServerContext]
"""The context passed to handlers."""
