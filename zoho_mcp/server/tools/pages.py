"""Walks the pages of a list, 200 rows a request, and names the page that a list goes on with."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from zoho_mcp.telemetry.progress import report_progress
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE

if TYPE_CHECKING:
    from zoho_mcp.server.context import ServerContext

MOST = 200
"""The most rows that Zoho gives at once."""
Json = dict[str, Any]
PATIENCE_BETWEEN = 90.0
"""Seconds that a page may wait for its turn once there are others before it: a minute's limit frees in 61."""


def continued(start: int) -> dict[str, int]:
    """`page` and `per_page` of the page that begins after `start` rows: the largest page that can begin there."""
    size = next(size for size in range(MOST, 0, -1) if start % size == 0)
    return {"page": start // size + 1, "per_page": size}


async def walk(
    app: "ServerContext",
    name: str,
    filters: Mapping[str, Any],
    *,
    start: int = 0,
    total: int | None = None,
    under_way: bool = False,
) -> AsyncIterator[Json]:
    """The envelopes of a list, page by page from row `start` on, reporting each; the next is fetched when asked for.

    What was read so far would be lost if a later page were refused, so that waits for Zoho's limits as long as it
    takes; the first page does too if the call is `under_way`, having read another list.
    """
    where, seen = continued(start), 0
    while True:
        patience = PATIENCE_BETWEEN if seen or under_way else PATIENCE
        envelope = await app.run(name, {**filters, **where}, patience)
        count = len(envelope.get(app.catalog.operations[name].answer.key) or [])
        seen += count
        more = bool(count and envelope.get("page_context", {}).get("has_more_page"))
        await report_progress(f"{seen} rows read", count, total and (total if more else seen))
        yield envelope
        if not more:
            return
        where = {**where, "page": where["page"] + 1}
