"""What `doctor` learns from Zoho: a token, the organisations, one read in the one that is set, and the headers."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx

from zoho_mcp.connect.account import connection
from zoho_mcp.connect.organizations import fitting
from zoho_mcp.errors import UnavailableError, ZohoMcpError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.specs.model import Catalog
from zoho_mcp.zoho.oauth.grant_state import Token
from zoho_mcp.zoho.oauth.scopes import usable
from zoho_mcp.zoho.oauth.tokens import TokenSource
from zoho_mcp.zoho.request import ORGANIZATIONS, Request
from zoho_mcp.zoho.response import Response, decode
from zoho_mcp.zoho.transport import ZohoAuth

TIMEOUT = 30.0
"""Seconds for one answer of Zoho's."""


@dataclass
class Visit:
    """The results."""

    token: Token | None = None
    token_problem: ZohoMcpError | None = None
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Organisations: number to name."""
    numbers: tuple[str, ...] = ()
    """Numbers of the organisations in the settings."""
    organization_problem: ZohoMcpError | None = None
    skew: float | None = None
    """Seconds that Zoho's clock is ahead of this one."""
    limit: int = 0
    remaining: int | None = None
    resets_in: int = 0

    @property
    def minutes_left(self) -> int:
        """Remaining minutes of the token."""
        return int(self.token.expires_at - time.time()) // 60 if self.token else 0

    @property
    def listed(self) -> str:
        """The organisations, for a sentence."""
        return ", ".join(f"{number} ({name})" for number, name in self.names.items())


async def visit(settings: Settings, catalog: Catalog) -> Visit:
    """Ask Zoho, with two requests at most. Failures are part of the result."""
    found = Visit()
    async with connection(settings) as http:
        tokens = TokenSource(settings, lambda: http)
        try:
            found.token = await tokens.current()
        except ZohoMcpError as problem:
            found.token_problem = problem
            return found
        try:
            await _organizations(found, settings, catalog, http, ZohoAuth(tokens))
        except ZohoMcpError as problem:
            found.organization_problem = problem
    return found


async def _organizations(
    found: Visit, settings: Settings, catalog: Catalog, http: httpx.AsyncClient, auth: ZohoAuth
) -> None:
    granted = found.token.scopes if found.token else None
    found.numbers = tuple(one for one in settings.organizations if one.isdigit())
    readable = [
        each for each in catalog.operations.values()
        if each.effect == "read" and "{" not in each.http.path and usable(each, catalog, settings.scope_prefix, granted)
    ]  # fmt: skip
    if any(each.scope == ORGANIZATIONS.scope for each in readable):
        envelope = await _read(found, settings, http, auth, ORGANIZATIONS)
        rows = envelope.get("organizations") or ()
        found.names = {str(row.get("organization_id")): str(row.get("name", "")) for row in rows}
        found.numbers = tuple(str(fitting(rows, one)["organization_id"]) for one in settings.organizations)
    inside = next((each for each in readable if not each.http.account), None)
    if inside is not None:
        for number in found.numbers:
            query = (("organization_id", number), ("per_page", "1"))
            await _read(found, settings, http, auth, Request("GET", inside.http.path, query, scope=inside.scope))


async def _read(
    found: Visit, settings: Settings, http: httpx.AsyncClient, auth: ZohoAuth, request: Request
) -> dict[str, Any]:
    domain = settings.api_url or (found.token.api_domain if found.token else "")
    url = f"{domain or DATA_CENTRES[settings.data_centre].api}{settings.base_path}{request.path}"
    extensions = {"zoho_scope": request.scope}
    try:
        with anyio.fail_after(TIMEOUT):
            answer = await http.get(url, params=list(request.query), auth=auth, extensions=extensions)
    except (httpx.HTTPError, TimeoutError) as problem:
        raise UnavailableError(f"Zoho does not respond ({type(problem).__name__}).", "Check the network.") from None
    _headers(found, answer.headers)
    envelope = decode(request, Response(answer.status_code, answer.headers, answer.content))
    assert isinstance(envelope, dict)
    return envelope


def _headers(found: Visit, headers: httpx.Headers) -> None:
    with suppress(KeyError, ValueError):
        found.skew = parsedate_to_datetime(headers["date"]).timestamp() - time.time()
    with suppress(KeyError, ValueError):
        found.limit = int(headers["x-rate-limit-limit"])
        found.resets_in = int(headers["x-rate-limit-reset"])
        found.remaining = int(headers["x-rate-limit-remaining"])
