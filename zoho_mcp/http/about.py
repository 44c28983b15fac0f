"""Public information about this server: a page at `/`, its server card (SEP-2127), and how to get a token.

None of it is private: no account, no organisation, no names of users.
"""

import json

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoho_mcp import __version__
from zoho_mcp.http.settings import PATH, HttpSettings
from zoho_mcp.pages.html import fill, whole_page
from zoho_mcp.pages.requests import HEADERS

CARD = f"{PATH}/server-card"
CATALOG = "/.well-known/mcp/catalog.json"
_NAMESPACE, _NAME = "io.github.zoho-invoice-mcp", "zoho-invoice-mcp"
_TITLE = "Zoho Invoice"
_DESCRIPTION = "Invoicing on Zoho Invoice or Zoho Books; a person is asked before anything is lost."
_REPOSITORY = "https://github.com/zoho-invoice-mcp/zoho-invoice-mcp"
_CARD_TYPE = "application/mcp-server-card+json"
_MODERN_VERSION = "2026-07-28"
_PUBLIC = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Content-Type",
    "cache-control": "public, max-age=3600",
}


def about_routes(http: HttpSettings) -> list[Route]:
    """The route of the page; with a public address, also those of the card and of the catalog that leads to it."""

    async def page(_: Request) -> Response:
        return HTMLResponse(_page(http), headers=dict(HEADERS))

    async def card(_: Request) -> Response:
        return JSONResponse(_card(http), headers=_PUBLIC, media_type=_CARD_TYPE)

    async def catalog(_: Request) -> Response:
        return JSONResponse(_catalog(http), headers=_PUBLIC)

    routes = [Route("/", page, methods=["GET"])]
    if http.public_url:
        routes += [Route(CARD, card, methods=["GET"]), Route(CATALOG, catalog, methods=["GET"])]
    return routes


def how_to_log_in(http: HttpSettings) -> str:
    """How a caller gets a token, in one or two sentences."""
    if http.issuer:
        return f"Log in at {http.issuer}; apps find it through the WWW-Authenticate header."
    if http.tokens:
        return (
            "Ask the person who runs this server for a token (zoho-invoice-mcp token add NAME). Send it in the header "
            "Authorization: Bearer TOKEN."
        )
    return "No login is needed. Only programs on this computer can connect."


def explained(app: ASGIApp, http: HttpSettings) -> ASGIApp:
    """`app`, with a 401 at the MCP address that says how to get a token."""
    text = {"error": "invalid_token", "error_description": f"A valid token is needed. {how_to_log_in(http)}"}
    body = json.dumps(text).encode()
    replaced = (b"content-type", b"content-length")

    async def explain(scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def send_explained(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 401:
                refused = True
                headers = [pair for pair in message["headers"] if pair[0].lower() not in replaced]
                headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
                await send({**message, "headers": headers})
                await send({"type": "http.response.body", "body": body})
            elif not refused:
                await send(message)

        await app(scope, receive, send_explained if scope.get("path") == PATH else send)

    return explain


def _page(http: HttpSettings) -> str:
    body = fill(
        "http",
        "about.html",
        title=_TITLE,
        address=http.resource,
        login=how_to_log_in(http),
        repository=_REPOSITORY,
    )
    return whole_page(_TITLE, body)


def _card(http: HttpSettings) -> dict[str, object]:
    remote: dict[str, object] = {
        "type": "streamable-http",
        "url": http.resource,
        "supportedProtocolVersions": [*HANDSHAKE_PROTOCOL_VERSIONS, _MODERN_VERSION],
    }
    if http.tokens and not http.issuer:
        remote["headers"] = [
            {"name": "Authorization", "description": how_to_log_in(http), "isRequired": True, "isSecret": True}
        ]
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json",
        "name": f"{_NAMESPACE}/{_NAME}",
        "version": __version__,
        "title": _TITLE,
        "description": _DESCRIPTION,
        "websiteUrl": _REPOSITORY,
        "repository": {"url": _REPOSITORY, "source": "github"},
        "remotes": [remote],
    }


def _catalog(http: HttpSettings) -> dict[str, object]:
    """The index that leads from a domain to the card."""
    publisher = ".".join(reversed(_NAMESPACE.split(".")))
    entry = {
        "identifier": f"urn:air:{publisher}:{_NAME}",
        "displayName": _TITLE,
        "type": _CARD_TYPE,
        "url": http.url + CARD,
    }
    return {"specVersion": "draft", "entries": [entry]}
