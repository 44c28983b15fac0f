"""Checks before every request: host name, origin, the time its body takes, and whether the server is stopping.

Of MCP, knows only how a request differs from a response.
"""

import json
from collections.abc import Collection
from typing import Any, cast

import anyio
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoho_mcp.http.health import ActiveRequests
from zoho_mcp.http.settings import PATH

BODY_TIMEOUT = 20.0
"""Seconds for the whole body of a request."""
MAX_BODY = 1_048_576
"""Bytes. Arguments stay far below, because files are named, not sent."""
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers in which tunnels and proxies name the client."""
_PROXIED = (
    "This request comes through a tunnel or proxy, and no login is configured. The operator of this server "
    "makes a token for each user: zoho-invoice-mcp token add NAME."
)
_STOPPING = {"retry-after": "5", "connection": "close"}


class RequestGuard:
    """`app` behind the checks.

    Requests under another host name get a 421, those of another page's script a 403, slow ones a 408, and those that
    come while the server is stopping a 503. A server that does not know its callers is for this machine only: requests
    through a tunnel or proxy get a 403, under every host name.

    Args:
        open_paths: answered under every host name.
        within: seconds for the body of a request.
    """

    def __init__(
        self,
        app: ASGIApp,
        security: TransportSecuritySettings,
        active: ActiveRequests,
        *,
        open_paths: Collection[str],
        within: float,
        knows_callers: bool,
    ) -> None:
        self._app = app
        self._checks = TransportSecurityMiddleware(security)
        self._active = active
        self._open_paths = open_paths
        self._within = within
        self._knows_callers = knows_callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = await self._checks.validate_request(request)
        if refusal is None and not self._knows_callers and any(name in request.headers for name in _PROXY_HEADERS):
            refusal = JSONResponse({"error": _PROXIED}, 403)
        receive = _timely(receive, self._within)
        if refusal is None and self._active.stopping:
            body = await _read_body(receive)
            if body is None or _starts_work(scope, body):
                refusal = JSONResponse({"error": "This server is stopping."}, 503, _STOPPING)
            else:
                receive = _replay(body, receive)
        await (refusal or self._app)(scope, receive, send)


def _timely(receive: Receive, within: float) -> Receive:
    """`receive` with a time limit for the body, but none for what comes after it (the end of the connection)."""
    deadline, complete = anyio.current_time() + within, False

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        with anyio.move_on_after(deadline - anyio.current_time()):
            message = await receive()
            complete = not message.get("more_body", False)
            return message
        raise HTTPException(408, "Timed out waiting for the request's body.", {"connection": "close"})

    return receive_in_time


async def _read_body(receive: Receive) -> bytes | None:
    """The body; None when it is too large, too slow or incomplete."""
    body = b""
    try:
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or len(body) > MAX_BODY:
                return None
            if not message.get("more_body", False):
                return body
    except HTTPException:
        return None


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_replayed


def _starts_work(scope: Scope, body: bytes) -> bool:
    """Whether a request starts something new.

    Answers to questions, notifications, approvals and the end of a session do not: calls in progress wait for them.
    """
    if scope["method"] != "POST":
        return scope["method"] == "GET" and scope["path"] == PATH
    if scope["path"] != PATH:
        return False
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return not isinstance(message, dict) or {"id", "method"} <= cast("dict[str, Any]", message).keys()
