"""The client for Zoho that a process shares, and the operations of a catalog run through it. Knows nothing of MCP.

Every request returns Zoho's response or raises an error of `zoho_mcp.errors`.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError
from zoho_mcp.settings import Settings
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.telemetry.calls import RequestTrace, current_call, trace_request
from zoho_mcp.zoho.oauth.cache import SharedTokens
from zoho_mcp.zoho.oauth.tokens import TokenSource
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE, Limiter
from zoho_mcp.zoho.rate_limit.limits import PLANS
from zoho_mcp.zoho.request import Request, build
from zoho_mcp.zoho.response import Response, RetryError, decode, retry_after, server_time

if TYPE_CHECKING:
    import httpx

    from zoho_mcp.zoho.transport import Connection

Envelope = dict[str, Any]
"""Zoho's response to a request: `{"code": 0, "message": …, <key>: …}`, amounts as Decimal."""
ORGANIZATION = "organization"
"""The argument that names the organisation, in every operation, where several are configured."""
ANSWER = 30.0
"""Seconds within which a whole response must arrive."""
TRIES = 3
_TEMPORARY = frozenset({502, 503, 504})
_MINUTE, _DAY = 44, 45
"""Zoho's error codes for a limit of requests that is used up."""


class ZohoClient:
    """The client that all calls share. Cheap to create: connections and the token come with the first request.

    Attributes:
        settings: the server's settings.
        organizations: ids of the configured organisations.
        clock: returns seconds since the epoch.
        sleep: waits for a number of seconds.
        limiter: keeps requests within Zoho's limits.
        skew: seconds by which Zoho's clock is ahead of this machine's, by the latest response; None before the first.
        answered_at: time of Zoho's latest response with a status below 500; None before the first.
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
        """`transport` replaces the network (sandbox, tests). `limiter` defaults to the plan's limits for this process
        alone. `tokens` replaces the user's file as the place where the access token is shared.
        """
        self.settings = settings
        self.organizations = settings.organizations
        self.clock = clock
        self.sleep = sleep
        self.limiter = limiter or Limiter(PLANS[settings.plan], clock=clock)
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
        """Ensure that there is a valid access token. Raises AuthError, LimitedError or UnavailableError."""
        await self._tokens.current()

    async def send(self, request: Request, patience: float = PATIENCE) -> Envelope | bytes:
        """Send a request. Returns Zoho's envelope `{"code": 0, <key>: …}`, amounts as Decimal, or a file's bytes.

        `patience`: seconds that the request may wait for Zoho's rate limits. A read is retried after a temporary
        failure. A change is retried only if it cannot have reached Zoho, or was refused before processing (401, 429).

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
    ) -> Envelope | bytes:
        failures = 0
        while True:
            try:
                return await self._try(request, organization_id, deadline, trace)
            except RetryError as failure:
                failures += 1
                # Random, so that requests that failed together are not all retried together.
                pause = max(failure.after, 2**failures * random.uniform(0.25, 0.5))
                if failures >= TRIES or self.clock() + pause > deadline:
                    raise failure.problem from failure.__cause__
            await self.sleep(pause)

    async def _try(
        self, request: Request, organization_id: str, deadline: float, trace: RequestTrace
    ) -> Envelope | bytes:
        response = await self._connected().exchange(request, organization_id, deadline, trace)
        self._observe(response)
        try:
            return decode(request, response)
        except LimitedError as problem:
            raise await self._limited(problem, organization_id, response) from None
        except UnavailableError as problem:
            if response.status in _TEMPORARY:
                raise RetryError(problem, retry_after(response)) from None
            raise

    def _http(self) -> "httpx.AsyncClient":
        if self._http_client is None:
            from zoho_mcp.zoho.transport import open_client

            self._http_client = open_client(self.settings, self.limiter, self._transport, self._answer_within)
        return self._http_client

    def _connected(self) -> "Connection":
        if self._connection is None:
            from zoho_mcp.zoho.transport import Connection

            self._connection = Connection(self.settings, self._http(), self._tokens)
        return self._connection

    def _organization(self, request: Request) -> str:
        """The organisation whose books and limits the request uses."""
        allowed = self.organizations
        if request.account:
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
        """Record the time of the response and the difference between the clocks."""
        if response.status < 500:
            self.answered_at = self.clock()
        if (zoho_time := server_time(response)) is not None:
            self.skew = zoho_time - self.clock()

    async def _limited(self, problem: LimitedError, organization_id: str, response: Response) -> Exception:
        """The exception for status 429: LimitedError for a limit that is used up, else RetryError."""
        if problem.code == _MINUTE:
            return LimitedError(problem.what, await self.limiter.slow_down(organization_id), code=problem.code)
        if problem.code == _DAY:
            next_step = await self.limiter.day_is_over(organization_id, response.headers)
            return LimitedError(problem.what, next_step, code=problem.code)
        return RetryError(problem, max(1.0, retry_after(response)))


