"""From an HTTP request to a handler and back: route, token, organisation, limits, one transaction, the envelope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TypeVar
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.limits import Meter
from zoho_mcp.sandbox.request_log import LoggedRequest, remember, without_secrets
from zoho_mcp.sandbox.store import Store
from zoho_mcp.sandbox.times import zone
from zoho_mcp.sandbox.wire import json_wire
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_url, wrong_organization
from zoho_mcp.sandbox.wire.forms import read_body, read_form
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.key_tables import shape
from zoho_mcp.sandbox.wire.routing import BOTH, Reply, Request, Route, RouteTable

Result = TypeVar("Result")
JSON = "application/json;charset=UTF-8"
ORGANIZATION_HEADERS = [f"x-com-zoho-{product}-organizationid" for product in BOTH]


@dataclass(frozen=True)
class IncomingRequest:
    """A request with its whole body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content_type: str
    raw: bytes


@dataclass(frozen=True)
class Dispatcher:
    """Handles the requests of one app."""

    store: Store
    table: RouteTable
    meter: Meter
    clock: Callable[[], datetime]
    api_domain: str
    request_log: list[LoggedRequest]

    async def auth(self, request: HttpRequest) -> Response:
        """GET /oauth/v2/auth: the consent page, on which the user always agrees."""
        incoming = await _read(request)
        base = f"{request.url.scheme}://{request.url.netloc}"
        where = await self._transact(lambda: oauth.consent(self.store, incoming.query, self.clock(), base))
        status, text = (302, "") if where else (400, "Unknown client, or a redirect address that is not registered.")
        self._note(incoming, None, status, "")
        return Response(text, status, headers={"location": where} if where else {}, media_type="text/plain")

    async def token(self, request: HttpRequest) -> Response:
        """POST /oauth/v2/token, parameters in the query or in a form."""
        base = self.api_domain or f"{request.url.scheme}://{request.url.netloc}"
        return await self._accounts(request, lambda params: oauth.token(self.store, params, self.clock(), base))

    async def revoke(self, request: HttpRequest) -> Response:
        """POST /oauth/v2/token/revoke."""
        return await self._accounts(request, lambda params: oauth.revoke(self.store, params))

    async def api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The API under both base paths; 404 for every other path."""
        incoming = await _read(HttpRequest(scope, receive))
        # In a thread: a file store may wait for another process, and requests run concurrently.
        response = await run_in_threadpool(self._answer, incoming)
        await response(scope, receive, send)

    async def _transact(self, work: Callable[[], Result]) -> Result:
        def run() -> Result:
            with self.store.transaction():
                return work()

        return await run_in_threadpool(run)

    async def _accounts(self, request: HttpRequest, work: Callable[[Mapping[str, str]], Record]) -> Response:
        incoming = await _read(request)
        params = {**incoming.query, **read_form(incoming.content_type, incoming.raw).fields}
        answer = await self._transact(lambda: work(params))
        # Errors come with status 200 too, so a client that checks only the status mistakes them for tokens.
        self._note(incoming, without_secrets(params), 200, str(answer.get("error", "")))
        return Response(json_wire.dump(answer), media_type=JSON)

    def _answer(self, incoming: IncomingRequest) -> Response:
        trace = _Trace()
        try:
            with self.meter.running():
                response = self._handle(incoming, trace)
            code, status = 0, response.status_code
        except ZohoError as error:
            code, status = error.code, error.status
            response = Response(json_wire.dump({"code": code, "message": error.message}), status, media_type=JSON)
        response.headers.update(self._rate_headers(incoming, trace))
        self._note(incoming, trace.body, status, code)
        return response

    def _handle(self, incoming: IncomingRequest, trace: "_Trace") -> Response:
        product, segments = _split(incoming.path)
        route, ids = self.table.find(product, incoming.method, segments)
        with self.store.transaction(write=incoming.method != "GET"):
            access = oauth.authenticate(self.store, incoming.headers.get("authorization", ""), self.clock())
            oauth.authorize(access, product, route.scope)
            organization = self._organization(incoming, route)
            trace.organization_id = organization["organization_id"]
            trace.now = self.clock().astimezone(zone(organization["time_zone"]))
            self.meter.count(trace.organization_id, trace.now)
            body, files = read_body(incoming.content_type, incoming.raw if incoming.method != "GET" else b"")
            trace.body = body if incoming.raw else None
            books = self.store.books(trace.organization_id)
            sent = (incoming.query, incoming.headers, body, files)
            request = Request(books, organization, trace.now, product, ids, *sent)
            return _success(route, product, route.handler(request))

    def _rate_headers(self, incoming: IncomingRequest, trace: "_Trace") -> dict[str, str]:
        if trace.now is None:
            # Refused before the organisation was looked up: its limits are sent anyway if it is named.
            organization = self.store.shared.get("organization", _named(incoming)) or {}
            trace.organization_id = organization.get("organization_id", "")
            trace.now = self.clock().astimezone(zone(organization.get("time_zone", "UTC")))
        # The clock can be set wrong on purpose.
        date = {"date": format_datetime(self.clock().astimezone(UTC), usegmt=True)}
        # Without a token Zoho sends no rate-limit headers.
        has_token = "authorization" in incoming.headers
        return {**date, **(self.meter.headers(trace.organization_id, trace.now) if has_token else {})}

    def _organization(self, incoming: IncomingRequest, route: Route) -> Record:
        if not route.needs_organization:
            return self.store.shared.all("organization")[0]
        # Zoho may fall back to a user's only organisation when none is named; being stricter here finds the caller
        # that forgets it before somebody with two organisations does.
        organization_id = _named(incoming)
        if not organization_id:
            # The code was observed; the wording and the status are unverified.
            raise ZohoError(9017, "Please specify the organization.")
        organization = self.store.shared.get("organization", organization_id)
        if organization is None:
            raise wrong_organization(organization_id)
        return organization

    def _note(self, incoming: IncomingRequest, body: object, status: int, code: int | str) -> None:
        query, headers = without_secrets(incoming.query), without_secrets(incoming.headers)
        remember(self.request_log, LoggedRequest(incoming.method, incoming.path, query, headers, body, status, code))


@dataclass
class _Trace:
    """Facts about a request that its response headers and the log need, even if the request is refused."""

    organization_id: str = ""
    now: datetime | None = None
    body: object = None


async def _read(request: HttpRequest) -> IncomingRequest:
    # The path as it was sent: an escaped slash belongs to its segment and must not make two of it.
    raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
    return IncomingRequest(
        method=request.method,
        path=raw_path.split(b"?")[0].decode("latin-1"),
        query=dict(request.query_params),
        headers=dict(request.headers),
        content_type=request.headers.get("content-type", ""),
        raw=await request.body(),
    )


def _named(incoming: IncomingRequest) -> str:
    """The organisation that a request names, in the query or in either product's header."""
    given = [
        incoming.query.get("organization_id", ""),
        *(incoming.headers.get(name, "") for name in ORGANIZATION_HEADERS),
    ]
    return next((organization_id for organization_id in given if organization_id), "")


def _split(path: str) -> tuple[str, list[str]]:
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    if len(segments) < 3 or segments[0] not in BOTH or segments[1] != "v3":
        raise invalid_url()
    return segments[0], segments[2:]


def _success(route: Route, product: str, reply: Reply) -> Response:
    if reply.content is not None:
        disposition = {"content-disposition": f'attachment; filename="{reply.file_name}"'}
        return Response(reply.content, reply.status, headers=disposition, media_type=reply.content_type)
    message = {"message": reply.message} if reply.message else {}
    shown = shape(route.keys, product, dict(reply.keys)) if route.keys else {}
    envelope = {"code": 0, **message, **shown}
    headers = {"location": reply.location} if reply.location else {}
    return Response(json_wire.dump(envelope), reply.status, headers=headers, media_type=JSON)
