"""What stands before every request: under which name it came, from which page, how long its body takes, and whether the
server is about to stop. Knows nothing of MCP but how a request differs from an answer.
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

BODY_WITHIN = 20.0
"""Seconds for the whole body of a request, however it drips."""
LARGEST_BODY = 1_048_576
"""Bytes. No argument comes near it: files are named, not sent."""
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers by which tunnels and proxies say for whom they ask."""
_NOT_FROM_ELSEWHERE = (
    "This request comes through a tunnel or proxy, and no login is configured. The operator of this server "
    "makes a token for each user: zoho-invoice-mcp token add NAME."
)
_STOPPING = {"retry-after": "5", "connection": "close"}


def guarded(
    app: ASGIApp,
    security: TransportSecuritySettings,
    work: ActiveRequests,
    *,
    open_paths: Collection[str],
    within: float,
    knows_callers: bool,
) -> ASGIApp:
    """Requests under another name get 421, from another page's script 403, too slow ones 408, late ones 503.

    `open_paths` are answered under any host name: monitoring uses the IP address. A server that does not
    know its callers is for this machine alone: what a tunnel or proxy passes on gets 403, whatever name it gives.
    """
    checks = TransportSecurityMiddleware(security)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in open_paths:
            await app(scope, receive, send)
            return
        if (refusal := await checks.validate_request(Request(scope))) is not None:
            await refusal(scope, receive, send)
            return
        if not knows_callers and any(name.decode("latin-1").lower() in _PASSED_ON for name, _ in scope["headers"]):
            await JSONResponse({"error": _NOT_FROM_ELSEWHERE}, 403)(scope, receive, send)
            return
        timely = _timely(receive, within)
        if work.stopping:
            body = await _whole(timely)
            if body is None or _begins_something(scope, body):
                answer = JSONResponse({"error": "This server is stopping."}, 503, _STOPPING)
                await answer(scope, receive, send)
                return
            timely = _again(body, receive)
        await app(scope, timely, send)

    return guard


def _timely(receive: Receive, within: float) -> Receive:
    """`receive` for a body that has to be there in time; what comes after it (the end of the connection) may wait."""
    deadline, complete = anyio.current_time() + within, False

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        with anyio.move_on_after(deadline - anyio.current_time()):
            message = await receive()
            complete = not message.get("more_body", False)
            return message
        raise HTTPException(408, "The request's body was too long in coming.", {"connection": "close"})

    return receive_in_time


async def _whole(receive: Receive) -> bytes | None:
    """The body; None when it is too large, too slow or broken off."""
    body = b""
    try:
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or len(body) > LARGEST_BODY:
                return None
            if not message.get("more_body", False):
                return body
    except HTTPException:
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _begins_something(scope: Scope, body: bytes) -> bool:
    """Not so: a client's answer to a question, or word of a call, that goes on here; an approval; the end of a session.

    They are what the running calls wait for.
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
