"""The access token: fetched once for all callers, renewed before it expires, never shown.

Zoho allows ten refreshes in ten minutes and answers token errors with HTTP 200, so the body's `error` decides.
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import httpx

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError, ZohoMcpError
from zoho_mcp.settings import DATA_CENTRES, Settings

MARGIN = 60.0
"""Seconds before its expiry at which a token is no longer used: clocks differ, requests take time."""

_KNOWN_API_HOSTS = frozenset(centre.api for centre in DATA_CENTRES.values())
_ADVICE: Mapping[str, tuple[str, str]] = {
    "invalid_client": (
        "Zoho does not know this client id.",
        "Check ZOHO_CLIENT_ID, and ZOHO_DC: a client exists only in the data centre where it was made.",
    ),
    "invalid_client_secret": ("The client secret is wrong.", "Check ZOHO_CLIENT_SECRET."),
    "invalid_code": (
        "The refresh token is wrong, revoked, or was made for another client.",
        "Make a new one and set ZOHO_REFRESH_TOKEN; a one-time grant code is not a refresh token.",
    ),
}


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `expires_at` in seconds of the source's clock."""

    secret: str = field(repr=False)
    expires_at: float
    api_domain: str = ""


class TokenSource:
    """Gives the current access token; of many callers at once, one fetches it and the others wait for that."""

    def __init__(
        self, settings: Settings, http: Callable[[], httpx.AsyncClient], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._lock = anyio.Lock()
        self._token: Token | None = None

    async def current(self) -> Token:
        """A token that is good for at least `MARGIN` seconds. Raises AuthError, LimitedError or UnavailableError."""
        return await self._valid(lambda token: token.expires_at - MARGIN > self._clock())

    async def renewed(self, refused: Token) -> Token:
        """A token other than the one Zoho just refused; fetches at most one for any number of callers."""
        return await self._valid(lambda token: token.secret != refused.secret)

    async def _valid(self, good: Callable[[Token], bool]) -> Token:
        if (token := self._token) is not None and good(token):
            return token
        async with self._lock:
            if (token := self._token) is None or not good(token):
                token = self._token = await self._fetch()
            return token

    async def _fetch(self) -> Token:
        settings = self._settings
        accounts = settings.accounts_url or DATA_CENTRES[settings.data_centre].accounts
        form = {
            "grant_type": "refresh_token",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
            "refresh_token": settings.refresh_token.get_secret_value(),
        }
        asked_at = self._clock()
        try:
            response = await self._http().post(f"{accounts}/oauth/v2/token", data=form)
            answer: Any = response.json()
        except (httpx.HTTPError, ValueError) as problem:
            # The request holds secrets: only the kind of failure is told.
            raise UnavailableError(
                f"No token from {accounts} ({type(problem).__name__}).",
                "Check the network and ZOHO_DC, then call again.",
            ) from None
        return _token(cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}, asked_at)


def _token(answer: Mapping[str, Any], asked_at: float) -> Token:
    error = str(answer.get("error", ""))
    if error or not answer.get("access_token"):
        raise _refusal(error, str(answer.get("error_description", "")))
    domain = str(answer.get("api_domain", "")).rstrip("/")
    return Token(
        secret=str(answer["access_token"]),
        expires_at=asked_at + float(answer.get("expires_in", 3600)),
        # A token is only ever sent to a host of Zoho's.
        api_domain=domain if domain in _KNOWN_API_HOSTS else "",
    )


def _refusal(error: str, description: str) -> ZohoMcpError:
    if "too many requests" in description.lower():
        return LimitedError(
            "Zoho gives no more access tokens for now (it allows ten in ten minutes).",
            "Wait ten minutes, then call again.",
        )
    what, next_step = _ADVICE.get(error, (f"Zoho gave no access token ({error or 'an answer without one'}).", ""))
    return AuthError(what, next_step or "Check ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC.")


class ZohoAuth(httpx.Auth):
    """Puts the token on a request; on 401, one renewal and one more try. Holds no lock while it waits for an answer."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._still_refused: set[str] = set()
        """Scopes that a fresh token did not help with: for these a 401 must not cost another refresh."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign, send, and once more after a 401."""
        scope = str(request.extensions.get("zoho_scope", ""))
        token = await self._tokens.current()
        request.headers["Authorization"] = f"Zoho-oauthtoken {token.secret}"
        response = yield request
        if response.status_code != 401 or scope in self._still_refused:
            return
        token = await self._tokens.renewed(token)
        request.headers["Authorization"] = f"Zoho-oauthtoken {token.secret}"
        response = yield request
        if response.status_code == 401:
            self._still_refused.add(scope)
        else:
            self._still_refused.discard(scope)
