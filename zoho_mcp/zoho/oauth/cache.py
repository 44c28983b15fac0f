"""The access token that all processes of a user share: a private file, and a lock that a killed process cannot keep."""

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
from zoho_mcp.zoho.oauth.state import KNOWN_API_HOSTS, THROTTLED_FOR, Failure, GrantState, Token, scopes_in

LONGEST_WAIT = 10.0
"""Seconds to wait for another process that is fetching the token."""
_POLL = 0.05
_CLOCKS_DIFFER = 60.0
_logger = logging.getLogger(__name__)


def accounts_host(settings: Settings) -> str:
    """Where tokens come from."""
    return settings.accounts_url or DATA_CENTRES[settings.data_centre].accounts


def cache_for(settings: Settings) -> "TokenCache | None":
    """The shared file of these credentials; None where sharing is switched off."""
    if settings.token_cache is None:
        return None
    return TokenCache(settings.token_cache / f"{grant_name(settings)}.json")


def grant_name(settings: Settings) -> str:
    """What stands for these credentials where others may read it."""
    grant = settings.refresh_token.get_secret_value() or f"{settings.soid} {' '.join(sorted(settings.scopes))}"
    # Tokens are long and random: nobody gets from the hash back to one.
    return hashlib.sha256(f"{accounts_host(settings)}\n{settings.client_id}\n{grant}".encode()).hexdigest()[:32]


def granted_scopes(settings: Settings) -> frozenset[str] | None:
    """The scopes that Zoho granted, as far as this machine knows; None when it does not."""
    cache = cache_for(settings)
    token = cache.read().token if cache else None
    return token.scopes if token and token.scopes else frozenset(settings.scopes) or None


class SharedTokens(Protocol):
    """What is known about one grant, kept for all who use it. Nothing here raises because that place is gone."""

    async def recall(self) -> GrantState:
        """The cached state; empty if it cannot be read."""
        ...

    async def keep(self, known: GrantState) -> None:
        """Take down what Zoho just said."""
        ...

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Alone among all. Raises UnavailableError when that takes too long."""
        ...


class TokenCache:
    """What is known about one grant. Whatever is wrong with the file or its folder, the program works without it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = ""

    def read(self) -> GrantState:
        """What the file says; nothing when there is none, or it is broken, or others could have touched it."""
        try:
            value: Any = json.loads(read_private(self.path))
        except FileNotFoundError:
            return GrantState()
        except OSError as problem:
            self._tell(f"The token cache is not used: {problem}.")
            return GrantState()
        except (ValueError, RecursionError):
            return GrantState()
        return from_plain(cast("dict[str, Any]", value)) if isinstance(value, dict) else GrantState()

    def write(self, known: GrantState) -> None:
        """Replace the file."""
        try:
            # A refresh token that came later exists nowhere else.
            write_private(self.path, json.dumps(plain(known)), durable=bool(known.refresh_token))
        except OSError as problem:
            self._tell(f"The token cache cannot be written: {problem}.")

    async def recall(self) -> GrantState:
        """The same as `read`, as one of several ways to share."""
        return self.read()

    async def keep(self, known: GrantState) -> None:
        """The same as `write`."""
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
        """Alone among all processes. Raises UnavailableError when that takes too long.

        The system takes the lock back from a process that dies. Waiting is polling, so it can be cancelled and nothing
        else has to wait. Where files cannot be locked at all, everybody goes on alone.
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
                    self._tell(f"The token cache cannot be locked: {problem}.")
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

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            _logger.warning(what)


def is_trustworthy(known: GrantState, now: float) -> bool:
    """Whether it was written by a clock that agrees with this one."""
    failure = known.failure.until if known.failure else 0.0
    return known.asked_at < now + _CLOCKS_DIFFER and failure < now + THROTTLED_FOR + _CLOCKS_DIFFER


def plain(known: GrantState) -> dict[str, Any]:
    """What is known, as JSON can hold it."""
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


def from_plain(found: Mapping[str, Any]) -> GrantState:
    """The inverse; invalid entries are left out."""
    token = failure = None
    if secret := _text(found, "access_token"):
        domain = _text(found, "api_domain")
        token = Token(
            secret,
            _number(found, "expires_at"),
            domain if domain in KNOWN_API_HOSTS else "",
            scopes_in(_text(found, "scope")),
        )
    if isinstance(told := found.get("failure"), dict):
        part = cast("dict[str, Any]", told)
        failure = Failure(_text(part, "error"), _text(part, "description"), _number(part, "until"))
    return GrantState(token, _number(found, "asked_at"), _text(found, "refresh_token"), failure)


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    # What goes into a header must be plain: a newline or another alphabet makes it invalid.
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name, 0.0)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
