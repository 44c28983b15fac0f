"""The HTTP connection to Zoho: an httpx client that adds the token and keeps within Zoho's limits.

Imported with the first request: importing httpx takes a third of the start-up time that we add to a bare server.
"""

import json
import math
import sys
import time
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from typing import Any

import anyio
import httpx

from zoho_mcp.errors import UnavailableError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.telemetry.calls import RequestTrace, record_day_quota
from zoho_mcp.zoho.oauth.grant_state import Token
from zoho_mcp.zoho.oauth.scopes import covers
from zoho_mcp.zoho.oauth.tokens import TokenSource
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.refusals import unknown
from zoho_mcp.zoho.request import Request
from zoho_mcp.zoho.response import Response, RetryError

CONNECT = 10.0
"""Seconds to open a connection."""
SCOPE, ORGANIZATION, DEADLINE, TRACE = "zoho_scope", "zoho_organization", "zoho_deadline", "zoho_trace"
"""Request extensions: the required scope, without the product's prefix; the organisation whose limits apply; the latest
time to wait until, in seconds of the limiter's clock; the request's trace. A request without an organisation (for a
token) does not wait."""
REFUSED_FOR = 600.0
"""Seconds for which no new token is fetched for a scope after a new token did not help."""
LARGEST_RESPONSE = 20_000_000
"""Bytes, decompressed; a larger response is an error."""
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_SENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def open_client(
    settings: Settings, limiter: Limiter, transport: httpx.AsyncBaseTransport | None, answer_within: float
) -> httpx.AsyncClient:
    """A process's client. `transport` replaces the network; `answer_within`: seconds for a whole response."""
    if find_spec("sniffio") is None:
        # httpcore tries to import it nine times per request, searching all of sys.path; now it fails at once.
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # As importlib documents: import raises.
    timeout = httpx.Timeout(answer_within, connect=CONNECT)
    network = httpx.AsyncClient(
        transport=transport,
        # One more than Zoho allows at once, for token requests. No plan allows more than ten, and httpcore scans
        # all its connections whenever a request starts or ends.
        limits=httpx.Limits(max_connections=max(5, min(10, limiter.rates.at_once)) + 1),
        # Requests to this machine must not go through a proxy from the environment.
        trust_env=not settings.is_sandbox,
    )
    return httpx.AsyncClient(transport=RateLimitedTransport(network, limiter, answer_within), timeout=timeout)


class Connection:
    """Exchanges requests for responses. The owner of `client` closes it."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, tokens: TokenSource) -> None:
        self._base = f"{settings.api_url or DATA_CENTRES[settings.data_centre].api}{settings.base_path}"
        self._client = client
        self._auth = ZohoAuth(tokens)

    async def exchange(self, request: Request, organization_id: str, deadline: float, trace: RequestTrace) -> Response:
        """Send a request. Returns Zoho's response, whatever its status.

        `deadline`: the latest time to wait for the rate limit, in seconds of the limiter's clock. Raises RetryError,
        UnavailableError, OutcomeUnknownError, LimitedError or AuthError.
        """
        outgoing = self._outgoing(request, organization_id)
        outgoing.extensions |= {
            SCOPE: request.scope, ORGANIZATION: organization_id, DEADLINE: deadline, TRACE: trace,
        }  # fmt: skip
        try:
            response = await self._client.send(outgoing, auth=self._auth)
        except (httpx.HTTPError, TimeoutError) as problem:
            trace.lost += isinstance(problem, (*_NEVER_ARRIVED, *_NOT_SENT))
            raise _error_for(request, problem) from problem
        return Response(response.status_code, response.headers, response.content)

    def _outgoing(self, request: Request, organization_id: str) -> httpx.Request:
        organization = (("organization_id", organization_id),) if not request.account else ()
        content_type = {"Content-Type": "application/json"} if request.body is not None else {}
        return self._client.build_request(
            request.method,
            httpx.URL(
                f"{self._base}{request.path}",
                params=httpx.QueryParams((*organization, *request.query)),
            ),
            headers={"Accept": request.accept, **dict(request.headers), **content_type},
            content=json.dumps(request.body, ensure_ascii=False).encode() if request.body is not None else None,
            files=_files(request),
        )


class ZohoAuth(httpx.Auth):
    """Adds the access token; after a 401, refreshes it and retries once. Holds no lock while it waits."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._refused_at: dict[str, float] = {}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the current token; after a 401, send once more with a new token."""
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
        """Add the token, and use the API host issued with it unless a setting names one."""
        request.headers["Authorization"] = f"Zoho-oauthtoken {token.secret}"
        if token.api_domain and not self._tokens.settings.api_url:
            host = httpx.URL(token.api_domain)
            request.url = request.url.copy_with(scheme=host.scheme, netloc=host.netloc)
            request.headers["Host"] = host.netloc.decode("ascii")

    def _was_just_refused(self, scope: str) -> bool:
        return time.monotonic() - self._refused_at.get(scope, -math.inf) < REFUSED_FOR

    def _lacks(self, token: Token, scope: str) -> bool:
        """Whether the token's grant lacks the scope, so that a new token would not help."""
        return bool(scope) and not covers(token.scopes, self._tokens.settings.scope_prefix + scope)


class RateLimitedTransport(httpx.AsyncBaseTransport):
    """Sends each request within Zoho's limits.

    Attributes:
        network: the client that reaches Zoho; a client, because only clients read proxies from the environment.
        limiter: counts the requests of each organisation.
        answer_within: seconds within which a whole response must arrive.
    """

    def __init__(self, network: httpx.AsyncClient, limiter: Limiter, answer_within: float) -> None:
        self.network = network
        self.limiter = limiter
        self.answer_within = answer_within

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The whole response, decompressed. Raises LimitedError, TimeoutError or httpx.TransportError."""
        organization_id = request.extensions.get(ORGANIZATION)
        if organization_id is None:
            return await self._exchange(request)
        trace: RequestTrace = request.extensions[TRACE]
        trace.start_waiting()
        async with self.limiter.acquire(organization_id, request.extensions[DEADLINE]) as slot:
            trace.mark_sent()
            response = await self._exchange(request)
            trace.status = response.status_code
            slot.note(response.headers)
        if slot.day is not None:
            record_day_quota(organization_id, slot.day[1], slot.day[2])
        return response

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        content = bytearray()
        with anyio.fail_after(self.answer_within):
            response = await self.network.send(request, stream=True)
            try:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST_RESPONSE:
                        raise httpx.DecodingError(f"more than {LARGEST_RESPONSE} bytes", request=request)
            finally:
                await response.aclose()
        headers = response.headers.copy()
        headers.pop("content-encoding", None)  # The content is decompressed.
        return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.network.aclose()


def _files(request: Request) -> dict[str, Any] | None:
    upload = request.upload
    return {upload.field: (upload.file_name, upload.content, upload.media_type)} if upload else None


def _error_for(request: Request, problem: Exception) -> Exception:
    kind = type(problem).__name__
    if isinstance(problem, (*_NEVER_ARRIVED, *_NOT_SENT)):
        never = UnavailableError(f"Could not reach Zoho ({kind}).", "Check the network, then call again.")
        return never if isinstance(problem, _NOT_SENT) else RetryError(never)
    late = isinstance(problem, httpx.TimeoutException | TimeoutError)
    if request.changes:
        return unknown(request, f"The connection to Zoho broke before the response arrived ({kind}).", late=late)
    failed = UnavailableError(f"Zoho did not respond ({kind}).", "Call again in a minute.")
    return failed if late or isinstance(problem, httpx.DecodingError) else RetryError(failed)
