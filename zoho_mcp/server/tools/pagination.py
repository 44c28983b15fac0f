"""Reads lists page by page, 200 rows a request.

A list tool with `max_records` reads as many pages as that takes, and no page that would not be shown: it stops once
there are enough rows, or no more fit into the result.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from zoho_mcp.errors import UnavailableError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import MOST_ROWS, compact_json, continued, rows
from zoho_mcp.server.tools import filters
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.call_context import report_progress
from zoho_mcp.zoho.api import Envelope, ZohoApi
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE

PATIENCE_BETWEEN = 90.0
"""Seconds that a page may wait for its turn once there are others before it: a minute's limit frees in 61."""


async def walk(
    api: ZohoApi,
    name: str,
    arguments: Mapping[str, Any],
    *,
    start: int = 0,
    total: int | None = None,
    under_way: bool = False,
) -> AsyncIterator[Envelope]:
    """The envelopes of a list, page by page from row `start` on; the next is fetched when asked for.

    What was read so far would be lost if a later page were refused, so that waits for Zoho's limits as long as it
    takes; the first page does too if the call is `under_way`, having read another list.
    """
    operation, where, seen, ids = api.catalog.operations[name], continued(start), 0, set[str]()
    while True:
        envelope = await api.run(name, {**arguments, **where}, PATIENCE_BETWEEN if seen or under_way else PATIENCE)
        count = len(envelope[operation.answer.key])
        envelope[operation.answer.key] = _new_rows(operation, envelope[operation.answer.key], ids)
        checked(operation, arguments, envelope, count)
        seen += count
        more = bool(count and envelope["page_context"]["has_more_page"])
        await report_progress(f"{seen} rows read", count, total and (total if more else seen))
        yield envelope
        if not more:
            return
        where = {**where, "page": where["page"] + 1}


def checked(operation: Operation, arguments: Mapping[str, Any], envelope: Envelope, read: int) -> Envelope:
    """The envelope without rows that contradict the filters; `remarks` say what was left out or cannot be told.

    Its `page_context` gets `rows_read`, how many rows Zoho sent.
    """
    rows_sent: list[dict[str, Any]] = envelope[operation.answer.key]
    kept, ignored = filters.apply(operation, arguments, rows_sent)
    remarks: list[str] = []
    if ignored:
        what = ", ".join(f"{name}={arguments[name]}" for name in ignored)
        remarks.append(f"Zoho did not apply {what}: {len(rows_sent) - len(kept)} rows that do not fit were left out.")
    if text := str(arguments.get("search_text") or ""):
        hidden = sum(not filters.shows(row, text) for row in kept)
        if hidden:
            remarks.append(
                f'{hidden} of these rows show "{text}" in none of their fields: Zoho found it elsewhere in the record, '
                "or did not search. There are no sums for this reason."
            )
            envelope["no_sums"] = True
    envelope[operation.answer.key] = kept
    envelope["page_context"]["rows_read"] = read
    if remarks:
        envelope["remarks"] = remarks
    return envelope


def _new_rows(operation: Operation, page: list[dict[str, Any]], ids: set[str]) -> list[dict[str, Any]]:
    """The rows that no page before had; notes their ids.

    Raises UnavailableError for a page that was sent before: reading on would never end.
    """
    own_id = _own_id(operation)
    if not all(own_id in row for row in page):
        return page
    fresh = [row for row in page if row[own_id] not in ids]
    if page and not fresh:
        raise UnavailableError(
            f"Zoho sent the same page of {operation.answer.key} twice.", "Narrow the list, so that one page holds it."
        )
    ids.update(row[own_id] for row in fresh)
    return fresh


async def run(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    """The envelope of a read: a page as Zoho gives it, or a list with up to `max_records` rows."""
    limit = arguments.get("max_records")
    if limit is None:
        return await _one_page(app, operation, arguments)
    wanted = {name: value for name, value in arguments.items() if name not in ("page", "per_page", "max_records")}
    start = (arguments.get("page", 1) - 1) * arguments.get("per_page", MOST_ROWS)
    if limit < MOST_ROWS and start % limit == 0:
        return await _one_page(app, operation, {**wanted, "page": start // limit + 1, "per_page": limit})
    return await _all_pages(app, operation, wanted, start, limit)


async def _one_page(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    envelope = await app.api.run(operation.name, arguments)
    if operation.answer.columns:
        checked(operation, arguments, envelope, len(envelope[operation.answer.key]))
    return envelope


async def _all_pages(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], start: int, limit: int
) -> Envelope:
    key, own_id = operation.answer.key, _own_id(operation)
    found: dict[str, dict[str, Any]] = {}
    """By id: a record that is added meanwhile pushes another onto the next page, where it would count twice."""
    size, read, more = 0, 0, False
    extra: dict[str, Any] = {}
    remarks: dict[str, None] = {}
    async for envelope in walk(app.api, operation.name, arguments, start=start, total=limit):
        page: list[dict[str, Any]] = envelope[key]
        read += envelope["page_context"]["rows_read"]
        remarks |= dict.fromkeys(envelope.get("remarks", ()))
        extra |= {"no_sums": True} if "no_sums" in envelope else {}
        found |= {str(row.get(own_id, len(found) + place)): row for place, row in enumerate(page)}
        more = bool(envelope.get("page_context", {}).get("has_more_page"))
        size += len(compact_json(rows(operation, page, tuple(arguments.get("fields", ())))))
        if len(found) >= limit or size > app.settings.max_answer:
            break
    dropped = max(len(found) - limit, 0)
    context = {**continued(start), "has_more_page": more or bool(dropped), "rows_read": read - dropped}
    extra |= {"remarks": list(remarks)} if remarks else {}
    return {"code": 0, key: list(found.values())[:limit], "page_context": context, **extra}


def _own_id(operation: Operation) -> str:
    """Zoho's name for the id of a row: the first column."""
    ours = operation.answer.columns[0]
    return next((theirs for theirs, name in operation.renames.items() if name == ours), ours)