@dataclass(frozen=True, slots=True)
class ZohoApi:
    """The operations of a catalog for one organisation. Every method raises the errors of `zoho_mcp.errors`.

    Attributes:
        granted: the organisations that the caller may use; empty: all configured ones.
        organization_id: the organisation of requests that name none; empty: the only one configured.
    """

    catalog: Catalog
    client: ZohoClient
    granted: tuple[str, ...] = ()
    organization_id: str = ""

    def within(self, organization_id: str) -> "ZohoApi":
        """The API for another organisation; this API if the id is empty."""
        return replace(self, organization_id=organization_id) if organization_id else self

    @property
    def organizations(self) -> tuple[str, ...]:
        """The configured organisations that the caller may use."""
        configured = self.client.organizations
        return tuple(own_id for own_id in configured if not self.granted or own_id in self.granted)

    @property
    def books(self) -> str:
        """The organisation's id, even where only one is configured and requests do not name it."""
        return self.organization_id or self.client.settings.organization_id

    def request(self, operation: Operation, arguments: Mapping[str, Any]) -> Request:
        """Build an operation's request, for the organisation in the arguments or else for this one."""
        own_arguments = dict(arguments)
        organization_id = own_arguments.pop(ORGANIZATION, "") or self.organization_id
        return replace(build(operation, own_arguments), organization_id=organization_id)

    async def send(self, request: Request, wait: float = PATIENCE) -> Envelope | bytes:
        """Send a request. `wait`: seconds that it may wait for Zoho's rate limits.

        Raises AuthError for an organisation that the caller may not use.
        """
        organization_id = request.organization_id or self.organization_id
        if self.granted and organization_id in set(self.client.organizations) - set(self.granted):
            raise AuthError(f"The owner's policy does not let you work in the organisation {organization_id}.")
        if request.organization_id != organization_id:
            request = replace(request, organization_id=organization_id)
        return await self.client.send(request, wait)

    async def run(self, name: str, arguments: Mapping[str, Any], wait: float = PATIENCE) -> Envelope:
        """Run an operation, without authorization or confirmation. Returns the envelope `{"code": 0, <key>: …}`."""
        operation = self.catalog.operations[name]
        payload = await self.send(self.request(operation, arguments), wait)
        assert isinstance(payload, dict)
        if self.granted and operation.http.account:
            rows: list[dict[str, Any]] = payload[operation.answer.key]
            payload[operation.answer.key] = [row for row in rows if str(row["organization_id"]) in self.granted]
        return payload

    async def record(self, name: str, arguments: Mapping[str, Any], wait: float = PATIENCE) -> dict[str, Any]:
        """The record that a read operation returns. Arguments that the operation does not have are ignored."""
        return await self._content(name, arguments, wait)

    async def rows(self, name: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The first page of rows of a list operation. Arguments that the operation does not have are ignored."""
        return await self._content(name, arguments, PATIENCE)

    async def _content(self, name: str, arguments: Mapping[str, Any], wait: float) -> Any:
        operation = self.catalog.operations[name]
        properties = operation.input.get("properties", {})
        envelope = await self.run(name, {key: value for key, value in arguments.items() if key in properties}, wait)
        return envelope[operation.answer.key]

    async def organization(self) -> Mapping[str, Any]:
        """The organisation as Zoho lists it; empty if it does not belong to the account."""
        rows: list[dict[str, Any]] = (await self.run("list_organizations", {}))["organizations"]
        return next((row for row in rows if str(row.get("organization_id")) == self.books), dict[str, Any]())

    async def zone(self) -> ZoneInfo | None:
        """The organisation's time zone; None, for this machine's, if Zoho names none that is known here."""
        try:
            return ZoneInfo(str((await self.organization()).get("time_zone") or ""))
        except (ZoneInfoNotFoundError, ValueError):
            return None

    async def today(self) -> date:
        """Today's date in the organisation's time zone."""
        return datetime.now(await self.zone()).date()
