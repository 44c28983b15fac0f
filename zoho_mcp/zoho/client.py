"""The one client of a process: sends a request to Zoho and gives back what it answers, or the error that fits."""

import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

import anyio
import httpx

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError, ZohoMcpError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.telemetry.requests import record_day_quota, sending, trace_request
from zoho_mcp.times import server_time
from zoho_mcp.zoho.oauth.cache import SharedTokens
from zoho_mcp.zoho.oauth.tokens import TokenSource, ZohoAuth
from zoho_mcp.zoho.rate_limit.limiter import PLANS, WAIT, Limiter
from zoho_mcp.zoho.rate_limit.queue import parse_rate_headers
from zoho_mcp.zoho.reading import ENCODINGS, bound
from zoho_mcp.zoho.request import Request
from zoho_mcp.zoho.response import Response, decode, unknown

CONNECT, ANSWER = 10.0, 30.0
"""Seconds for a connection, and for a whole answer, however it drips."""
TRIES = 3
_WITHOUT_ORGANIZATION = "/organizations"
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_SENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_PASSING = frozenset({502, 503, 504})
_MINUTE, _DAY = 44, 45


class _AgainError(Exception):
    """A try that failed in a way that makes another one safe; `after`: no sooner, in seconds."""

    def __init__(self, problem: ZohoMcpError, after: float = 0.0) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.after = after


