"""The audit file: JSON lines for decisions and changes, each with the hash of the line before. It is only appended to.

Several processes may write it. Knows neither HTTP nor MCP; verify.py reads it.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, cast

from zoho_mcp.errors import AuditError
from zoho_mcp.private_files import locked, open_state

Entry = dict[str, Any]
_BLOCK = 65_536


class Audit:
    """Appends to a file; without a file it records nothing. Opens it for each line, so that it can be moved away."""

    def __init__(self, file: str = "", clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.file = file
        self._clock = clock

    def append(self, fields: Mapping[str, Any], *, durable: bool = True) -> None:
        """Append a line. `durable`: it is on the disk when this returns. Raises AuditError if it cannot be written."""
        if not self.file:
            return
        path = Path(self.file)
        try:
            with locked(path), opened(path) as file:
                previous, before = _last(file)
                now = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
                entry = {"time": now.replace("+00:00", "Z"), **fields, **before, "previous": previous}
                append_line(file, line_of({**entry, "hash": hash_of(entry)}), durable=durable)
        except OSError as problem:
            raise AuditError(
                f"The audit file {path} cannot be written ({problem.strerror or problem}): nothing is changed without "
                "a record of it.",
                "Tell the user to fix the file or to set ZOHO_AUDIT_FILE to another one; reading still works.",
            ) from problem


def line_of(entry: Mapping[str, Any]) -> bytes:
    """The line of an entry. ASCII only, so that it has one encoding."""
    return json.dumps(entry, separators=(",", ":"), allow_nan=False).encode("ascii")


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 over the entry's line without its hash."""
    return hashlib.sha256(line_of({name: value for name, value in entry.items() if name != "hash"})).hexdigest()


def parsed(raw: bytes) -> Entry | None:
    """The entry of a line; None if the line is not an entry."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entry = cast(Entry, value) if isinstance(value, dict) else {}
    return entry if isinstance(entry.get("hash"), str) and isinstance(entry.get("previous"), str) else None


def mark_of(raw: bytes) -> str:
    """The mark of a line that cannot be read: its SHA-256."""
    return hashlib.sha256(raw).hexdigest()


@contextmanager
def opened(path: Path) -> Generator[FileIO]:
    """A private file for reading and appending. A new file's name is on the disk too."""
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        descriptor = open_state(path, flags)
    except FileNotFoundError:
        descriptor = open_state(path, flags | os.O_CREAT)
        _sync_folder(path.parent)
    with FileIO(descriptor, "r+") as file:
        yield file


def _sync_folder(folder: Path) -> None:
    """Write a new file's name to the disk. Windows has no such call."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _last(file: FileIO) -> tuple[str, Entry]:
    """The previous hash, and `{"torn": mark}` if a crash cut off the last line."""
    tail = _tail(file)
    if tail and not tail.endswith(b"\n"):
        whole, _, cut = tail.rpartition(b"\n")
        if parsed(cut) is None:
            return _chained(whole), {"torn": mark_of(cut)}
    return _chained(tail.removesuffix(b"\n")), {}


def _chained(lines: bytes) -> str:
    """The hash of the last line."""
    raw = lines.rpartition(b"\n")[2]
    if not raw:
        return ""
    entry = parsed(raw)
    return str(entry["hash"]) if entry else mark_of(raw)


def _tail(file: FileIO) -> bytes:
    """The end of the file, with at least its last two lines."""
    at, tail = file.seek(0, os.SEEK_END), b""
    while at > 0 and tail.count(b"\n") < 3:
        step = min(_BLOCK, at)
        at = file.seek(at - step)
        tail = cast(bytes, file.read(step)) + tail
    return tail


def append_line(file: FileIO, line: bytes, *, durable: bool) -> None:
    """Append a line; a line that was cut off is ended first. An OSError leaves the file as it was."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    rest = (b"" if file.read(1) in (b"", b"\n") else b"\n") + line + b"\n"
    try:
        while rest:
            rest = rest[file.write(rest) :]
        if durable:
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            os.ftruncate(file.fileno(), size)
        raise
