"""A chat app's configuration file: a planned change to it, shown, then made completely or not at all."""

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from zoho_mcp.cli.clients import json_text, toml_text, yaml_text
from zoho_mcp.cli.clients.model import Client, ConfigurationError

_Result = TypeVar("_Result")
_BACKUP = ".zoho-backup-"
_SECRET = re.compile(
    r"""("?[\w.-]*(?:secret|token|key|passw|auth|credential)[\w.-]*"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*')""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Notation:
    """How a file is written: reading it, adding and removing an entry, and its words without spacing."""

    read: Callable[[str], dict[str, Any]]
    put: Callable[[str, str, str, Mapping[str, Any]], str]
    drop: Callable[[str, str, str], tuple[str, ...]]
    words: Callable[[str], list[str]]


NOTATIONS: Mapping[str, Notation] = {
    "json": Notation(json_text.read, json_text.put, json_text.drop, json_text.words),
    "jsonc": Notation(partial(json_text.read, comments=True), json_text.put, json_text.drop, json_text.words),
    "toml": Notation(toml_text.read, toml_text.put, toml_text.drop, toml_text.words),
    "yaml": Notation(yaml_text.read, yaml_text.put, yaml_text.drop, yaml_text.words),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a file says, and what it will say. None: there is no file."""

    path: Path
    before: str | None
    after: str | None

    def diff(self) -> str:
        """A unified diff; what looks like a secret of another entry is not shown."""
        old, new = (_SECRET.sub(r'\1"…"', text or "").splitlines() for text in (self.before, self.after))
        return "\n".join(difflib.unified_diff(old, new, f"{self.path} (now)", f"{self.path} (after)", n=2, lineterm=""))

    def make(self, now: datetime) -> Path | None:
        """Write the file in one step and keep a copy of the old one; the copy's path."""
        # A link stays a link: its target is replaced.
        path = self.path.resolve()
        try:
            backup = self.copy(now)
            self._write(path)
        except OSError as problem:
            raise ConfigurationError(
                f"{path} cannot be written: {problem.strerror}.",
                "If it is read-only on purpose, add the entry by hand: --print shows it.",
            ) from problem
        return backup

    def copy(self, now: datetime) -> Path | None:
        """Keep a copy of the file as it is; its path, None without a file. Raises ConfigurationError."""
        path = self.path.resolve()
        if _text(path) != self.before:
            raise ConfigurationError(f"Another program has just changed {path}.", "Run the command again.")
        return _copy(path, now) if self.before is not None else None

    def settle(self, client: Client) -> None:
        """After the app's own command: where the file says what was planned, give it the layout that was planned."""
        path = self.path.resolve()
        text, notation = _text(path), NOTATIONS[client.notation]
        if text is not None and _content(client, notation, text) == _content(client, notation, self.after or ""):
            self._write(path)

    def _write(self, path: Path) -> None:
        if self.after is None:
            path.unlink()
        else:
            _write(path, self.after)


def entries(client: Client, path: Path) -> dict[str, Any]:
    """The servers that a client's configuration names; none when there is no file. Raises ConfigurationError."""
    return _servers(client, path, _data(NOTATIONS[client.notation], path, _text(path)))


def adding(client: Client, path: Path, name: str, entry: Mapping[str, Any]) -> Change:
    """The change that adds the server `name`; what else its entry says already (`env`, `disabled`, …) stays."""
    notation = NOTATIONS[client.notation]
    before = _text(path)
    data = _data(notation, path, before)
    servers = _servers(client, path, data)
    old = servers.get(name)
    entry = {**old, **entry} if isinstance(old, dict) else dict(entry)
    if old == entry:
        return Change(path, before, before)
    _require_writable(path)
    after = _edited(path, lambda: notation.put(before or "", client.key, name, entry))
    _prove(notation, path, after, {**data, client.key: {**servers, name: entry}})
    return Change(path, before, after)


def removing(client: Client, path: Path, name: str) -> Change:
    """The change that removes the server `name`, and the file too if `install` had created it."""
    notation = NOTATIONS[client.notation]
    before = _text(path)
    data = _data(notation, path, before)
    servers = _servers(client, path, data)
    if before is None or name not in servers:
        return Change(path, before, before)
    _require_writable(path)
    forms = _edited(path, lambda: notation.drop(before, client.key, name))
    rest = {key: value for key, value in servers.items() if key != name}
    others = {key: value for key, value in data.items() if key != client.key}
    _prove(notation, path, forms[0], {**data, client.key: rest} if rest else others)
    return Change(path, before, _restored(notation, path, forms))


def _restored(notation: Notation, path: Path, forms: tuple[str, ...]) -> str | None:
    """The bytes the file had before, if a copy says the same as what is left now; else the first form."""

    def content(text: str) -> list[str]:
        found = notation.words(text)
        return [] if found == ["{", "}"] else found

    for backup in sorted(path.parent.glob(path.name + _BACKUP + "*"), reverse=True):
        old = _text(backup)
        if old is not None and any(content(old) == content(form) for form in forms):
            return old
    return forms[0] if content(forms[0]) else None


def _text(path: Path) -> str | None:
    try:
        # Bytes, so that line ends and a byte order mark stay as they are.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{path} cannot be read: {problem}.") from problem


def _data(notation: Notation, path: Path, text: str | None) -> dict[str, Any]:
    try:
        return notation.read((text or "").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as problem:
        raise ConfigurationError(
            f"{path} cannot be parsed ({problem}).", "Correct it, or add the entry by hand: --print shows it."
        ) from problem


def _servers(client: Client, path: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    servers = data.get(client.key, {})
    if servers is None and client.notation == "yaml":
        servers = {}
    if not isinstance(servers, dict):
        raise ConfigurationError(f"{path}: {client.key} is not a list of servers by name.")
    return cast("dict[str, Any]", servers)


def _content(client: Client, notation: Notation, text: str) -> dict[str, Any]:
    """What a text says, without an empty list of servers."""
    data = notation.read(text.removeprefix("\ufeff"))
    return {key: value for key, value in data.items() if key != client.key or value}


def _require_writable(path: Path) -> None:
    if path.exists() and not path.stat().st_mode & 0o222:
        raise ConfigurationError(
            f"{path} is read-only.", "Make it writable, or add the entry where the file is made: --print shows it."
        )


def _edited(path: Path, edit: Callable[[], _Result]) -> _Result:
    try:
        return edit()
    except ValueError as problem:
        raise _not_safely(path) from problem


def _prove(notation: Notation, path: Path, text: str, expected: Mapping[str, Any]) -> None:
    """Prove that a text was changed as intended and nowhere else, by reading it again."""
    try:
        holds = notation.read(text.removeprefix("\ufeff")) == expected
    except ValueError as problem:
        raise _not_safely(path) from problem
    if not holds:
        raise _not_safely(path)


def _not_safely(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} has a layout that cannot be changed safely.", "Add the entry by hand: --print shows it."
    )


def _copy(path: Path, now: datetime) -> Path:
    backup = path.with_name(f"{path.name}{_BACKUP}{now:%Y%m%d-%H%M%S-%f}")
    shutil.copy2(path, backup)
    return backup


def _write(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
