"""The one client of a process: sends a request to Zoho and returns its response, or raises the error that fits."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError
from zoho_mcp.settings import Settings
from zoho_mcp.telemetry.calls import RequestTrace, current_call, trace_request
from zoho_mcp.zoho.oauth.cache import SharedTokens
from zoho_mcp.zoho.oauth.tokens import TokenSource
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE, PLANS, Limiter
from zoho_mcp.zoho.rate_limit.sqlite import SqliteQueue
from zoho_mcp.zoho.request import Request
from zoho_mcp.zoho.response import Response, RetryError, decode, retry_after, server_time

if TYPE_CHECKING:
    import httpx

    from zoho_mcp.zoho.connection import Connection

ANSWER = 30.0
"""Seconds for a whole response, however slowly it comes."""
TRIES = 3
_PASSING = frozenset({502, 503, 504})
_MINUTE, _DAY = 44, 45


class ZohoClient:
    """Shared by all calls. Cheap to make: connections and the token come with the first request.

    Attributes:
        settings: of the server.
        organizations: the ids of the organisations that may be worked in.
        clock: seconds since the epoch.
        sleep: waits for some seconds.
        limiter: keeps within Zoho's limits.
        skew: seconds by which Zoho's clock is ahead of this one, by its last response; None before the first.
        answered_at: when Zoho last responded as itself, whatever it said.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: "httpx.AsyncBaseTransport | None" = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        limiter: Limiter | None = None,
        tokens: SharedTokens | None = None,
        answer_within: float = ANSWER,
    ) -> None:
        """`transport` replaces the network (sandbox, tests); `limiter` is by default that of the plan, for this process
        alone; `tokens` shares the access token in another way than the user's file.
        """
        self.settings = settings
        self.organizations = settings.organizations
        self.clock = clock
        self.sleep = sleep
        self.limiter = limiter or Limiter(PLANS[settings.plan], SqliteQueue(None), clock=clock)
        self.skew: float | None = None
        self.answered_at: float | None = None
        self._transport = transport
        self._answer_within = answer_within
        self._http_client: httpx.AsyncClient | None = None
        self._connection: Connection | None = None
        self._tokens = TokenSource(settings, self._http, clock, tokens)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http_client is not None:
            await self._http_client.aclose()
        await self.limiter.aclose()

    async def token(self) -> None:
        """Make sure of a valid access token. Raises AuthError, LimitedError or UnavailableError."""
        await self._tokens.current()

    async def send(self, request: Request, patience: float = PATIENCE) -> dict[str, Any] | bytes:
        """Zoho's envelope `{"code": 0, <key>: …}` with amounts as Decimal, or the bytes of the requested file.

        `patience`: seconds that the request may wait for its turn within Zoho's limits. A read is tried again after a
        passing failure. A change is sent again only if it cannot have arrived, or was refused before anything was done
        (401, 429).

        Raises:
            ZohoMcpError: one of the errors of `zoho_mcp.errors`.
        """
        organization_id = self._organization(request)
        with trace_request(request.method, request.route, self.clock) as trace:
            try:
                return await self._send(request, organization_id, self.clock() + patience, trace)
            finally:
                current_call().change_sent |= request.changes and trace.left

    async def _send(
        self, request: Request, organization_id: str, deadline: float, trace: RequestTrace
    ) -> dict[str, Any] | bytes:
        failures = 0
        while True:
            try:
                return await self._try(request, organization_id, deadline, trace)
            except RetryError as failure:
                failures += 1
                # Spread out: what fails for many at once must not come back from all of them at once.
                pause = max(failure.after, 2**failures * random.uniform(0.25, 0.5))
                if failures >= TRIES or self.clock() + pause > deadline:
                    raise failure.problem from failure.__cause__
            await self.sleep(pause)

    async def _try(
        self, request: Request, organization_id: str, deadline: float, trace: RequestTrace
    ) -> dict[str, Any] | bytes:
        response = await self._connected().exchange(request, organization_id, deadline, trace)
        self._observe(response)
        try:
            return decode(request, response)
        except LimitedError as problem:
            raise await self._limited(problem, organization_id, response) from None
        except UnavailableError as problem:
            if response.status in _PASSING:
                raise RetryError(problem, retry_after(response)) from None
            raise

    def _http(self) -> "httpx.AsyncClient":
        if self._http_client is None:
            from zoho_mcp.zoho.connection import open_client

            self._http_client = open_client(self.settings, self.limiter, self._transport, self._answer_within)
        return self._http_client

    def _connected(self) -> "Connection":
        if self._connection is None:
            from zoho_mcp.zoho.connection import Connection

            self._connection = Connection(self.settings, self._http(), self._tokens)
        return self._connection

    def _organization(self, request: Request) -> str:
        """The organisation whose books and limits the request is about."""
        allowed = self.organizations
        if not request.needs_organization:
            return allowed[0] if allowed else ""
        if not allowed:
            raise AuthError(
                "No organisation is set.",
                "Call list_organizations, choose one with the user, and have ZOHO_ORGANIZATION_ID set to its id.",
            )
        chosen = request.organization_id or (allowed[0] if len(allowed) == 1 else "")
        if chosen not in allowed or not chosen.isdigit():
            raise AuthError(
                f"The organisation {chosen} is not one of the configured organisations."
                if chosen
                else "The call names none of the configured organisations.",
                f"Use one of {', '.join(allowed)}; ZOHO_ORGANIZATION_ID configures them.",
            )
        return chosen

    def _observe(self, response: Response) -> None:
        """Note when Zoho responded, and how far its clock is ahead."""
        if response.status < 500:
            self.answered_at = self.clock()
        if (theirs := server_time(response)) is not None:
            self.skew = theirs - self.clock()

    async def _limited(self, problem: LimitedError, organization_id: str, response: Response) -> Exception:
        """What status 429 means: a limit that is used up, with the time when it frees; or a try later."""
        if problem.code == _MINUTE:
            return LimitedError(problem.what, await self.limiter.slow_down(organization_id), code=problem.code)
        if problem.code == _DAY:
            next_step = await self.limiter.day_is_over(organization_id, response.headers)
            return LimitedError(problem.what, next_step, code=problem.code)
        return RetryError(problem, max(1.0, retry_after(response)))
