"""Sessions of older clients: none for callers without access, and a limited number for each other caller.

At the limit, the caller's session that has been idle longest ends. Knows the SDK's app only by its HTTP.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoho_mcp.http.settings import PATH

MAX_PER_CALLER = 50
_SESSION = "mcp-session-id"
FindCaller = Callable[[str], Awaitable[str | None]]
"""Returns the caller that a bearer token belongs to, or None."""
_NO_ACCESS = {"error": "The owner's policy does not let you use this server."}
_ALL_BUSY = {"error": "All of your sessions are busy. Close one."}


@dataclass
class _Session:
    caller: str
    used: float
    busy: int = 0


class SessionShares:
    """Wraps the SDK's app. `may_use`: whether a caller has any access. Without logins, there is only one caller."""

    def __init__(
        self, app: ASGIApp, who: FindCaller, may_use: Callable[[str], bool], most: int = MAX_PER_CALLER
    ) -> None:
        self._app = app
        self._who = who
        self._may_use = may_use
        self._most = most
        self._sessions: dict[str, _Session] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        session_id = headers.get(_SESSION, "")
        if session_id:
            await self._in_session(session_id, scope, receive, send)
            return
        caller = await self._who(headers.get("authorization", "").partition(" ")[2].strip())
        if caller is not None and not self._may_use(caller):
            await JSONResponse(_NO_ACCESS, 403)(scope, receive, send)
        elif caller is not None and not await self._has_room(caller, scope):
            await JSONResponse(_ALL_BUSY, 503)(scope, receive, send)
        else:
            await self._app(scope, receive, self._noting_session(caller or "", send))

    async def _in_session(self, session_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._sessions.get(session_id)
        if session is not None:
            session.busy += 1

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and (
                message["status"] == 404 or (scope["method"] == "DELETE" and message["status"] < 300)
            ):
                self._sessions.pop(session_id, None)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if session is not None:
                session.busy -= 1
                session.used = anyio.current_time()

    def _noting_session(self, caller: str, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                session_id = Headers(raw=message["headers"]).get(_SESSION)
                if session_id:
                    self._sessions[session_id] = _Session(caller, anyio.current_time())
            await send(message)

        return note

    async def _has_room(self, caller: str, scope: Scope) -> bool:
        """Whether the caller may have another session. Ends the caller's oldest idle session if necessary."""
        own = {key: one for key, one in self._sessions.items() if one.caller == caller}
        if len(own) < self._most:
            return True
        idle = [key for key, one in own.items() if not one.busy]
        if not idle:
            return False
        oldest = min(idle, key=lambda key: own[key].used)
        self._sessions.pop(oldest, None)
        await self._end(oldest, scope)
        return True

    async def _end(self, session_id: str, scope: Scope) -> None:
        """End a session as its client would, with the credentials of the same caller's request in `scope`."""
        kept = [(name, value) for name, value in scope["headers"] if name in (b"host", b"authorization")]
        headers = [*kept, (_SESSION.encode(), session_id.encode()), (b"accept", b"application/json, text/event-stream")]

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ignored(message: Message) -> None:
            pass

        await self._app({**scope, "method": "DELETE", "headers": headers}, nothing, ignored)
