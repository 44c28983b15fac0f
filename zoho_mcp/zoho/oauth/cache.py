"""The access token that all processes of a user share, in a private file with a lock."""

import hashlib
import json
import logging
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, cast

import anyio

from zoho_mcp.errors import UnavailableError
from zoho_mcp.private_files import make_private_folder, read_private, write_private
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.grant_state import KNOWN_API_HOSTS, THROTTLED_FOR, Failure, GrantState, Token, scopes_in

LONGEST_WAIT = 10.0
"""Seconds to wait for another process that is fetching the token."""
_POLL = 0.05
_CLOCKS_DIFFER = 60.0
_logger = logging.getLogger(__name__)


def accounts_host(settings: Settings) -> str:
    """The address of the accounts server, which issues tokens."""
    return settings.accounts_url or DATA_CENTRES[settings.data_centre].accounts


def cache_for(settings: Settings) -> "TokenCache | None":
    """The shared file for these credentials; None if there is no folder for it."""
    if settings.token_cache is None:
        return None
    return TokenCache(settings.token_cache / f"{grant_name(settings)}.json")


def grant_name(settings: Settings) -> str:
    """A name for these credentials that others may read."""
    grant = settings.refresh_token.get_secret_value() or f"{settings.soid} {' '.join(sorted(settings.scopes))}"
    # Tokens are long and random, so the hash reveals nothing.
    return hashlib.sha256(f"{accounts_host(settings)}\n{settings.client_id}\n{grant}".encode()).hexdigest()[:32]


def granted_scopes(settings: Settings) -> frozenset[str] | None:
    """The scopes that Zoho granted; None if this machine does not know them."""
    cache = cache_for(settings)
    token = cache.read().token if cache else None
    return token.scopes if token and token.scopes else frozenset(settings.scopes) or None


class SharedTokens(Protocol):
    """The state of a grant, stored for all servers that use it. If the storage is unavailable, nothing is stored."""

    async def recall(self) -> GrantState:
        """The cached state; empty if it cannot be read."""
        ...

    async def keep(self, known: GrantState) -> None:
        """Store the state."""
        ...

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Held by one server at a time. Raises UnavailableError if that takes too long."""
        ...


class TokenCache:
    """The state of a grant in a file. If the file cannot be used, the program works without it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._warned = ""

    def read(self) -> GrantState:
        """The state; empty if there is no file, if it is broken, or if other users could have written it."""
        try:
            value: Any = json.loads(read_private(self.path))
        except FileNotFoundError:
            return GrantState()
        except OSError as problem:
            self._warn_once(f"The token cache is not used: {problem}.")
            return GrantState()
        except (ValueError, RecursionError):
            return GrantState()
        return from_json(cast("dict[str, Any]", value)) if isinstance(value, dict) else GrantState()

    def write(self, known: GrantState) -> None:
        """Replace the file."""
        try:
            # A rotated refresh token exists nowhere else.
            write_private(self.path, json.dumps(to_json(known)), durable=bool(known.refresh_token))
        except OSError as problem:
            self._warn_once(f"The token cache cannot be written: {problem}.")

    async def recall(self) -> GrantState:
        """See `SharedTokens`: the state in the file."""
        return self.read()

    async def keep(self, known: GrantState) -> None:
        """See `SharedTokens`: replace the file."""
        self.write(known)

    def forget(self) -> None:
        """Remove the file and its lock."""
        for path in (self.path, self._lock_path):
            with suppress(OSError):
                path.unlink()

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    @asynccontextmanager
    async def locked(self, seconds: float = LONGEST_WAIT) -> AsyncGenerator[None]:
        """Held by one process at a time. Raises UnavailableError after `seconds`.

        The system releases the lock of a process that dies. Polling can be cancelled and does not block the event loop.
        Where files cannot be locked, there is no lock.
        """
        from filelock import FileLock, Timeout  # needed about once an hour, and it takes 20 ms to load

        lock = FileLock(self._lock_path, mode=0o600, thread_local=False)
        with anyio.move_on_after(seconds) as patience:
            while not lock.is_locked:
                try:
                    make_private_folder(self.path.parent)
                    lock.acquire(blocking=False)
                except Timeout:
                    await anyio.sleep(_POLL)
                except OSError as problem:
                    self._warn_once(f"The token cache cannot be locked: {problem}.")
                    break
        if patience.cancelled_caught:
            raise UnavailableError(
                f"Another process of this user has been fetching the access token for {seconds:.0f} seconds.",
                "Call again in a minute; if that does not help, end the other servers for Zoho on this machine.",
            )
        try:
            yield
        finally:
            lock.release()

    def _warn_once(self, what: str) -> None:
        if what != self._warned:
            self._warned = what
            _logger.warning(what)


def is_trustworthy(known: GrantState, now: float) -> bool:
    """Whether the clock that wrote this state agrees with `now`, in seconds since the epoch."""
    failure = known.failure.until if known.failure else 0.0
    return known.asked_at < now + _CLOCKS_DIFFER and failure < now + THROTTLED_FOR + _CLOCKS_DIFFER


def to_json(known: GrantState) -> dict[str, Any]:
    """The state as a JSON object."""
    found: dict[str, Any] = {"asked_at": known.asked_at}
    if known.token:
        found |= {
            "access_token": known.token.secret,
            "expires_at": known.token.expires_at,
            "api_domain": known.token.api_domain,
            "scope": " ".join(sorted(known.token.scopes or ())),
        }
    if known.refresh_token:
        found["refresh_token"] = known.refresh_token
    if known.failure:
        failure = known.failure
        found["failure"] = {"error": failure.error, "description": failure.description, "until": failure.until}
    return found


def from_json(found: Mapping[str, Any]) -> GrantState:
    """The state of a JSON object made by `to_json`; invalid values count as missing."""
    token = failure = None
    if secret := _text(found, "access_token"):
        domain = _text(found, "api_domain")
        token = Token(
            secret,
            _number(found, "expires_at"),
            domain if domain in KNOWN_API_HOSTS else "",
            scopes_in(_text(found, "scope")),
        )
    if isinstance(stored := found.get("failure"), dict):
        part = cast("dict[str, Any]", stored)
        failure = Failure(_text(part, "error"), _text(part, "description"), _number(part, "until"))
    return GrantState(token, _number(found, "asked_at"), _text(found, "refresh_token"), failure)


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    # It goes into a header, where a newline or another alphabet is invalid.
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name, 0.0)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
