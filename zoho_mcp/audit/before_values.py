"""Saves the old values of changed records, so that a person can restore them, in a private file of JSON lines beside
the audit file, which has no such values. Lines older than `KEPT` are removed.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from zoho_mcp.audit.log import Entry, append_line, opened
from zoho_mcp.errors import AuditError
from zoho_mcp.private_files import locked, open_state, read_whole, write_private

KEPT = timedelta(days=90)
_LATE = timedelta(days=1)
"""The file is rewritten once its first line is this much older than `KEPT`: at most once a day."""


class BeforeValues:
    """Appends to one file and prunes it; without an audit file it keeps nothing."""

    def __init__(self, audit_file: str = "", clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = before_file(audit_file) if audit_file else None
        self._clock = clock

    def keep(self, fields: Mapping[str, Any], attachment: tuple[str, bytes] | None = None) -> None:
        """Append a line, on the disk when this returns. `attachment`: name and content of a file to be replaced.

        Raises AuditError if it cannot be written: then the change must not be sent.
        """
        if self.path is None:
            return
        try:
            with locked(self.path):
                self._prune(self.path)
                if attachment is not None:
                    fields = {**fields, "file": str(self._save(self.path, str(fields["call"]), *attachment))}
                entry = {"time": _text(self._clock()), **fields}
                with opened(self.path) as file:
                    append_line(file, json.dumps(entry, default=str).encode("ascii"), durable=True)
        except OSError as problem:
            raise AuditError(
                f"The old values cannot be written to {self.path} ({problem.strerror or problem}): no change is made "
                "that could not be restored.",
                "Tell the user to free or correct the file; reading still works.",
            ) from problem

    def entries(self) -> list[Entry]:
        """The lines that are kept, oldest first. Raises OSError."""
        if self.path is None:
            return []
        with locked(self.path):
            self._prune(self.path, late=timedelta())
            return [entry for raw in _lines(self.path) if (entry := _parsed(raw))]

    def prune(self) -> None:
        """Remove old lines. If the file cannot be changed now, that happens later."""
        if self.path is not None and self.path.exists():
            with suppress(OSError):
                self.entries()

    def _save(self, path: Path, call: str, name: str, content: bytes) -> Path:
        plain = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in name)[-80:]
        kept = _folder(path) / f"{call}-{plain}"
        write_private(kept, content, durable=True)
        return kept

    def _prune(self, path: Path, late: timedelta = _LATE) -> None:
        if not path.exists():
            return
        now = self._clock()
        with open(open_state(path, os.O_RDONLY), "rb") as file:
            first = _parsed(file.readline())
        if first is not None and str(first.get("time", "")) >= _text(now - KEPT - late):
            return
        oldest = _text(now - KEPT)
        parsed = [(raw, entry) for raw in _lines(path) if (entry := _parsed(raw))]
        kept = [raw for raw, entry in parsed if str(entry.get("time", "")) >= oldest]
        write_private(path, "".join(f"{raw.decode('ascii', 'replace')}\n" for raw in kept), durable=True)
        for _, entry in parsed:
            if str(entry.get("time", "")) < oldest and "file" in entry:
                (_folder(path) / Path(str(entry["file"])).name).unlink(missing_ok=True)


def before_file(audit_file: str) -> Path:
    """The file of old values that belongs to an audit file."""
    path = Path(audit_file)
    return path.with_name(f"{path.stem}-before.jsonl")


def _folder(path: Path) -> Path:
    return path.with_name(f"{path.stem}-files")


def _lines(path: Path) -> list[bytes]:
    return read_whole(path).splitlines() if path.exists() else []


def _parsed(raw: bytes) -> Entry | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast(Entry, value) if isinstance(value, dict) else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
