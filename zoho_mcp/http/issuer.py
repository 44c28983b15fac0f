"""An OAuth issuer: its addresses and keys, fetched rarely and carefully, and the check of its tokens."""

import ipaddress
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpx
import jwt

from zoho_mcp.errors import UnavailableError
from zoho_mcp.settings.values import is_loopback

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Public-key algorithms only. With a shared key, anyone who checks tokens could forge one; `none` means unsigned."""
FRESH = 3600.0
"""Seconds after which the keys are fetched again, because one may have been withdrawn."""
NOT_SOONER = 60.0
"""Seconds between two fetches, at least: strangers can send tokens that name keys which do not exist."""
MAX_AGE = 24 * 3600.0
"""Seconds for which keys are trusted while the issuer cannot be reached."""
LEEWAY = 30.0
"""Seconds by which two clocks may differ."""
_MAX_KEYS = 100
_FETCH_TIMEOUT = 10.0
_MAX_RESPONSE = 500_000
"""Bytes."""
_logger = logging.getLogger(__name__)
Json = dict[str, Any]
Fetch = Callable[[str], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses in the issuer's metadata. Without the last two, nobody can log in on a page."""

    keys: str
    authorization: str = ""
    token: str = ""


class Issuer:
    """One issuer and its keys. `fetch` gets a JSON object from an address."""

    def __init__(self, url: str, *, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._fetch = fetch or fetch_json
        self._clock = clock
        self._lock = anyio.Lock()
        self._addresses: Addresses | None = None
        self._keys: dict[tuple[str, str], jwt.PyJWK] = {}
        self._key_set: list[Mapping[str, Any]] = []
        self._fetched_at = self._tried_at = -MAX_AGE

    async def ready(self) -> None:
        """Return when tokens can be checked. Raises UnavailableError."""
        await self._refresh(lambda: self._age() < MAX_AGE)
        if self._age() >= MAX_AGE:
            raise UnavailableError("The issuer's keys cannot be fetched.", "Check ZOHO_HTTP_ISSUER and the network.")

    async def addresses(self) -> Addresses:
        """The issuer's addresses. Raises UnavailableError."""
        await self.ready()
        assert self._addresses is not None
        return self._addresses

    async def claims(self, token: str, audience: str) -> Json | None:
        """The claims of a token that this issuer signed for `audience` and that is valid now; otherwise None."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")), str(header.get("alg", "")))
            if key is None:
                return None
            return jwt.decode(
                token, key, algorithms=[key.algorithm_name], audience=audience, issuer=self.url, leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None

    async def _key(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        if algorithm not in ALGORITHMS:
            return None
        # While another request is fetching, the others use the keys at hand.
        if self._age() >= FRESH and not (self._lock.locked() and self._find(kid, algorithm)):
            await self._refresh(lambda: self._age() < FRESH)
        if self._find(kid, algorithm) is None:
            await self._refresh(lambda: self._find(kid, algorithm) is not None)
        return self._find(kid, algorithm) if self._age() < MAX_AGE else None

    def _find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        if (kid, algorithm) in self._keys:
            return self._keys[kid, algorithm]
        fitting = [one for one in self._key_set if one.get("kid", "") == kid] if kid else self._key_set
        if len(fitting) != 1 or fitting[0].get("alg", algorithm) != algorithm:
            return None
        key = self._keys[kid, algorithm] = jwt.PyJWK(dict(fitting[0]), algorithm)
        return key

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _refresh(self, enough: Callable[[], bool]) -> None:
        async with self._lock:
            if enough() or self._clock() - self._tried_at < NOT_SOONER:
                return
            self._tried_at = self._clock()
            try:
                addresses = await self._discovered()
                document = await self._fetch(addresses.keys)
                keys = cast("list[Mapping[str, Any]]", document["keys"])[:_MAX_KEYS]
                self._key_set = [key for key in keys if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
            except (UnavailableError, KeyError, TypeError, AttributeError, ValueError) as problem:
                _logger.warning("The keys of %s could not be fetched: %s", self.url, problem)
                return
            self._addresses, self._keys, self._fetched_at = addresses, {}, self._clock()

    async def _discovered(self) -> Addresses:
        """The addresses from the first well-known place that has metadata. Raises ValueError for another issuer's."""
        problem: Exception | None = None
        for place in _places(self.url):
            try:
                found = await self._fetch(place)
            except UnavailableError as caught:
                problem = caught
                continue
            if found.get("issuer") != self.url:
                raise ValueError(f"{place} is about another issuer")
            names = ("jwks_uri", "authorization_endpoint", "token_endpoint")
            return Addresses(*(_checked(str(found.get(name) or ""), self.url) for name in names))
        raise problem or UnavailableError("There is no metadata.")


def _places(issuer: str) -> list[str]:
    """The addresses of the metadata by RFC 8414 and OpenID Connect Discovery."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    found = [
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/openid-configuration{path}",
    ]
    return list(dict.fromkeys(found))


def _checked(address: str, issuer: str) -> str:
    """The address, which must be encrypted and must not lead into a private network. Raises ValueError."""
    if not address:
        return ""
    parts, own = urlsplit(address), urlsplit(issuer)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (is_loopback(host) and own.scheme == "http"):
        raise ValueError(f"{address} is not encrypted")
    if host != own.hostname and (is_loopback(host) or _is_inside(host)):
        raise ValueError(f"{address} is inside a network")
    return address


def _is_inside(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


async def fetch_json(address: str, form: Mapping[str, str] | None = None) -> Json:
    """The JSON object at an address, or the one that answers `form`. Follows no redirects. Raises UnavailableError.

    The error does not contain the query or the form, because they can hold secrets.
    """
    parts = urlsplit(address)
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    try:
        with anyio.fail_after(_FETCH_TIMEOUT):
            status, body = await _exchange(address, form, trust_env=not is_loopback(parts.hostname or ""))
        found: Any = json.loads(body) if status == 200 and len(body) <= _MAX_RESPONSE else None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as problem:
        raise UnavailableError(f"{where} could not be read ({type(problem).__name__}).") from None
    if not isinstance(found, dict):
        raise UnavailableError(f"{where} did not return a JSON object (status {status}).")
    return cast(Json, found)


async def _exchange(address: str, form: Mapping[str, str] | None, *, trust_env: bool) -> tuple[int, bytes]:
    """Status and body; a body that is too long is cut off. `trust_env`: whether to use the environment's proxy."""
    body = b""
    async with (
        httpx.AsyncClient(timeout=_FETCH_TIMEOUT, trust_env=trust_env, follow_redirects=False) as http,
        http.stream("POST" if form else "GET", address, data=form, headers={"Accept": "application/json"}) as answer,
    ):
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _MAX_RESPONSE:
                break
    return answer.status_code, body
