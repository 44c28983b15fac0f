"""Walks the pages of a list, 200 rows a request, and names the page that a list goes on with."""

from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

if TYPE_CHECKING:
    from zoho_mcp.server.state import App

MOST = 200
"""The most rows that Zoho gives at once."""
Json = dict[str, Any]
_caller: ContextVar[ServerRequestContext[Any] | None] = ContextVar("caller", default=None)


async def remember_caller(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Middleware: whoever waits for the request under way is told of its progress."""
    token = _caller.set(ctx)
    try:
        return await call_next(ctx)
    finally:
        _caller.reset(token)


async def report_progress(done: int, total: int | None, message: str) -> None:
    """Tell whoever asked to be told; nobody else notices."""
    if (ctx := _caller.get()) is not None:
        await ctx.session.report_progress(done, total, message)


def continued(start: int) -> dict[str, int]:
    """`page` and `per_page` of the page that begins after `start` rows: the largest page that can begin there."""
    size = next(size for size in range(MOST, 0, -1) if start % size == 0)
    return {"page": start // size + 1, "per_page": size}


async def walk(
    app: "App", name: str, filters: Mapping[str, Any], *, start: int = 0, total: int | None = None
) -> AsyncIterator[Json]:
    """The envelopes of a list, page by page from row `start` on, reporting each; the next is fetched when asked for."""
    where, seen = continued(start), 0
    while True:
        envelope = await app.run(name, {**filters, **where})
        count = len(envelope.get(app.catalog.operations[name].answer.key) or [])
        seen += count
        more = bool(count and envelope.get("page_context", {}).get("has_more_page"))
        await report_progress(seen, total if more else seen, f"{seen} rows read")
        yield envelope
        if not more:
            return
        where = {**where, "page": where["page"] + 1}
