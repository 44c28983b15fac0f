"""`audit`: shows the record of decisions and changes, as people read it, and verifies it."""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from zoho_mcp.audit.before_values import BeforeValues
from zoho_mcp.audit.log import Entry
from zoho_mcp.audit.verify import Wanted, calls, entries, verify
from zoho_mcp.audit.words import OUTCOMES as OUTCOMES_IN_WORDS
from zoho_mcp.audit.words import outcome_in_words, reason_in_words
from zoho_mcp.cli import console
from zoho_mcp.cli.options import MEMORY
from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.server.tools.changes import Record, described, title_of
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoApi, ZohoClient

COLUMNS = (("time", "time", 16), ("principal", "who", 24), ("client", "client", 24), ("action", "what", 28),
            ("record", "record", 20), ("amount", "amount", 18), ("customer", "customer", 24), ("way", "asked by", 11),
            ("outcome", "outcome", 22), ("reason", "why", 60))  # fmt: skip
_WRAPPED = ("time", "principal", "client", "action", "customer", "outcome", "reason")
_IF_ANY = ("principal", "amount", "customer")
"""Columns that are left out where no row has a value."""
_OF_BEFORE = (("time", "time (UTC)", 19), ("call", "id", 12), ("tool", "tool", 28), ("record_id", "record", 20))

_COLOURS = {OUTCOMES_IN_WORDS[name]: style for name, style in {
    "done": "green", "asked": "yellow", "declined": "yellow", "refused": "yellow", "not sent": "yellow",
    "failed": "red", "unknown": "bold red"}.items()}  # fmt: skip


def add_options(command: argparse.ArgumentParser) -> None:
    """Which calls to show; `audit verify` checks the file."""
    command.set_defaults(run=show_audit)
    command.usage = "%(prog)s [options] [command]"
    command.description = "Show every change and decision: when, what, and who approved it."
    command.add_argument("--file", default="", help="another audit file than your own")
    command.add_argument("--tool", default="", help="show only this tool")
    command.add_argument("--outcome", default="", help=f"show only one outcome: {', '.join(OUTCOMES_IN_WORDS)}")
    command.add_argument("--since", default="", metavar="TIME",
                         help="show only what happened since this time (UTC), as in 2026-10-31")  # fmt: skip
    command.add_argument("--client", default="", help="show only clients with this in their name")
    command.add_argument("--offline", action="store_true", help="do not look up numbers, amounts and customers in Zoho")
    command.add_argument("--json", action="store_true", help="print JSON, one line per call")
    more = command.add_subparsers(metavar="COMMAND")
    verify = more.add_parser("verify", help="check that no line was changed, removed or inserted")
    verify.set_defaults(run=verify_audit)
    verify.add_argument("--file", default=argparse.SUPPRESS, help="another audit file than your own")
    verify.add_argument("--head", default="", metavar="HASH", help="the head that an earlier check printed")
    before = more.add_parser("before", help="show the values that a change or a deletion replaced (kept for 90 days)")
    before.set_defaults(run=show_before)
    before.add_argument("--file", default=argparse.SUPPRESS, help="another audit file than your own")
    before.add_argument("call", nargs="?", default="", metavar="ID", help="only this change, as JSON")


def show_audit(options: argparse.Namespace) -> int:
    """Print a table of calls, newest last, or their lines as JSON."""
    if options.outcome and options.outcome not in OUTCOMES_IN_WORDS:
        raise SettingsError(f"Unknown outcome {options.outcome}.", f"Choose one of {', '.join(OUTCOMES_IN_WORDS)}.")
    path = _path(options)
    wanted = Wanted(options.tool, options.outcome, _moment(options.since), options.client)
    with console.busy("Reading the audit file"):
        rows = calls(entries(_read(path)), wanted)
    if options.json:
        for row in rows:
            console.verbatim(json.dumps(row))
    elif rows:
        with console.busy("Reading the records in Zoho"):
            # The records of the sandbox are not in Zoho.
            told = _in_words(rows, options.environment, online=not options.offline and options.sandbox is None)
        columns = [one for one in COLUMNS if one[0] not in _IF_ANY or any(row.get(one[0]) for row in told)]
        cells = [[_cell(row.get(name), width) for name, _, width in columns] for row in told]
        wrap = [at for at, (name, _, _) in enumerate(columns) if name in _WRAPPED]
        console.table([heading for _, heading, _ in columns], cells, wrap=wrap, colours=_COLOURS)
    else:
        console.complain(f"there are no such calls in {path}.")
    return 0


