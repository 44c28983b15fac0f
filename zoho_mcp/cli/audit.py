"""Shows the record of decisions and changes, and says whether it is whole."""

import argparse
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from zoho_mcp.audit.verify import Wanted, calls, entries, verify
from zoho_mcp.cli import console
from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import from_environment

OUTCOMES = ("done", "refused", "declined", "failed", "unknown", "asked")
_COLUMNS = (("time", "time (UTC)", 19), ("principal", "who", 24), ("client", "client", 24), ("tool", "tool", 28),
            ("record_id", "record", 20), ("decision", "decision", 8), ("way", "asked by", 11),
            ("outcome", "outcome", 8), ("message", "message", 60))  # fmt: skip

_COLOURS = {"done": "green", "asked": "yellow", "declined": "yellow", "refused": "yellow", "failed": "red",
            "unknown": "bold red"}  # fmt: skip


def show_audit(options: argparse.Namespace) -> int:
    """Print a table of calls, newest last, or their lines as JSON."""
    if options.outcome and options.outcome not in OUTCOMES:
        raise SettingsError(f"{options.outcome} is no outcome: there is {', '.join(OUTCOMES)}.")
    path = _path(options.file)
    wanted = Wanted(options.tool, options.outcome, _moment(options.since), options.client)
    with console.busy("Reading the audit file"):
        rows = calls(entries(_read(path)), wanted)
    if options.json:
        for row in rows:
            console.line(json.dumps(row))
    elif rows:
        # Without a log-in there is nobody to name.
        known = any(row.get("principal") for row in rows)
        columns = [column for column in _COLUMNS if known or column[0] != "principal"]
        cells = [[_cell(row.get(name), width) for name, _, width in columns] for row in rows]
        console.table([heading for _, heading, _ in columns], cells, colours=_COLOURS)
    else:
        console.complain(f"nothing in {path}.")
    return 0


def verify_audit(file: str, head: str) -> int:
    """Print whether the file is whole; 1 when it is not."""
    path = _path(file)
    with console.busy("Checking every line of the audit file"):
        verdict = verify(_read(path), head)
    for note in verdict.notes:
        console.line(note)
    for problem in verdict.problems:
        console.line(problem, "red")
    result, style = ("NOT as they were written.", "bold red") if verdict.problems else ("all as written.", "bold green")
    console.line(f"{path}: {verdict.lines} lines; {result}", style)
    if verdict.head:
        console.line(f"Head: {verdict.head}")
    console.line(
        f"The line with the hash {head} is there."
        if head and not verdict.problems
        else "That lines were cut off the end cannot be seen from the file alone: keep the head elsewhere, and give it "
        "with --head the next time."
    )
    return 1 if verdict.problems else 0


def _path(file: str) -> Path:
    found = file or from_environment(os.environ, account=False).audit_file
    if not found:
        raise SettingsError("It is not known where the audit file is.", "Name it with --file, or set ZOHO_AUDIT_FILE.")
    return Path(found)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(
            f"There is no audit file {path}.", "It is made by the first decision or change; with --sandbox see --file."
        ) from None
    except OSError as problem:
        raise SettingsError(f"The audit file {path} cannot be read: {problem.strerror}.") from problem


def _moment(text: str) -> str:
    """A day or moment as the file writes it, in UTC; a moment without a zone is in UTC."""
    if not text or re.fullmatch(r"\d{4}(-\d{2}){0,2}", text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"--since must be a day or a moment like 2026-10-31T09:00, not {text}.") from None
    return (moment.replace(tzinfo=moment.tzinfo or UTC)).astimezone(UTC).isoformat().replace("+00:00", "")


def _cell(value: object, width: int) -> str:
    text = console.clean(value if value is not None else "")
    text = text.replace("T", " ", 1)[:19] if re.match(r"\d{4}-\d\d-\d\dT", text) else text
    return text if len(text) <= width else text[: width - 1] + "…"
