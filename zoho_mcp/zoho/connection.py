"""The HTTP connection to Zoho: one httpx client with the token on every request and Zoho's limits in its transport.

Imported with the first request, because httpx takes a third of the start-up time that we add to a bare server.
"""

import json
import sys
from importlib.util import find_spec
from typing import Any

import httpx

from zoho_mcp.errors import UnavailableError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.telemetry.requests import RequestTrace
from zoho_mcp.zoho.oauth.auth import SCOPE, ZohoAuth
from zoho_mcp.zoho.oauth.tokens import TokenSource
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.transport import DEADLINE, ORGANIZATION, TRACE, RateLimitedTransport
from zoho_mcp.zoho.request import Request
from zoho_mcp.zoho.response import Response, RetryError, unknown

CONNECT = 10.0
"""Seconds to open a connection."""
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_SENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def open_client(
    settings: Settings, limiter: Limiter, transport: httpx.AsyncBaseTransport | None, answer_within: float
) -> httpx.AsyncClient:
    """The client of a process. `transport` replaces the network; `answer_within`: seconds for a whole response."""
    if find_spec("sniffio") is None:
        # httpcore looks for it nine times a request, in every folder of the path; this tells it at once.
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # As importlib documents: import raises.
    timeout = httpx.Timeout(answer_within, connect=CONNECT)
    network = httpx.AsyncClient(
        transport=transport,
        # One more than Zoho allows at once: a token request must not wait for them. No plan allows more than ten, and
        # httpcore looks at all its connections whenever a request starts or ends.
        limits=httpx.Limits(max_connections=max(5, min(10, limiter.rates.at_once)) + 1),
        # A proxy of the environment must not come between this machine and itself.
        trust_env=not settings.is_embedded,
    )
    return httpx.AsyncClient(transport=RateLimitedTransport(network, limiter, answer_within), timeout=timeout)


class Connection:
    """Exchanges requests for responses. `client` is closed by its owner."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, tokens: TokenSource) -> None:
        self._settings = settings
        self._client = client
        self._auth = ZohoAuth(tokens)

    async def exchange(self, request: Request, organization_id: str, deadline: float, trace: RequestTrace) -> Response:
        """Zoho's response, whatever its status.

        `deadline`: the latest time to wait for a turn, in seconds of the limiter's clock.
        Raises RetryError, UnavailableError, OutcomeUnknownError, LimitedError or AuthError.
        """
        outgoing = self._outgoing(request, organization_id)
        outgoing.extensions |= {
            SCOPE: request.scope, ORGANIZATION: organization_id, DEADLINE: deadline, TRACE: trace,
        }  # fmt: skip
        try:
            response = await self._client.send(outgoing, auth=self._auth)
        except (httpx.HTTPError, TimeoutError) as problem:
            raise _error_for(request, problem) from problem
        return Response(response.status_code, response.headers, response.content)

    def _outgoing(self, request: Request, organization_id: str) -> httpx.Request:
        base = self._settings.api_url or DATA_CENTRES[self._settings.data_centre].api
        organization = (("organization_id", organization_id),) if request.needs_organization else ()
        content_type = {"Content-Type": "application/json"} if request.body is not None else {}
        return self._client.build_request(
            request.method,
            httpx.URL(
                f"{base}{self._settings.base_path}{request.path}",
                params=httpx.QueryParams((*organization, *request.query)),
            ),
            headers={"Accept": request.accept, **dict(request.headers), **content_type},
            content=json.dumps(request.body, ensure_ascii=False).encode() if request.body is not None else None,
            files=_files(request),
        )


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
