"""The one client of a process: sends a request to Zoho and gives back what it answers, or the error that fits."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from zoho_mcp.errors import AuthError, UnavailableError, ZohoMcpError
from zoho_mcp.settings import DATA_CENTRES, Settings
from zoho_mcp.zoho.oauth import TokenSource, ZohoAuth
from zoho_mcp.zoho.payload import Response, decode, unknown
from zoho_mcp.zoho.request import Request

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LARGEST_ANSWER = 20_000_000
"""Bytes of an answer, unpacked; more is not read."""
_WITHOUT_ORGANIZATION = "/organizations"
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class ZohoClient:
    """Shared by all calls. Made cheaply: connections and the token come with the first request.

    `transport` replaces the network (the embedded Zoho, tests); `clock` gives seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._tokens = TokenSource(settings, self._http, clock)
        self._auth = ZohoAuth(self._tokens)

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=TIMEOUT,
                # Zoho's smallest plan allows five requests at once.
                limits=httpx.Limits(max_connections=5),
                # A proxy of the environment must not come between this machine and itself.
                trust_env=not self.settings.api_url.startswith("http://"),
            )
        return self._client

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def send(self, request: Request) -> dict[str, Any] | bytes:
        """Zoho's envelope (amounts as Decimal), or the bytes of the file that was asked for.

        Raises one of the errors of `zoho_mcp.errors`. A change is sent once; only a refusal that comes before anything
        is done (401) is answered with a second try.
        """
        token = await self._tokens.current()
        domain = self.settings.api_url or token.api_domain or DATA_CENTRES[self.settings.data_centre].api
        outgoing = self._http().build_request(
            request.method,
            f"{domain}{self.settings.base_path}{request.path}",
            params=self._query(request),
            headers={"Accept": request.accept, **dict(request.headers), **_content_type(request)},
            content=json.dumps(request.body, ensure_ascii=False).encode() if request.body is not None else None,
            files=_files(request),
            extensions={"zoho_scope": request.scope},
        )
        try:
            response = await self._http().send(outgoing, auth=self._auth, stream=True)
            return decode(request, await _read(response))
        except httpx.HTTPError as problem:
            raise _transport_error(request, problem) from problem

    def _query(self, request: Request) -> httpx.QueryParams:
        if request.path == _WITHOUT_ORGANIZATION:
            return httpx.QueryParams(request.query)
        if not self.settings.organization_id:
            raise AuthError(
                "No organisation is set.",
                "Call list_organizations, choose one with the user, and have ZOHO_ORGANIZATION_ID set to its id.",
            )
        return httpx.QueryParams((("organization_id", self.settings.organization_id), *request.query))


def _content_type(request: Request) -> dict[str, str]:
    return {"Content-Type": "application/json"} if request.body is not None else {}


def _files(request: Request) -> dict[str, tuple[str, bytes, str]] | None:
    upload = request.upload
    return {upload.field: (upload.file_name, upload.content, upload.media_type)} if upload else None


async def _read(response: httpx.Response) -> Response:
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                # Too long to be an answer: decode() will find no sense in nothing.
                body.clear()
                break
    finally:
        await response.aclose()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, bytes(body))


def _transport_error(request: Request, problem: httpx.HTTPError) -> ZohoMcpError:
    kind = type(problem).__name__
    if isinstance(problem, _NEVER_ARRIVED):
        return UnavailableError(f"Zoho could not be reached ({kind}).", "Check the network, then call again.")
    if request.changes:
        return unknown(request, f"The connection to Zoho broke before its answer came ({kind}).")
    return UnavailableError(f"Zoho did not answer ({kind}).", "Call again in a minute.")
