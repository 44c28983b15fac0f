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
from typing import Any, cast

from zoho_mcp.cli.clients import json_text, toml_text, yaml_text
from zoho_mcp.cli.clients.apps import Client, ConfigurationError

_BACKUP = ".zoho-backup-"
_SECRET = re.compile(
    r"""("?[\w.-]*(?:secret|token|key|passw|auth|credential)[\w.-]*"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*')""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Notation:
    """How a file is written. Each function raises ValueError for a text that it cannot read or change."""

    read: Callable[[str], dict[str, Any]]
    put: Callable[[str, str, str, Mapping[str, Any]], str]
    """Text, key of the servers, name, entry."""
    drop: Callable[[str, str, str], tuple[str, ...]]

    def says(self, text: str) -> dict[str, Any]:
        """What a text says; one without content says nothing."""
        return self.read(text.removeprefix("\ufeff"))

    def same(self, text: str, other: str) -> bool:
        """Whether two texts differ in spacing alone, or in what is empty."""
        one, two = ("".join(each.split()).replace("{}", "") for each in (text, other))
        said = ({key: value for key, value in self.says(each).items() if value} for each in (text, other))
        return one == two and next(said) == next(said)


NOTATIONS: Mapping[str, Notation] = {
    "json": Notation(json_text.read, json_text.put, json_text.drop),
    "jsonc": Notation(partial(json_text.read, comments=True), json_text.put, json_text.drop),
    "toml": Notation(toml_text.read, toml_text.put, toml_text.drop),
    "yaml": Notation(yaml_text.read, yaml_text.put, yaml_text.drop),
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
        """Write the file in one step and keep a copy of the old one; the copy's path. Raises ConfigurationError."""
        try:
            backup = self.copy(now)
            self._write()
        except OSError as problem:
            raise ConfigurationError(
                f"{self.path} cannot be written: {problem.strerror}.",
                "If it is read-only on purpose, add the entry by hand: --print shows it.",
            ) from problem
        return backup

    def copy(self, now: datetime) -> Path | None:
        """Keep a copy of the file as it is; its path, None without a file. Raises ConfigurationError."""
        # A link stays a link: its target is copied and replaced.
        path = self.path.resolve()
        if _text(path) != self.before:
            raise ConfigurationError(f"Another program has just changed {path}.", "Run the command again.")
        return None if self.before is None else Path(shutil.copy2(path, f"{path}{_BACKUP}{now:%Y%m%d-%H%M%S-%f}"))

    def settle(self, client: Client) -> None:
        """After the app's own command: if the file says what was planned, give it the planned layout."""
        text = _text(self.path.resolve())
        if text is not None and _content(client, text) == _content(client, self.after or ""):
            self._write()

    def _write(self) -> None:
        path = self.path.resolve()
        if self.after is None:
            path.unlink()
            return
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.after.encode())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def entries(client: Client, path: Path) -> dict[str, Any]:
    """The servers that a client's configuration names; none when there is no file. Raises ConfigurationError."""
    return _read(client, path)[2]


def adding(client: Client, path: Path, name: str, entry: Mapping[str, Any]) -> Change:
    """The change that adds the server `name`; what else its entry says already (`env`, `disabled`, …) stays."""
    before, data, servers = _read(client, path)
    old = servers.get(name)
    entry = {**old, **entry} if isinstance(old, dict) else dict(entry)
    if old == entry:
        return Change(path, before, before)
    expected = {**data, client.key: {**servers, name: entry}}
    [after] = _changed(client, path, expected, lambda by: (by.put(before or "", client.key, name, entry),))
    return Change(path, before, after)


def removing(client: Client, path: Path, name: str) -> Change:
    """The change that removes the server `name`, and the file too if `install` had created it."""
    before, data, servers = _read(client, path)
    if before is None or servers.pop(name, None) is None:
        return Change(path, before, before)
    expected = {key: value for key, value in {**data, client.key: servers}.items() if key != client.key or value}
    forms = _changed(client, path, expected, lambda by: by.drop(before, client.key, name))
    return Change(path, before, _restored(NOTATIONS[client.notation], path, forms))


def _restored(notation: Notation, path: Path, forms: tuple[str, ...]) -> str | None:
    """The bytes the file had before, if a copy says the same as what is left now; else the first form."""
    for backup in sorted(path.parent.glob(path.name + _BACKUP + "*"), reverse=True):
        old = _text(backup)
        if old is not None and any(notation.same(old, form) for form in forms):
            return old
    return None if notation.same(forms[0], "") else forms[0]


def _read(client: Client, path: Path) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
    """The file's text, what it says, and its servers. Raises ConfigurationError."""
    text = _text(path)
    try:
        data = NOTATIONS[client.notation].says(text or "")
    except (ValueError, RecursionError) as problem:
        raise ConfigurationError(
            f"{path} cannot be parsed ({problem}).", "Correct it, or add the entry by hand: --print shows it."
        ) from problem
    servers = data.get(client.key, {})
    if servers is None and client.notation == "yaml":
        servers = {}
    if not isinstance(servers, dict):
        raise ConfigurationError(f"{path}: {client.key} is not a list of servers by name.")
    return text, data, cast("dict[str, Any]", servers)


def _text(path: Path) -> str | None:
    try:
        # Bytes, so that line ends and a byte order mark stay as they are.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{path} cannot be read: {problem}.") from problem


def _content(client: Client, text: str) -> dict[str, Any]:
    """What a text says, without an empty list of servers."""
    data = NOTATIONS[client.notation].says(text)
    return {key: value for key, value in data.items() if key != client.key or value}


def _changed(
    client: Client, path: Path, expected: Mapping[str, Any], edit: Callable[[Notation], tuple[str, ...]]
) -> tuple[str, ...]:
    """The forms of the edited text, of which the first says what is `expected`. Raises ConfigurationError."""
    if path.exists() and not path.stat().st_mode & 0o222:
        raise ConfigurationError(
            f"{path} is read-only.", "Make it writable, or add the entry where the file is made: --print shows it."
        )
    notation = NOTATIONS[client.notation]
    try:
        forms = edit(notation)
        if notation.says(forms[0]) == expected:
            return forms
        problem = None
    except ValueError as found:
        problem = found
    raise ConfigurationError(
        f"{path} has a layout that cannot be changed safely.", "Add the entry by hand: --print shows it."
    ) from problem
