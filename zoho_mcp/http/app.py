"""Puts the HTTP server together: the SDK's app for both eras of the protocol, behind who and what may come in."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from zoho_mcp.http.about import CARD, CATALOG, about_routes, explained
from zoho_mcp.http.guard import BODY_WITHIN, LARGEST_BODY, guarded
from zoho_mcp.http.health import HEALTHZ, READYZ, ActiveRequests, Check, health_routes
from zoho_mcp.http.identity import Identity, auth_settings, identity
from zoho_mcp.http.page import ApprovalSite
from zoho_mcp.http.settings import PATH, HttpSettings
from zoho_mcp.http.shares import MOST_PER_CALLER, SessionShares
from zoho_mcp.policy.approvals import ApprovalStore
from zoho_mcp.server.context import ServerContext

IDLE = 30 * 60.0
"""Seconds after which a session of an older client that does nothing is forgotten."""
MOST_SESSIONS = 1000


def create_app(
    server: Server[ServerContext],
    http: HttpSettings,
    *,
    work: ActiveRequests,
    who: Identity | None = None,
    approvals: ApprovalStore | None = None,
    key: bytes | None = None,
    checks: Sequence[Check] = (),
    within: float = BODY_WITHIN,
    may_use: Callable[[str], bool] = lambda caller: True,
    most_sessions: int = MOST_PER_CALLER,
) -> ASGIApp:
    """The ASGI app for a server that is reached as `http` says, with `http.port` the one that is really bound.

    With `approvals`, the server's own, people decide on a page of this app where `http` has one; `key`: 32 random bytes
    that servers share which take each other's forms.
    `who` says whom to let in, if not as `http` says; `checks` whether it is ready; `within`: seconds for a
    request's body; `may_use`: whether a caller may use the server at all; `most_sessions`: of each caller.
    """
    server.middleware.insert(0, work)
    who = who or identity(http)
    if who.issued is not None:
        checks = (*checks, who.issued.issuer.ready)
    pages: list[Route] = []
    if approvals is not None and http.page:
        pages = ApprovalSite(approvals, http, who, key or secrets.token_bytes(32)).routes()
    security = TransportSecuritySettings(allowed_hosts=http.answered_hosts, allowed_origins=http.answered_origins)
    app: ASGIApp = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=LARGEST_BODY,
        session_idle_timeout=IDLE,
        max_sessions=MOST_SESSIONS,
        transport_security=security,
        auth=auth_settings(http),
        token_verifier=who.verifier,
        custom_starlette_routes=[*health_routes(work, tuple(checks)), *about_routes(http), *pages],
    )
    app = SessionShares(app, partial(_caller, who), may_use, most_sessions)
    if http.knows_callers:
        app = explained(app, http)
    if http.origins:
        app = _for_scripts(app, http)
    # Cards are for scripts of every page.
    cards = (CARD, CATALOG) if http.public_url else ()
    return guarded(
        app, security, work, open_paths=(HEALTHZ, READYZ, *cards), within=within, knows_callers=who.verifier is not None
    )


async def _caller(who: Identity, token: str) -> str | None:
    """The principal of a token; None if there is none (the SDK's app then refuses). Without logins, all are one."""
    if who.verifier is None:
        return ""
    known = await who.verifier.verify_token(token) if token else None
    return None if known is None else known.subject or known.client_id


def _for_scripts(app: ASGIApp, http: HttpSettings) -> ASGIApp:
    """Lets the scripts of named pages read the answers. No cookie counts here: who calls says so in a header."""
    return CORSMiddleware(
        app,
        allow_origins=http.origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("mcp-session-id", "www-authenticate"),
    )
