"""The rows of `audit` for people: local time, plain words, and each record as Zoho shows it now, if reachable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import anyio

from zoho_mcp.audit.log import Entry
from zoho_mcp.audit.words import outcome_in_words, reason_in_words
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.server.tools.changes import Record, described, title_of
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.client import ZohoApi, ZohoClient


def described_rows(rows: Sequence[Entry], environment: Mapping[str, str], *, online: bool) -> list[dict[str, Any]]:
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
