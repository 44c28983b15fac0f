"""Signs requests to Zoho with the shared access token."""

import math
import time
from collections.abc import AsyncGenerator

import httpx

from zoho_mcp.zoho.oauth.scopes import covers
from zoho_mcp.zoho.oauth.state import Token
from zoho_mcp.zoho.oauth.tokens import TokenSource

SCOPE = "zoho_scope"
"""Request extension: the scope that the request needs, without the product's prefix."""
REFUSED_FOR = 600.0
"""Seconds for which no further token is fetched for a scope after a fresh token did not help."""


class ZohoAuth(httpx.Auth):
    """Puts the token on a request; after a 401, one refresh and one more try. Holds no lock while it waits."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._refused_at: dict[str, float] = {}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign and send; sign with a new token and send once more after a 401."""
        scope = str(request.extensions.get(SCOPE, ""))
        token = await self._tokens.current()
        self._sign(request, token)
        response = yield request
        if response.status_code != 401:
            self._refused_at.pop(scope, None)
            return
        if self._was_just_refused(scope) or self._lacks(token, scope):
            return
        token = await self._tokens.renewed(token)
        self._sign(request, token)
        response = yield request
        if response.status_code == 401:
            self._refused_at[scope] = time.monotonic()

    def _sign(self, request: httpx.Request, token: Token) -> None:
        """Add the token, and send the request to the API host that came with it, unless a setting names one."""
        request.headers["Authorization"] = f"Zoho-oauthtoken {token.secret}"
        if token.api_domain and not self._tokens.settings.api_url:
            host = httpx.URL(token.api_domain)
            request.url = request.url.copy_with(scheme=host.scheme, netloc=host.netloc)
            request.headers["Host"] = host.netloc.decode("ascii")

    def _was_just_refused(self, scope: str) -> bool:
        return time.monotonic() - self._refused_at.get(scope, -math.inf) < REFUSED_FOR

    def _lacks(self, token: Token, scope: str) -> bool:
        """Whether no token of this grant can have the scope."""
        return bool(scope) and not covers(token.scopes, self._tokens.settings.scope_prefix + scope)
