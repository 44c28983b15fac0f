"""Assembles the HTTP server: the SDK's app for both eras of the protocol, behind the checks of callers and requests."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from zoho_mcp.http.about import CARD, CATALOG, about_routes, explained
from zoho_mcp.http.approval_page import ApprovalSite
from zoho_mcp.http.guard import BODY_TIMEOUT, MAX_BODY, RequestGuard
from zoho_mcp.http.health import HEALTHZ, READYZ, ActiveRequests, Check, health_routes
from zoho_mcp.http.identity import Identity, auth_settings, identity
from zoho_mcp.http.sessions import MAX_PER_CALLER, SessionShares
from zoho_mcp.http.settings import PATH, HttpSettings
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.server.context import ServerContext

IDLE = 30 * 60.0
"""Seconds after which an idle session of an older client is closed."""
MAX_SESSIONS = 1000


def create_app(
    server: Server[ServerContext],
    http: HttpSettings,
    *,
    active: ActiveRequests,
    who: Identity | None = None,
    approvals: Approvals | None = None,
    key: bytes | None = None,
    checks: Sequence[Check] = (),
    within: float = BODY_TIMEOUT,
    may_use: Callable[[str], bool] = lambda caller: True,
    max_sessions: int = MAX_PER_CALLER,
) -> ASGIApp:
    """The ASGI app of a server.

    Args:
        http: the settings, with the port that is really bound.
        active: counts the requests in progress.
        who: decides who is let in; by default as `http` says.
        approvals: the server's own; people decide about them on a page of this app if `http` has one.
        key: 32 random bytes. Servers that share it accept each other's forms and logins.
        checks: whether the server is ready.
        within: seconds for the body of a request.
        may_use: whether a caller may use the server at all.
        max_sessions: of each caller.
    """
    server.middleware.insert(0, active)
    who = who or identity(http)
    if who.issued is not None:
        checks = (*checks, who.issued.issuer.ready)
    routes = [*health_routes(active, tuple(checks)), *about_routes(http)]
    if approvals is not None and http.page:
        routes += ApprovalSite(approvals, http, who, key or secrets.token_bytes(32)).routes()
    security = TransportSecuritySettings(allowed_hosts=http.answered_hosts, allowed_origins=http.answered_origins)
    app = SessionShares(_mcp_app(server, http, who, security, routes), partial(_caller, who), may_use, max_sessions)
    if http.knows_callers:
        app = explained(app, http)
    if http.origins:
        app = _for_scripts(app, http)
    # Monitoring uses the IP address, and scripts of every page may read the card.
    open_paths = (HEALTHZ, READYZ, CARD, CATALOG) if http.public_url else (HEALTHZ, READYZ)
    knows_callers = who.verifier is not None
    return RequestGuard(app, security, active, open_paths=open_paths, within=within, knows_callers=knows_callers)


def _mcp_app(
    server: Server[ServerContext],
    http: HttpSettings,
    who: Identity,
    security: TransportSecuritySettings,
    routes: list[Route],
) -> ASGIApp:
    return server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=MAX_BODY,
        session_idle_timeout=IDLE,
        max_sessions=MAX_SESSIONS,
        transport_security=security,
        auth=auth_settings(http),
        token_verifier=who.verifier,
        custom_starlette_routes=routes,
    )


async def _caller(who: Identity, token: str) -> str | None:
    """The principal of a token; None for an invalid one, which the SDK's app refuses. Without logins, always empty."""
    if who.verifier is None:
        return ""
    known = await who.verifier.verify_token(token) if token else None
    return None if known is None else known.subject or known.client_id


def _for_scripts(app: ASGIApp, http: HttpSettings) -> ASGIApp:
    """Lets scripts of the configured pages read the answers. Callers are known by a header, never by a cookie."""
    return CORSMiddleware(
        app,
        allow_origins=http.origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("mcp-session-id", "www-authenticate"),
    )
