"""The access token: fetched once for all callers and all processes, renewed before it expires, never shown.

Zoho allows ten refreshes in ten minutes. No token is requested while one is valid, while another process requests one,
or just after a refusal.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import anyio

from zoho_mcp.errors import UnavailableError
from zoho_mcp.settings import Settings
from zoho_mcp.telemetry.calls import count_token_request, trace_request
from zoho_mcp.text import one_line
from zoho_mcp.zoho.oauth.cache import SharedTokens, accounts_host, cache_for, is_trustworthy
from zoho_mcp.zoho.oauth.grant_state import WEB_PAGE, GrantState, Token, apply_response, error_for

if TYPE_CHECKING:
    import httpx

MARGIN = 60.0
"""Seconds before its expiry in which a token is no longer used: clocks differ, and requests take time."""
PATIENCE = 9.0
"""Seconds for the accounts server's response; less than other processes wait for the one that is fetching."""
LONGEST = 20.0
"""Seconds in total: behind other callers, behind other processes, and for the response."""

Http = Callable[[], "httpx.AsyncClient"]


async def post_form(http: Http, accounts: str, path: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object of an accounts server's response, whatever its status; `{"error": WEB_PAGE, …}` for a web page.

    Raises UnavailableError without naming a secret.
    """
    import httpx  # On first use: it takes a third of the start-up time that we add to a bare server.

    problem = "no response in time"
    with trace_request("POST", path, time.time) as trace:
        try:
            with anyio.move_on_after(PATIENCE):
                trace.mark_sent()
                response = await http().post(f"{accounts}{path}", data=form)
                trace.status = response.status_code
                return _json_of(response)
        except (httpx.HTTPError, httpx.InvalidURL) as caught:
            # The request holds secrets: only the kind of failure is reported.
            problem = type(caught).__name__
        raise UnavailableError(
            f"No token from {accounts} ({problem}).", "Check the network and ZOHO_DC, then call again."
        ) from None


def _json_of(response: "httpx.Response") -> dict[str, Any]:
    try:
        answer: Any = response.json()
    except (ValueError, RecursionError):
        kind = response.headers.get("content-type", "no content type").partition(";")[0]
        return {"error": WEB_PAGE, "error_description": f"status {response.status_code}, {one_line(kind, 60)}"}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


class TokenSource:
    """The current access token. Of several callers at once, one fetches it and the others wait."""

    def __init__(
        self,
        settings: Settings,
        http: Http,
        clock: Callable[[], float] = time.time,
        shared: SharedTokens | None = None,
    ) -> None:
        self.settings = settings
        self._http = http
        self._clock = clock
        self._lock = anyio.Lock()
        self._cache = shared or cache_for(settings)
        self._known = GrantState()

    async def current(self) -> Token:
        """A token that is valid for at least `MARGIN` seconds. Raises AuthError, LimitedError or UnavailableError."""
        return await self._valid(lambda token: token.expires_at - MARGIN > self._clock())

    async def renewed(self, refused: Token) -> Token:
        """A token other than the one Zoho just refused; fetches at most one for any number of callers."""
        return await self._valid(lambda token: token.secret != refused.secret)

    async def _valid(self, good: Callable[[Token], bool]) -> Token:
        if token := self._good(good):
            return token
        with anyio.move_on_after(LONGEST):
            return await self._in_turn(good)
        raise UnavailableError("Timed out waiting for an access token.", "Call again in a minute.")

    async def _in_turn(self, good: Callable[[Token], bool]) -> Token:
        async with self._lock:
            if token := self._good(good) or await self._from_cache(good):
                return token
            if self._cache is None:
                return await self._fetch()
            async with self._cache.locked():
                return await self._from_cache(good) or await self._fetch()

    def _good(self, good: Callable[[Token], bool]) -> Token | None:
        token = self._known.token
        return token if token is not None and good(token) else None

    async def _from_cache(self, good: Callable[[Token], bool]) -> Token | None:
        """The token that another process fetched meanwhile."""
        known = await self._cache.recall() if self._cache else GrantState()
        if known.asked_at >= self._known.asked_at and is_trustworthy(known, self._clock()):
            self._known = known
        return self._good(lambda token: good(token) and token.expires_at - MARGIN > self._clock())

    async def _fetch(self) -> Token:
        asked_at = self._clock()
        if (failure := self._known.failure) and asked_at < failure.until:
            raise error_for(failure)
        answer = await post_form(self._http, accounts_host(self.settings), "/oauth/v2/token", self._form())
        known = self._known = apply_response(self._known, answer, asked_at)
        if self._cache:
            # The new token is stored before the call can be cancelled.
            with anyio.CancelScope(shield=True):
                await self._cache.keep(known)
        count_token_request(error_for(known.failure) if known.failure else None)
        if known.failure:
            raise error_for(known.failure)
        assert known.token is not None
        return known.token

    def _form(self) -> dict[str, str]:
        settings = self.settings
        client = {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()}
        if settings.soid:
            scopes = ",".join(settings.scopes)
            return {"grant_type": "client_credentials", **client, "scope": scopes, "soid": settings.soid}
        refresh = self._known.refresh_token or settings.refresh_token.get_secret_value()
        return {"grant_type": "refresh_token", **client, "refresh_token": refresh}
