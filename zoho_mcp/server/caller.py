"""Who is calling: the client, and over HTTP the principal that was authenticated."""

from mcp.server.auth.middleware.auth_context import get_access_token

from zoho_mcp.server.state import Context

_LONGEST = 100


def client_of(ctx: Context) -> str:
    """Name and version of the client, as it says itself; empty when it says nothing."""
    info = ctx.session.client_params.client_info if ctx.session.client_params is not None else None
    text = "" if info is None else f"{info.name} {info.version}".strip()
    return "".join(sign for sign in text if sign.isprintable())[:_LONGEST]


def principal_of(ctx: Context) -> str | None:
    """Whom the token of this request stands for; None on stdio, where the caller is the user of this machine."""
    token = get_access_token()
    return None if token is None else token.subject or token.client_id