class ZohoClient:
    """Shared by all calls. Made cheaply: connections and the token come with the first request.

    `transport` replaces the network (the embedded Zoho, tests); `clock` gives seconds, `sleep` waits for some;
    `limiter` keeps to Zoho's limits, by default those of the plan, for this process alone; `tokens` shares the access
    token in another way than the user's file; `answer_within`: seconds for a whole answer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        limiter: Limiter | None = None,
        tokens: SharedTokens | None = None,
        answer_within: float = ANSWER,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.limiter = limiter or Limiter(PLANS[settings.plan], clock=clock)
        self.skew: float | None = None
        """Seconds by which Zoho's clock is ahead of this one, by its last answer; None before the first."""
        self.answered_at: float | None = None
        """When Zoho last answered as itself, whatever it said."""
        self._transport = transport
        self._answer_within = answer_within
        self._client: httpx.AsyncClient | None = None
        self._tokens = TokenSource(settings, self._http, clock, tokens)
        self._auth = ZohoAuth(self._tokens)

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            if find_spec("sniffio") is None:
                # httpcore looks for it nine times a request, in every folder there is; so it is told at once.
                sys.modules["sniffio"] = None  # type: ignore[assignment]  # As importlib documents: import raises.
            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(ANSWER, connect=CONNECT),
                # One more than Zoho answers at once: fetching a token must not wait for them. No plan allows more than
                # ten, and more would cost: httpcore looks at all its connections whenever a request comes or ends.
                limits=httpx.Limits(max_connections=max(5, min(10, self.limiter.rates.at_once)) + 1),
                headers={"Accept-Encoding": ENCODINGS},
                event_hooks={"response": [bound]},
                # A proxy of the environment must not come between this machine and itself.
                trust_env=not self.settings.is_embedded,
            )
        return self._client

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
        await self.limiter.aclose()

    async def token(self) -> None:
        """Have an access token that is good. Raises AuthError, LimitedError or UnavailableError."""
        await self._tokens.current()

    async def send(self, request: Request) -> dict[str, Any] | bytes:
        """Zoho's envelope (amounts as Decimal), or the bytes of the file that was asked for.

        Raises one of the errors of `zoho_mcp.errors`. A read is tried again after a passing failure. A change is sent
        again only if it cannot have arrived, or was refused before anything was done (401, 429).
        """
        organization_id = self._organization(request)
        with trace_request(request.method, request.route, self.clock):
            return await self._send(request, organization_id)

    async def _send(self, request: Request, organization_id: str) -> dict[str, Any] | bytes:
        until = self.clock() + WAIT.get()
        failures = 0
        while True:
            try:
                return await self._try(request, organization_id, until)
            except _AgainError as failure:
                failures += 1
                # Spread out: what fails for many at once must not come back from all of them at once.
                pause = max(failure.after, 2**failures * random.uniform(0.25, 0.5))
                if failures >= TRIES or self.clock() + pause > until:
                    raise failure.problem from failure.__cause__
            await self.sleep(pause)

    def _organization(self, request: Request) -> str:
        """The organisation whose books and limits it is about."""
        allowed = self.settings.organizations
        if request.path == _WITHOUT_ORGANIZATION:
            return allowed[0] if allowed else ""
        if not allowed:
            raise AuthError(
                "No organisation is set.",
                "Call list_organizations, choose one with the user, and have ZOHO_ORGANIZATION_ID set to its id.",
            )
        chosen = request.organization_id or (allowed[0] if len(allowed) == 1 else "")
        if chosen not in allowed or not chosen.isdigit():
            raise AuthError(
                f"The organisation {chosen} is not one of those that are set."
                if chosen
                else "It is not said for which of the organisations.",
                f"Use one of {', '.join(allowed)}; ZOHO_ORGANIZATION_ID says which there are.",
            )
        return chosen

    async def _try(self, request: Request, organization_id: str, until: float) -> dict[str, Any] | bytes:
        token = await self._tokens.current()
        domain = self.settings.api_url or token.api_domain or DATA_CENTRES[self.settings.data_centre].api
        response = await self._signed(request, self._outgoing(request, domain, organization_id), organization_id, until)
        try:
            return decode(request, response)
        except LimitedError as problem:
            raise await self._limited(problem, organization_id, response) from None
        except UnavailableError as problem:
            if response.status in _PASSING:
                raise _AgainError(problem, _retry_after(response)) from None
            raise

    def _outgoing(self, request: Request, domain: str, organization_id: str) -> httpx.Request:
        named = () if request.path == _WITHOUT_ORGANIZATION else (("organization_id", organization_id),)
        address = f"{domain}{self.settings.base_path}{request.path}"
        return self._http().build_request(
            request.method,
            httpx.URL(address, params=httpx.QueryParams((*named, *request.query))),
            headers={"Accept": request.accept, **dict(request.headers), **_content_type(request)},
            content=json.dumps(request.body, ensure_ascii=False).encode() if request.body is not None else None,
            files=_files(request),
            extensions={"zoho_scope": request.scope},
        )

    async def _signed(self, request: Request, outgoing: httpx.Request, organization_id: str, until: float) -> Response:
        """The answer to the request with a token on it, and with a new one after a 401.

        httpx would do the same, but each of the two requests needs its own turn with the limiter.
        """
        flow = self._auth.async_auth_flow(outgoing)
        try:
            signed = await anext(flow)
            while True:
                answer = await self._exchange(request, signed, organization_id, until)
                try:
                    signed = await flow.asend(answer)
                except StopAsyncIteration:
                    return Response(answer.status_code, answer.headers, answer.content)
        finally:
            await flow.aclose()

    async def _exchange(
        self, request: Request, signed: httpx.Request, organization_id: str, until: float
    ) -> httpx.Response:
        """One try; the answer is read to its end."""
        seen = sending()
        seen.queues()
        async with self.limiter.acquire(organization_id, until) as slot:
            seen.goes()
            try:
                with anyio.fail_after(self._answer_within):
                    answer = await self._http().send(signed, stream=True)
                    try:
                        await answer.aread()
                    finally:
                        await answer.aclose()
            except (httpx.HTTPError, TimeoutError) as problem:
                raise _transport_error(request, problem) from problem
            seen.status = answer.status_code
            slot.headers = answer.headers
        if (day := parse_rate_headers(answer.headers)) is not None:
            record_day_quota(organization_id, day[1], day[2])
        if answer.status_code < 500:
            self.answered_at = self.clock()
        if (theirs := server_time(answer.headers.get("date", ""))) is not None:
            self.skew = theirs - self.clock()
        return answer

    async def _limited(self, problem: LimitedError, organization_id: str, response: Response) -> Exception:
        """The answer 429: for good, with the time when it frees; or passing."""
        if problem.code == _MINUTE:
            return LimitedError(problem.what, await self.limiter.slow_down(organization_id), code=problem.code)
        if problem.code == _DAY:
            next_step = await self.limiter.day_is_over(organization_id, response.headers)
            return LimitedError(problem.what, next_step, code=problem.code)
        return _AgainError(problem, max(1.0, _retry_after(response)))


def _content_type(request: Request) -> dict[str, str]:
    return {"Content-Type": "application/json"} if request.body is not None else {}


def _files(request: Request) -> dict[str, tuple[str, bytes, str]] | None:
    upload = request.upload
    return {upload.field: (upload.file_name, upload.content, upload.media_type)} if upload else None


def _retry_after(response: Response) -> float:
    given = response.headers.get("retry-after", "")
    return min(float(given), 3600.0) if given.isascii() and given.isdigit() else 0.0


def _transport_error(request: Request, problem: Exception) -> Exception:
    kind = type(problem).__name__
    if isinstance(problem, (*_NEVER_ARRIVED, *_NOT_SENT)):
        never = UnavailableError(f"Zoho could not be reached ({kind}).", "Check the network, then call again.")
        return never if isinstance(problem, _NOT_SENT) else _AgainError(never)
    late = isinstance(problem, httpx.TimeoutException | TimeoutError)
    if request.changes:
        return unknown(request, f"The connection to Zoho broke before its answer came ({kind}).", late=late)
    failed = UnavailableError(f"Zoho did not answer ({kind}).", "Call again in a minute.")
    return failed if late or isinstance(problem, httpx.DecodingError) else _AgainError(failed)
