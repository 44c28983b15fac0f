"""One call of a list tool: a page as Zoho gives it, or, with `max_records`, as many pages as that takes.

No page is fetched that would not be shown: the walk ends once there are enough rows, or no more fit into the answer.
"""

from collections.abc import Mapping
from typing import Any

from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import compact_json, rows
from zoho_mcp.server.tools.pages import MOST, continued, walk
from zoho_mcp.specs.model import Operation


async def run(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of an operation, with the rows of all pages that its arguments ask for."""
    limit = arguments.get("max_records")
    if limit is None:
        return await app.run(operation.name, arguments)
    filters = {name: value for name, value in arguments.items() if name not in ("page", "per_page", "max_records")}
    start = (arguments.get("page", 1) - 1) * arguments.get("per_page", MOST)
    if limit < MOST and start % limit == 0:
        return await app.run(operation.name, {**filters, "page": start // limit + 1, "per_page": limit})
    return await _all_pages(app, operation, filters, start, limit)


async def _all_pages(
    app: ServerContext, operation: Operation, filters: Mapping[str, Any], start: int, limit: int
) -> dict[str, Any]:
    key, own_id = operation.answer.key, _own_id(operation)
    found: dict[str, dict[str, Any]] = {}
    """By id: a record that is added meanwhile pushes another onto the next page, where it would count twice."""
    size, more = 0, False
    async for envelope in walk(app, operation.name, filters, start=start, total=limit):
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
