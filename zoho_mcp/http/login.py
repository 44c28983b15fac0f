"""Logging in at the OAuth issuer, with a code and PKCE: sending a person there, and finding out who came back."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from zoho_mcp.errors import UnavailableError
from zoho_mcp.http.fetch_json import fetch_json
from zoho_mcp.http.identity import Issued


class BrowserLogin:
    """For one client id at one issuer; `redirect` is where people come back to."""

    def __init__(self, issued: Issued, client_id: str, redirect: str) -> None:
        self._issued = issued
        self._client_id = client_id
        self._redirect = redirect

    async def begin(self) -> tuple[str, dict[str, str]]:
        """Where to send the person, and what the way back is checked with. Raises UnavailableError."""
        there = (await self._issued.issuer.addresses()).authorization
        if not there:
            raise UnavailableError("The issuer names no page to log in on.")
        known = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(known["verifier"].encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "scope": "openid",
            "state": known["state"],
            "nonce": known["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}", known

    async def end(self, said: Mapping[str, str], known: Mapping[str, Any]) -> str:
        """Who came back; empty when that is not certain. `said` is the query. Raises UnavailableError."""
        issuer = self._issued.issuer
        if not _same(said.get("state", ""), known["state"]) or said.get("iss", issuer.url) != issuer.url:
            return ""
        if not said.get("code"):
            return ""
        form = {
            "grant_type": "authorization_code",
            "code": said["code"],
            "redirect_uri": self._redirect,
            "client_id": self._client_id,
            "code_verifier": str(known["verifier"]),
        }
        answer = await fetch_json((await issuer.addresses()).token, form)
        claims = await issuer.claims(str(answer.get("id_token", "")), self._client_id)
        if claims is None or not _same(str(claims.get("nonce", "")), known["nonce"]):
            return ""
        if claims.get("azp", self._client_id) != self._client_id:
            return ""
        return self._issued.principal(claims)


def _same(one: str, other: object) -> bool:
    return hmac.compare_digest(one.encode(), str(other).encode())
