"""Lists changes made through this server, from its audit file. The file has ids only: numbers, amounts and customers
are read from Zoho, as far as the caller may read them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types

from zoho_mcp.audit.log import Entry
from zoho_mcp.audit.verify import Wanted, calls, entries
from zoho_mcp.audit.words import outcome_in_words, reason_in_words
from zoho_mcp.errors import RejectedError, ZohoMcpError
from zoho_mcp.private_files import read_whole
from zoho_mcp.server import authorization
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.tool_call import ToolCall, logged_in
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoApi

MOST_ROWS = 100
"""Changes that are listed for one day."""
MOST_READ = 25
"""Records that are read for one list, newest first."""
Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
MayRead = Callable[[Operation, Mapping[str, Any]], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Record:
    """The fields that identify a record to people."""

    number: str = ""
    amount: Any = None
    currency_code: str = ""
    customer_name: str = ""


async def list_changes(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """The calls of one day that changed something or would have. Logged-in callers see only their own."""
    zone = None
    with suppress(ZohoMcpError):  # Without Zoho, the file is shown in this machine's time.
        zone = await app.api.zone()
    day = date.fromisoformat(arguments["date"]) if "date" in arguments else datetime.now(zone).date()
    found = await anyio.to_thread.run_sync(_of_day, app.audit.file, day, zone)
    own = [row for row in found if _is_visible(row, app, logged_in())][-MOST_ROWS:][::-1]

    async def may_read(reader: Operation, of_record: Mapping[str, Any]) -> bool:
        call = ToolCall(reader, of_record, app.api.books, logged_in())
        return reader.name in app.offered and (await authorization.decide(app, call)).decision.action == "allow"

    shown = await described(app.api, own, may_read)
    rows = [
        {
            "time": f"{datetime.fromisoformat(row['time']).astimezone(zone):%Y-%m-%d %H:%M}",
            "action": title_of(app.catalog, row),
            "number": record.number,
            "amount": record.amount,
            "currency_code": record.currency_code,
            "customer_name": record.customer_name,
            "outcome": outcome_in_words(row.get("outcome")),
            "reason": reason_in_words(row.get("kind"), row.get("code")),
            "record_id": row.get("record_id", ""),
            "client": row.get("client", ""),
        }
        for row, record in zip(own, shown, strict=True)
    ]
    return {"date": day.isoformat(), "changes": rows}, ()


async def described(api: ZohoApi, rows: Iterable[Entry], may_read: MayRead) -> list[Record]:
    """The record of each row; empty if it no longer exists, may not be read, or Zoho cannot be reached."""
    records: dict[tuple[str, str], Record] = {}
    found: list[Record] = []
    for row in rows:
        reader, place = reader_of(api.catalog, row)
        own_id = str(row.get("record_id") or "")
        if reader is None or not own_id.isdecimal():
            found.append(Record())
            continue
        if (reader.name, own_id) not in records and len(records) < MOST_READ:
            records[reader.name, own_id] = await _read(api, reader, {place: own_id}, may_read)
        found.append(records.get((reader.name, own_id), Record()))
    return found


def title_of(catalog: Catalog, row: Entry) -> str:
    """The title of the call's tool."""
    operation = catalog.operations.get(str(row.get("tool")))
    return operation.title if operation else str(row.get("tool", ""))


def reader_of(catalog: Catalog, row: Entry) -> tuple[Operation | None, str]:
    """The operation that reads the record of a row, and its argument."""
    operation = catalog.operations.get(str(row.get("tool")))
    if operation is None:
        return None, ""
    arguments: Mapping[str, Any] = row.get("arguments") or {}
    named = [name for name in operation.input.get("required", ()) if name.endswith("_id")][:1]
    by_name = bool(named) and str(arguments.get(named[0], "")) == row.get("record_id")
    for place, reader in catalog.readers():
        if [place] == named if by_name else reader.answer.key == operation.answer.key:
            return reader, place
    return None, ""


async def _read(api: ZohoApi, reader: Operation, of_record: Mapping[str, Any], may_read: MayRead) -> Record:
    try:
        if not await may_read(reader, of_record):
            return Record()
        record = await api.record(reader.name, of_record)
    except ZohoMcpError:
        return Record()
    number = next((str(value) for name, value in record.items() if name.endswith("_number") and value), "")
    customer = record.get("customer_name") or record.get("contact_name") or record.get("name") or ""
    amount = next((record[name] for name in ("total", "amount") if record.get(name) is not None), None)
    return Record(number, amount, str(record.get("currency_code") or ""), str(customer))


def _of_day(file: str, day: date, zone: tzinfo | None) -> list[Entry]:
    try:
        content = read_whole(Path(file)) if file else b""
    except FileNotFoundError:
        content = b""
    except OSError as problem:
        raise RejectedError("The audit file cannot be read.", "Tell the user to correct the file.") from problem
    rows = [
        row
        for row in calls(entries(content), Wanted())
        if row.get("effect") != "read" and datetime.fromisoformat(row["time"]).astimezone(zone).date() == day
    ]
    return [row for at, row in enumerate(rows) if not _is_answered(row, rows[at + 1 :])]


def _is_answered(row: Entry, later: Iterable[Entry]) -> bool:
    """Whether a later call brought the answer to this question."""
    what = ("tool", "arguments", "client", "principal")
    return row.get("outcome") == "asked" and any(all(one.get(n) == row.get(n) for n in what) for one in later)


def _is_visible(row: Entry, app: ServerContext, principal: str | None) -> bool:
    return row.get("organization") == app.api.books and principal in (None, row.get("principal"))