def verify_audit(options: argparse.Namespace) -> int:
    """Print whether the file is as it was written; 1 when it is not."""
    path, head = _path(options), options.head
    with console.busy("Checking every line of the audit file"):
        verdict = verify(_read(path), head)
    for note in verdict.notes:
        console.line(note)
    for problem in verdict.problems:
        console.line(problem, "red")
    result, style = ("NOT as written", "bold red") if verdict.problems else ("all as written", "bold green")
    console.line(f"{path}: {verdict.lines} lines, {result}.", style)
    if verdict.head:
        console.line(f"Head: {verdict.head}")
    if head and not verdict.problems:
        console.line(f"The line with the hash {head} is there.")
    else:
        console.line(
            "The file alone cannot show whether lines were cut off its end: keep the head somewhere else, and pass it "
            "with --head next time."
        )
    return 1 if verdict.problems else 0


def show_before(options: argparse.Namespace) -> int:
    """Print a table of the changes whose old values are kept, or one call's values as JSON; 1 when there are none."""
    values = BeforeValues(str(_path(options)))
    try:
        rows = [row for row in values.entries() if options.call in ("", row.get("call"))]
    except OSError as problem:
        raise SettingsError(f"The file {values.path} cannot be read: {problem.strerror or problem}.") from problem
    if not rows:
        console.complain(f"there are no such old values in {values.path}.")
        return 1
    if options.call:
        for row in rows:
            console.verbatim(json.dumps(row, indent=2, ensure_ascii=False))
        return 0
    cells = [
        [*(_cell(row.get(name), width) for name, _, width in _OF_BEFORE), _cell(", ".join(row.get("before", ())), 60)]
        for row in rows
    ]
    headings = [*(heading for _, heading, _ in _OF_BEFORE), "old values of"]
    console.table(headings, cells, wrap=[0, len(headings) - 1], colours={})
    return 0


def _path(options: argparse.Namespace) -> Path:
    of_demo = f"{options.sandbox}.audit.jsonl" if options.sandbox not in (None, MEMORY) else ""
    found = options.file or of_demo or from_environment(options.environment, account=False).audit_file
    if not found:
        raise SettingsError("The audit file is not known: HOME is not set.", "Name it with --file or ZOHO_AUDIT_FILE.")
    return Path(found)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(
            f"There is no audit file {path} yet.",
            "The first change in your account, or decision about one, creates it. The demo and --sandbox keep none. "
            "For demo books that are kept, add --sandbox FILE here too.",
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
        raise SettingsError(f"--since must be a day or a time like 2026-10-31T09:00, not {text}.") from None
    return (moment.replace(tzinfo=moment.tzinfo or UTC)).astimezone(UTC).isoformat().replace("+00:00", "")


def _cell(value: object, width: int) -> str:
    text = console.clean(value if value is not None else "")
    text = text.replace("T", " ", 1)[:19] if re.match(r"\d{4}-\d\d-\d\dT", text) else text
    return text if len(text) <= width else text[: width - 1] + "…"


def _in_words(rows: Sequence[Entry], environment: Mapping[str, str], *, online: bool) -> list[dict[str, Any]]:
    """Each row with `time`, `action`, `record`, `amount`, `customer`, `outcome` and `reason` as people read them."""
    try:
        settings = settings_for(environment) if online else None
    except ZohoMcpError:
        settings = None  # Nobody is logged in: the file alone is shown.
    catalog = load(settings.product, settings.edition) if settings else load()
    records = [Record()] * len(rows)
    if settings is not None:
        records = anyio.run(_records, settings, catalog, rows)
    return [_told(catalog, row, record) for row, record in zip(rows, records, strict=True)]


async def _records(settings: Settings, catalog: Catalog, rows: Sequence[Entry]) -> list[Record]:
    client = ZohoClient(settings)
    newest: dict[int, Record] = {}
    try:
        for organization in client.organizations:
            places = [at for at, row in enumerate(rows) if row.get("organization") == organization]
            api = ZohoApi(catalog, client, organization_id=organization)
            found = await described(api, [rows[at] for at in reversed(places)], _may_read)
            newest |= dict(zip(reversed(places), found, strict=True))
    finally:
        await client.aclose()
    return [newest.get(at, Record()) for at in range(len(rows))]


async def _may_read(reader: Operation, of_record: Mapping[str, Any]) -> bool:
    return True  # It is the owner who asks, at this machine.


def _told(catalog: Catalog, row: Entry, record: Record) -> dict[str, Any]:
    amount = "" if record.amount is None else f"{record.amount} {record.currency_code}".strip()
    return {
        **row,
        "time": _local(str(row.get("time", ""))),
        "action": title_of(catalog, row),
        "record": record.number or row.get("record_id", ""),
        "amount": amount,
        "customer": record.customer_name,
        "outcome": outcome_in_words(row.get("outcome")),
        "reason": reason_in_words(row.get("kind"), row.get("code")),
    }


def _local(time: str) -> str:
    try:
        return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return time
