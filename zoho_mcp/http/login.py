"""Login on the approval page: at the OAuth issuer, or with a token. A short-lived, sealed cookie remembers it."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from starlette.requests import Request
from starlette.responses import Response

from zoho_mcp.errors import UnavailableError
from zoho_mcp.http.identity import Issued
from zoho_mcp.http.issuer import fetch_json
from zoho_mcp.zoho.oauth.pkce import challenge_of, new_verifier

LASTS = 15 * 60.0
"""Seconds for which a person stays logged in."""
MAX_WRONG = 10
"""Wrong tokens per minute from one address."""
_MINUTE = 60.0
_MAX_ADDRESSES = 1000
Cookie = Literal["session", "login"]
_SAME_SITE: dict[Cookie, Literal["strict", "lax"]] = {
    "session": "strict",
    # The issuer sends the browser back from another site.
    "login": "lax",
}


class BrowserLogin:
    """Login at the issuer with a code and PKCE. `redirect_uri` is the address people come back to."""

    def __init__(self, issued: Issued, client_id: str, redirect_uri: str) -> None:
        self._issued = issued
        self._client_id = client_id
        self._redirect_uri = redirect_uri

    async def begin(self) -> tuple[str, dict[str, str]]:
        """The address of the login page, and the secrets that `end` needs. Raises UnavailableError."""
        page = (await self._issued.issuer.addresses()).authorization
        if not page:
            raise UnavailableError("The issuer names no login page.")
        kept = {"state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32), "verifier": new_verifier()}
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid",
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": challenge_of(kept["verifier"]),
            "code_challenge_method": "S256",
        }
        return f"{page}{'&' if '?' in page else '?'}{urlencode(query)}", kept

    async def end(self, query: Mapping[str, str], kept: Mapping[str, Any]) -> str:
        """The principal who came back with `query`; empty if any check fails. Raises UnavailableError."""
        issuer = self._issued.issuer
        if not _same(query.get("state", ""), kept["state"]) or query.get("iss", issuer.url) != issuer.url:
            return ""
        if not query.get("code"):
            return ""
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": self._redirect_uri,
            "client_id": self._client_id,
            "code_verifier": str(kept["verifier"]),
        }
        answer = await fetch_json((await issuer.addresses()).token, form)
        claims = await issuer.claims(str(answer.get("id_token", "")), self._client_id)
        if claims is None or not _same(str(claims.get("nonce", "")), kept["nonce"]):
            return ""
        if claims.get("azp", self._client_id) != self._client_id:
            return ""
        return self._issued.principal(claims)


def _same(one: str, other: object) -> bool:
    return hmac.compare_digest(one.encode(), str(other).encode())


class CookieSigner:
    """Sealed cookies for `origin`. `key`: 32 random bytes, from which this class derives a key of its own."""

    def __init__(self, key: bytes, origin: str, clock: Callable[[], float] = time.time) -> None:
        self._codec = AESGCMRequestStateCodec([hmac.new(key, b"approval page cookies", hashlib.sha256).digest()])
        self._secure = origin.startswith("https://")
        self._clock = clock

    def put(self, response: Response, kind: Cookie, content: dict[str, Any]) -> None:
        """Set a cookie that only this server, or one with its key, can read or change."""
        sealed = self._codec.seal(json.dumps({**content, "kind": kind, "until": self._clock() + LASTS}).encode())
        response.set_cookie(
            self._name(kind), sealed, max_age=int(LASTS), path="/", secure=self._secure, httponly=True,
            samesite=_SAME_SITE[kind],
        )  # fmt: skip

    def get(self, request: Request, kind: Cookie) -> dict[str, Any] | None:
        """The content of a valid cookie; None if it is missing, forged or too old."""
        try:
            content = json.loads(self._codec.unseal(request.cookies.get(self._name(kind), "")))
        except (InvalidRequestState, ValueError):
            return None
        return content if content["kind"] == kind and content["until"] > self._clock() else None

    def drop(self, response: Response, kind: Cookie) -> None:
        """Delete the cookie in the browser."""
        response.delete_cookie(
            self._name(kind), path="/", secure=self._secure, httponly=True, samesite=_SAME_SITE[kind]
        )

    def _name(self, kind: Cookie) -> str:
        # Browsers accept a name with this prefix only over https and for exactly this host.
        return f"{'__Host-' if self._secure else ''}zoho-invoice-mcp-{kind}"


class WrongTokens:
    """Counts wrong tokens per network address. Behind a proxy, all visitors have the same one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, list[float]] = {}

    def too_many(self, address: str) -> bool:
        """Whether to refuse another attempt from this address for now."""
        return len(self._recent(address)) >= MAX_WRONG

    def add(self, address: str) -> None:
        """Count a wrong token."""
        recent = [*self._recent(address), self._clock()]
        if len(self._times) >= _MAX_ADDRESSES:
            self._times.clear()
        self._times[address] = recent

    def _recent(self, address: str) -> list[float]:
        return [moment for moment in self._times.get(address, ()) if moment > self._clock() - _MINUTE]
