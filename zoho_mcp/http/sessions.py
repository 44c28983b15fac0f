"""Who is logged in on the approval page: a short-lived cookie that only this server, or one with its key, can make."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Literal

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from starlette.requests import Request
from starlette.responses import Response

LASTS = 15 * 60.0
"""Seconds for which somebody stays logged in."""
MOST_WRONG = 10
"""Wrong tries a minute from one address."""
_MINUTE = 60.0
_MOST_ADDRESSES = 1000
Kind = Literal["session", "login"]
_SAME_SITE: dict[Kind, Literal["strict", "lax"]] = {
    "session": "strict",
    # The issuer sends the browser back from another site.
    "login": "lax",
}


class CookieSigner:
    """Sealed cookies for `origin`. `key`: 32 random bytes; what was sealed for another use of it does not open here."""

    def __init__(self, key: bytes, origin: str, clock: Callable[[], float] = time.time) -> None:
        self._codec = AESGCMRequestStateCodec([hmac.new(key, b"approval page cookies", hashlib.sha256).digest()])
        self._secure = origin.startswith("https://")
        self._clock = clock

    def put(self, response: Response, kind: Kind, content: dict[str, Any]) -> None:
        """Have the browser keep `content`, which nobody but us can read or change."""
        sealed = self._codec.seal(json.dumps({**content, "kind": kind, "until": self._clock() + LASTS}).encode())
        response.set_cookie(
            self._name(kind), sealed, max_age=int(LASTS), path="/", secure=self._secure, httponly=True,
            samesite=_SAME_SITE[kind],
        )  # fmt: skip

    def get(self, request: Request, kind: Kind) -> dict[str, Any] | None:
        """What was put, unless it is too old."""
        try:
            content = json.loads(self._codec.unseal(request.cookies.get(self._name(kind), "")))
        except (InvalidRequestState, ValueError):
            return None
        return content if content["kind"] == kind and content["until"] > self._clock() else None

    def drop(self, response: Response, kind: Kind) -> None:
        """Have the browser forget it."""
        response.delete_cookie(
            self._name(kind), path="/", secure=self._secure, httponly=True, samesite=_SAME_SITE[kind]
        )

    def _name(self, kind: Kind) -> str:
        # By this prefix browsers take it from this very host alone, and only encrypted.
        return f"{'__Host-' if self._secure else ''}zoho-invoice-mcp-{kind}"


class LoginAttempts:
    """Counts wrong tries to log in by where they come from. Behind a proxy that is one place for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, list[float]] = {}

    def is_open(self, address: str) -> bool:
        """Whether there may be another try from there."""
        return len(self._lately(address)) < MOST_WRONG

    def was_wrong(self, address: str) -> None:
        """A try was wrong."""
        lately = [*self._lately(address), self._clock()]
        if len(self._wrong) >= _MOST_ADDRESSES:
            self._wrong.clear()
        self._wrong[address] = lately

    def _lately(self, address: str) -> list[float]:
        return [moment for moment in self._wrong.get(address, ()) if moment > self._clock() - _MINUTE]
