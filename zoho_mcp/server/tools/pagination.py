"""Reads lists page by page, 200 rows a request.

A list tool with `max_records` reads as many pages as that takes, and no page that would not be shown: it stops once
there are enough rows, or no more fit into the result.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import MOST_ROWS, compact_json, continued, rows
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.progress import report_progress
from zoho_mcp.zoho.api import Envelope, ZohoApi
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE

PATIENCE_BETWEEN = 90.0
"""Seconds that a page may wait for its turn once there are others before it: a minute's limit frees in 61."""


async def walk(
    api: ZohoApi,
    name: str,
    filters: Mapping[str, Any],
    *,
    start: int = 0,
    total: int | None = None,
    under_way: bool = False,
) -> AsyncIterator[Envelope]:
    """The envelopes of a list, page by page from row `start` on; the next is fetched when asked for.

    What was read so far would be lost if a later page were refused, so that waits for Zoho's limits as long as it
    takes; the first page does too if the call is `under_way`, having read another list.
    """
    where, seen = continued(start), 0
    while True:
        envelope = await api.run(name, {**filters, **where}, PATIENCE_BETWEEN if seen or under_way else PATIENCE)
        count = len(envelope.get(api.catalog.operations[name].answer.key) or [])
        seen += count
        more = bool(count and envelope.get("page_context", {}).get("has_more_page"))
        await report_progress(f"{seen} rows read", count, total and (total if more else seen))
        yield envelope
        if not more:
            return
        where = {**where, "page": where["page"] + 1}


async def run(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    """The envelope of a read: a page as Zoho gives it, or a list with up to `max_records` rows."""
    limit = arguments.get("max_records")
    if limit is None:
        return await app.api.run(operation.name, arguments)
    filters = {name: value for name, value in arguments.items() if name not in ("page", "per_page", "max_records")}
    start = (arguments.get("page", 1) - 1) * arguments.get("per_page", MOST_ROWS)
    if limit < MOST_ROWS and start % limit == 0:
        return await app.api.run(operation.name, {**filters, "page": start // limit + 1, "per_page": limit})
    return await _all_pages(app, operation, filters, start, limit)


async def _all_pages(
    app: ServerContext, operation: Operation, filters: Mapping[str, Any], start: int, limit: int
) -> Envelope:
    key, own_id = operation.answer.key, _own_id(operation)
    found: dict[str, dict[str, Any]] = {}
    """By id: a record that is added meanwhile pushes another onto the next page, where it would count twice."""
    size, more = 0, False
    async for envelope in walk(app.api, operation.name, filters, start=start, total=limit):
        page: list[dict[str, Any]] = envelope.get(key) or []
        found |= {str(row.get(own_id, len(found) + place)): row for place, row in enumerate(page)}
        more = bool(envelope.get("page_context", {}).get("has_more_page"))
        size += len(compact_json(rows(operation, page, tuple(filters.get("fields", ())))))
        if len(found) >= limit or size > app.settings.max_answer:
            break
    context = {**continued(start), "has_more_page": more or len(found) > limit}
    return {"code": 0, key: list(found.values())[:limit], "page_context": context}


def _own_id(operation: Operation) -> str:
    """Zoho's name for the id of a row: the first column."""
    ours = operation.answer.columns[0]
    return next((theirs for theirs, name in operation.renames.items() if name == ours), ours)
