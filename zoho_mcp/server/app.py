"""Builds a server from its parts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import anyio
import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

from zoho_mcp import __version__
from zoho_mcp.approval_page.server import PageServer
from zoho_mcp.audit.before_values import BeforeValues
from zoho_mcp.audit.log import Audit
from zoho_mcp.pages.browser import OpenBrowser, open_browser
from zoho_mcp.policy.approvals import LIFETIME, Approvals
from zoho_mcp.policy.load import load_policy
from zoho_mcp.policy.rules import Policy
from zoho_mcp.server.completion.search import CompletionSearch
from zoho_mcp.server.confirmation.client_memory import ClientMemory
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.claims import Claims
from zoho_mcp.server.delivery.sqlite_claims import SqliteClaims
from zoho_mcp.server.icon import ICON
from zoho_mcp.server.middleware import requests
from zoho_mcp.server.middleware.grants import GrantMiddleware
from zoho_mcp.server.prompts import handlers as prompts
from zoho_mcp.server.prompts import skills
from zoho_mcp.server.prompts.instructions import instructions
from zoho_mcp.server.replication import Replication
from zoho_mcp.server.resources import subscriptions
from zoho_mcp.server.resources.subscribers import Subscribers
from zoho_mcp.server.resources.uris import LASTING
from zoho_mcp.server.tools.offered import for_organizations, list_tools, offered, with_token
from zoho_mcp.settings import Settings
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.model import Catalog
from zoho_mcp.zoho.client import ZohoApi, ZohoClient

NAME = "zoho-invoice-mcp"
WEBSITE = "https://github.com/zoho-invoice-mcp/zoho-invoice-mcp"
# Lists are fixed while the server runs; what is read may change at any moment, also by others.
_LASTING = CacheHint(ttl_ms=LASTING, scope="private")
_CACHE_HINTS: dict[CacheableMethod, CacheHint] = {
    "tools/list": _LASTING,
    "prompts/list": _LASTING,
    "resources/templates/list": _LASTING,
    "server/discover": _LASTING,
}


def create_server(
    settings: Settings,
    catalog: Catalog,
    client: ZohoClient,
    *,
    approvals: Approvals | None = None,
    shared: Replication | None = None,
    browser: OpenBrowser = open_browser,
    public_page: str = "",
) -> Server[ServerContext]:
    """An MCP server for any transport. The server closes `client` when it stops. `browser` shows approval pages;
    logged-in callers find them below `public_page`. `shared`: what it shares with other servers of the same account, if
    any.

    Raises SettingsError if the policy file is wrong.
    """
    catalog = for_organizations(catalog, settings)
    policy = policy_for(settings, catalog)
    approvals = approvals or (shared.approvals if shared else Approvals())
    subscribers = Subscribers(shared.publish_change if shared else None)
    app = ServerContext(
        settings=settings,
        catalog=catalog,
        offered=with_token(offered(catalog, settings), settings),
        api=ZohoApi(catalog, client),
        checker=ArgumentChecker(catalog),
        approvals=approvals,
        page=PageServer(approvals, browser),
        claims=shared.claims if shared else _claims(settings, client),
        converting=shared.converting if shared else anyio.Lock(),
        policy=policy,
        subscribers=subscribers,
        completion_search=CompletionSearch(client.clock, subscribers),
        audit=Audit(settings.audit_file),
        before_values=BeforeValues(settings.audit_file),
        client_memory=ClientMemory(settings.clients_file, client.clock),
        public_page=public_page,
    )
    server = _sdk_server(app, shared)
    # `requests.trace` replaces the SDK's own span, which quotes text from the client.
    grants = [GrantMiddleware()] if policy.grants else []
    server.middleware[:] = [requests.trace, *grants, requests.watch_confirmations, _boundary(shared)]
    return server


def policy_for(settings: Settings, catalog: Catalog) -> Policy:
    """The policy that the settings name. Raises SettingsError if its file is wrong."""
    return load_policy(
        catalog, file=settings.policy_file, users_file=settings.users_policy_file, confirm=settings.confirm
    )


def _claims(settings: Settings, client: ZohoClient) -> Claims:
    """The claims shared by the user's servers, or those of this process if there is no folder for them."""
    if not settings.claims_file:
        return Claims(settings.repeat_window, client.clock)
    scope = settings.api_url or settings.data_centre
    return SqliteClaims(Path(settings.claims_file), scope, settings.repeat_window, client.clock)


def _boundary(shared: Replication | None) -> RequestStateBoundary:
    """Binds the state of an open question to its request and arguments, for five minutes."""
    sealed = RequestStateSecurity(keys=[shared.key], ttl=LIFETIME) if shared else None
    return RequestStateBoundary(sealed or RequestStateSecurity.ephemeral(ttl=LIFETIME), default_audience=NAME)


def _sdk_server(app: ServerContext, shared: Replication | None) -> Server[ServerContext]:
    """The SDK's server with our handlers, without middleware."""

    @asynccontextmanager
    async def lifespan(_: Server[ServerContext]) -> AsyncGenerator[ServerContext]:
        await anyio.to_thread.run_sync(app.before_values.prune)
        try:
            on_change = partial(subscriptions.notify_of_other, app)
            async with shared.running(on_change) if shared else nullcontext(), app.page.running():
                yield app
        finally:
            app.subscribers.handler.close()
            await app.api.client.aclose()

    server = Server(
        NAME,
        version=__version__,
        title="Zoho Invoice",
        description="Invoices, payments, estimates and customers of a small business on Zoho Invoice or Zoho Books",
        website_url=WEBSITE,
        icons=[ICON],
        instructions=instructions(app.offered, app.catalog),
        cache_hints=_CACHE_HINTS,
        # No argument is repeated in a header. Without this, the SDK would list all tools at each call to find out.
        get_tool_input_schema=lambda name: None,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=requests.call_tool,
        on_list_resources=requests.list_resources,
        on_list_resource_templates=requests.list_templates,
        on_read_resource=requests.read_resource,
        on_subscribe_resource=subscriptions.subscribe,
        on_unsubscribe_resource=subscriptions.unsubscribe,
        on_subscriptions_listen=subscriptions.listen,
        on_list_prompts=prompts.list_prompts,
        on_get_prompt=prompts.get_prompt,
        on_completion=requests.complete,
    )
    # The SDK does not know this extension, but it can add its methods.
    server.extensions[skills.EXTENSION] = {}
    server.add_request_handler("skills/list", types.PaginatedRequestParams, skills.list_skills)
    server.add_request_handler("skills/get", skills.GetSkillParams, skills.get_skill)
    return server
