"""The limiter as an httpx transport: a request waits for its turn, is sent, and is read to its end."""

import anyio
import httpx

from zoho_mcp.telemetry.requests import RequestTrace, record_day_quota
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.queue import parse_rate_headers

ORGANIZATION, DEADLINE, TRACE = "zoho_organization", "zoho_deadline", "zoho_trace"
"""Request extensions: the organisation whose limits count, the latest time to wait for (seconds of the limiter's
clock), and the trace of the request. A request without an organisation (for a token) does not wait."""
LARGEST_RESPONSE = 20_000_000
"""Bytes, unpacked; the rest is not read."""


class RateLimitedTransport(httpx.AsyncBaseTransport):
    """Sends each request within Zoho's limits.

    Attributes:
        network: the client that reaches Zoho. A client, because only a client reads proxies from the environment.
        limiter: counts the requests of each organisation.
        answer_within: seconds for a whole response, however slowly it comes.
    """

    def __init__(self, network: httpx.AsyncClient, limiter: Limiter, answer_within: float) -> None:
        self.network = network
        self.limiter = limiter
        self.answer_within = answer_within

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The whole response, unpacked. Raises LimitedError, TimeoutError or httpx.TransportError."""
        organization_id = request.extensions.get(ORGANIZATION)
        if organization_id is None:
            return await self._exchange(request)
        trace: RequestTrace = request.extensions[TRACE]
        trace.queues()
        async with self.limiter.acquire(organization_id, request.extensions[DEADLINE]) as slot:
            trace.goes()
            response = await self._exchange(request)
            trace.status = response.status_code
            slot.headers = response.headers
        if (day := parse_rate_headers(response.headers)) is not None:
            record_day_quota(organization_id, day[1], day[2])
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
        headers.pop("content-encoding", None)  # It is unpacked.
        return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.network.aclose()
