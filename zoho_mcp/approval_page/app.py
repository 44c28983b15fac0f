"""The approval page over HTTP: shows questions, stores decisions, and refuses requests from other origins.

Imported on first use. Knows nothing of MCP: a click only stores a decision.
"""

import hmac
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoho_mcp.approval_page.html import STYLE_HASH, notice_page, outcome_page, question_page
from zoho_mcp.approval_page.timed import TimedProtocol
from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy.approvals import Approval, ApprovalStore

_LONGEST_FORM = 4096
_MOST_CONNECTIONS = 512
"""Many more than browsers open, so that idle connections keep nobody out before they are hung up on."""
_WAIT_FOR_OUTCOME = 8.0
"""Seconds that a click waits for its call, so that the next page can mostly say how it ended."""
_POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    # Not no-referrer: that makes browsers send `Origin: null` with the form, and the check of Origin is worth more.
    # The address still goes to no other origin.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def create_page(approvals: ApprovalStore, port: int) -> ASGIApp:
    """The page for a server on this port of loopback."""
    page = Page(approvals, secrets.token_bytes(32))

    async def show(request: Request) -> Response:
        return await page.show(request, None)

    async def decide(request: Request) -> Response:
        # Only the names that are answered get here: it is the page's own origin.
        return await page.decide(request, None, f"http://{request.headers.get('host', '')}")

    routes = [
        Route("/{secret}", show, methods=["GET"]),
        Route("/{secret}", decide, methods=["POST"]),
        Route("/{rest:path}", unknown, methods=["GET", "POST"]),
    ]
    return guarded(Starlette(routes=routes), {f"127.0.0.1:{port}", f"localhost:{port}"})


class LoopbackServer(uvicorn.Server):
    """Sleeps until it is stopped, instead of polling ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = anyio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self._told.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def loopback_server(app: ASGIApp) -> LoopbackServer:
    """Serves without touching signals, standard output or the log: an address in a log would be a key in a log."""
    return LoopbackServer(
        uvicorn.Config(
            app, http=TimedProtocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_keep_alive=5, timeout_graceful_shutdown=1, limit_concurrency=_MOST_CONNECTIONS,
        )
    )  # fmt: skip


class Page:
    """Shows questions and stores decisions, for a principal or for the person at this machine (None).

    `key` seals the forms: servers that share it take each other's.
    """

    def __init__(self, approvals: ApprovalStore, key: bytes) -> None:
        self._approvals = approvals
        self._key = key

    async def show(self, request: Request, principal: str | None) -> Response:
        """The question whose secret is in the path, if it is this principal's."""
        try:
            approval = await self._own(request, principal)
        except DeclinedError:
            return _not_now()
        return self._as_it_is(approval) if approval is not None else await unknown(request)

    async def decide(self, request: Request, principal: str | None, origin: str) -> Response:
        """Take down what the form says that was sent by the page at `origin`, this one."""
        if not from_page(request, origin):
            return refused("This request did not come from the approval page.")
        try:
            return await self._decide(request, principal)
        except DeclinedError:
            return _not_now()

    async def _decide(self, request: Request, principal: str | None) -> Response:
        approval = await self._own(request, principal)
        if approval is None:
            return await unknown(request)
        form = await form_of(request)
        decision = form.get("decision")
        if not self._is_view(approval, form.get("view", "")) or decision not in ("approve", "decline"):
            return refused("This page is out of date.")
        wanted, typed = approval.shown.type_number, form.get("number", "").strip()
        if decision == "approve" and approval.state == "waiting" and wanted and typed.casefold() != wanted.casefold():
            return self._as_it_is(approval, "That is not the number. Nothing was done.", typed, status=422)
        decided_now = await self._approvals.decide(approval, yes=decision == "approve")
        if decided_now and approval.callers:
            with anyio.move_on_after(_WAIT_FOR_OUTCOME):
                await approval.settled.wait()
        return RedirectResponse(request.url.path, status_code=303)

    async def _own(self, request: Request, principal: str | None) -> Approval | None:
        approval = await self._approvals.find("page", request.path_params["secret"])
        return approval if approval is not None and approval.bound.principal == principal else None

    def _as_it_is(self, approval: Approval, problem: str = "", typed: str = "", status: int = 200) -> Response:
        if approval.state != "waiting":
            return HTMLResponse(outcome_page(approval))
        left = self._approvals.remaining(approval)
        return HTMLResponse(question_page(approval, self._view(approval), left, problem, typed[:100]), status)

    def _view(self, approval: Approval) -> str:
        """A token for the form of this very view, which no other page can know."""
        nonce = secrets.token_urlsafe(16)
        return f"{nonce}.{self._seal(approval, nonce)}"

    def _is_view(self, approval: Approval, view: str) -> bool:
        nonce, _, seal = view.partition(".")
        return hmac.compare_digest(seal.encode(), self._seal(approval, nonce).encode())

    def _seal(self, approval: Approval, nonce: str) -> str:
        return hmac.new(self._key, f"{approval.secret} {nonce}".encode("utf-8", "replace"), "sha256").hexdigest()


def _not_now() -> Response:
    """Where questions are kept cannot be reached; a decision may or may not have got there."""
    text = "Approvals are unavailable right now. Open this page again in a minute to see the decision."
    return HTMLResponse(notice_page("Not now", text), 503)


async def unknown(request: Request) -> Response:
    """The same for a wrong guess, however close, and for an approval that was there once."""
    text = "This approval does not exist or has expired. Nothing was done."
    return HTMLResponse(notice_page("Not found", text), 404)


def refused(why: str) -> Response:
    """Nothing was done, and why."""
    return HTMLResponse(notice_page("Refused", f"{why} Nothing was done. Open the approval again."), 403)


def from_page(request: Request, origin: str) -> bool:
    """Whether a page at `origin` sent this form.

    Browsers say where a form comes from, and no page can make them lie; a request without an origin is refused.
    """
    if request.headers.getlist("origin") != [origin]:
        return False
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form; a field that comes twice counts as none."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        return {}
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def guarded(app: ASGIApp, hosts: set[str], script: str = "") -> ASGIApp:
    """No answer to a browser that was led here under another name. `script`: the hash of the one that may run."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(named) == 1 and named[0] in hosts:
            await app(scope, receive, send)
        else:
            await refused("This address is not served under that host name.")(scope, receive, send)

    policy = f"{_POLICY}; script-src '{script}'" if script else _POLICY
    return _with_headers(guard, {**HEADERS, "content-security-policy": policy})


def _with_headers(app: ASGIApp, headers: Mapping[str, str]) -> ASGIApp:
    """These headers on every answer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in headers.items()]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer
