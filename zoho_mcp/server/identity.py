"""Who is calling: the client, over HTTP the principal that was authenticated, and which of its calls this is."""

from mcp.server.auth.middleware.auth_context import get_access_token

from zoho_mcp.server.context import RequestContext
from zoho_mcp.text import clean

_LONGEST = 60


def client_of(ctx: RequestContext) -> str:
    """What the client calls itself, with its version: its own words, made harmless to show; empty when it says none."""
    info = ctx.session.client_params.client_info if ctx.session.client_params is not None else None
    words = f"{info.title or info.name} {info.version}" if info is not None else ""
    return clean(words, _LONGEST)


def principal_of(ctx: RequestContext) -> str | None:
    """Whom the token of this request stands for; None on stdio, where the caller is the user of this machine."""
    token = get_access_token()
    return None if token is None else token.subject or token.client_id


def call_of(ctx: RequestContext, request_id: object) -> str:
    """One call of one client, as far as that can be known: without sessions, ids of two clients can be the same."""
    session = ctx.request.headers.get("mcp-session-id", "") if ctx.request is not None else ""
    return f"{principal_of(ctx) or ''}|{session}|{request_id}"
