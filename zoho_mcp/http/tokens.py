"""Bearer tokens from a file: a token lets its holder in under a name. The file has their hashes, not the tokens.

The file is read again after each change, so that a revoked token ends at once. An unreadable file lets nobody in.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp.server.auth.provider import AccessToken

from zoho_mcp.errors import SettingsError
from zoho_mcp.private_files import locked, read_owned, write_private

PREFIX = "zim_"
"""Secret scanners recognize a token by this prefix."""
_MAX_LENGTH = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token of the file."""

    name: str
    sha256: str
    created: str = ""


class TokenFile:
    """The tokens that are valid now. A TokenVerifier of the SDK."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self._known: tuple[KnownToken, ...] = ()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access of a valid token; None for any other."""
        known = self.owner(token)
        if known is None:
            return None
        # The secret itself is not passed on.
        return AccessToken(token="", client_id=known.name, scopes=[], subject=known.name)

    def owner(self, token: str) -> KnownToken | None:
        """The entry of a token; None if there is none."""
        digest = _digest(token) if len(token) <= _MAX_LENGTH else ""
        found = None
        for known in self._current():
            if hmac.compare_digest(known.sha256, digest):
                found = known
        return found

    def still_has(self, name: str, sha256: str) -> bool:
        """Whether a name still has exactly this token, not one that was issued later."""
        return any((known.name, known.sha256) == (name, sha256) for known in self._current())

    def _current(self) -> tuple[KnownToken, ...]:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._known, self._seen = read_tokens(self._path), seen
        except (OSError, SettingsError) as problem:
            if self._known or self._seen != ():
                _logger.error("Nobody is let in: %s", problem)
            self._known, self._seen = (), ()
        return self._known


def read_tokens(path: Path) -> tuple[KnownToken, ...]:
    """The file's tokens. Raises OSError, or SettingsError if it is not a file of tokens."""
    try:
        document: Any = json.loads(read_owned(path))
        return tuple(_known(entry) for entry in document["tokens"])
    except (ValueError, KeyError, TypeError) as problem:
        raise SettingsError(
            f"{path} is not a token file ({type(problem).__name__}).",
            "Correct it, or remove it and create new tokens with `zoho-invoice-mcp token add NAME`.",
        ) from problem


def _known(entry: Mapping[str, Any]) -> KnownToken:
    known = KnownToken(str(entry["name"]), str(entry["sha256"]), str(entry.get("created", "")))
    if not _NAME.fullmatch(known.name) or not re.fullmatch(r"[0-9a-f]{64}", known.sha256):
        raise ValueError
    return known


def add_token(path: Path, name: str) -> str:
    """Create a token for `name`, store its hash, and return the token. Raises SettingsError."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name} is not a valid name.",
            "Use at most 64 letters, digits and . _ @ -, beginning with a letter or digit.",
        )
    token = PREFIX + secrets.token_urlsafe(32)
    with _changing(path):
        known = known_tokens(path)
        if any(one.name == name for one in known):
            raise SettingsError(
                f"{name} already has a token.",
                f"To replace it: `zoho-invoice-mcp token revoke {name}`, then add it again.",
            )
        _write(path, [*known, KnownToken(name, _digest(token), datetime.now(UTC).date().isoformat())])
    return token


def revoke_token(path: Path, name: str) -> None:
    """Remove the token of `name`. Raises SettingsError if there is none."""
    with _changing(path):
        known = known_tokens(path)
        left = [one for one in known if one.name != name]
        if len(left) == len(known):
            raise SettingsError(f"There is no token for {name}.", "`zoho-invoice-mcp token list` shows all tokens.")
        _write(path, left)


def known_tokens(path: Path) -> tuple[KnownToken, ...]:
    """The file's tokens; none without a file. Raises SettingsError."""
    try:
        return read_tokens(path) if path.exists() else ()
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {problem}.") from problem


@contextmanager
def _changing(path: Path) -> Generator[None]:
    """Locks the file against other processes, so that no change is lost. Raises SettingsError."""
    try:
        with locked(path):
            yield
    except OSError as problem:
        raise SettingsError(f"Cannot lock {path}: {problem}.") from problem


def _write(path: Path, known: list[KnownToken]) -> None:
    try:
        write_private(path, json.dumps({"tokens": [asdict(one) for one in known]}, indent=2) + "\n", durable=True)
    except OSError as problem:
        raise SettingsError(f"{path} cannot be written: {problem}.") from problem


def _digest(token: str) -> str:
    # No slow hash: a token is 256 random bits, which cannot be guessed.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
