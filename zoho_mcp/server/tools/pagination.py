"""Reads lists page by page, 200 rows per request.

With `max_records`, a list tool reads as many pages as needed and no more: it stops once there are enough rows, or no
more fit into the result.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from zoho_mcp.errors import UnavailableError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import MOST_ROWS, compact_json, continued, rows
from zoho_mcp.server.tools import filter_check
from zoho_mcp.server.tools.filter_check import Findings
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.calls import report_progress
from zoho_mcp.text import placeholders, spellings
from zoho_mcp.zoho.client import Envelope, ZohoApi
from zoho_mcp.zoho.rate_limit.limiter import PATIENCE

_NAMES = ("search_text", "contact_name", "contact_name_contains", "company_name_contains", "customer_name",
          "account_name", "name_contains", "recurrence_name")  # fmt: skip
"""Arguments for names of people and companies, which may be spelt in several ways."""
PATIENCE_BETWEEN = 90.0
"""Seconds that a later page may wait for the rate limit: the limit per minute frees within 61."""


async def walk(
    api: ZohoApi,
    name: str,
    arguments: Mapping[str, Any],
    *,
    start: int = 0,
    total: int | None = None,
    under_way: bool = False,
) -> AsyncIterator[Envelope]:
    """The envelopes of a list, page by page from row `start`; each page is fetched on demand.

    Later pages may wait long for Zoho's rate limits, because an error would lose what was read. So may the first page
    if the call is `under_way`, that is, has read another list.
    """
    operation, place, seen, ids = api.catalog.operations[name], continued(start), 0, set[str]()
    while True:
        envelope = await api.run(name, {**arguments, **place}, PATIENCE_BETWEEN if seen or under_way else PATIENCE)
        count = len(envelope[operation.answer.key])
        examined(operation, arguments, envelope, ids)
        seen += count
        more = bool(count and envelope["page_context"]["has_more_page"])
        await report_progress(f"{seen} rows read", count, total and (total if more else seen))
        yield envelope
        if not more:
            return
        place = {**place, "page": place["page"] + 1}


def examined(operation: Operation, arguments: Mapping[str, Any], envelope: Envelope, ids: set[str]) -> Envelope:
    """The envelope without rows that contradict the filters, and with `findings`.

    Rows whose ids are in `ids` were on an earlier page and are removed; the ids of the others are added. `page_context`
    gets `rows_read`, the number of rows sent, and `positions`, the places of the remaining rows among these. Raises
    UnavailableError if a page was sent twice: reading on would never end.
    """
    sent: list[dict[str, Any]] = envelope[operation.answer.key]
    places = _new_places(operation, sent, ids)
    kept, envelope["findings"] = filter_check.examine(operation, arguments, [sent[place] for place in places])
    envelope[operation.answer.key] = [sent[places[one]] for one in kept]
    envelope["page_context"] |= {"rows_read": len(sent), "positions": [places[one] + 1 for one in kept]}
    return envelope


def _new_places(operation: Operation, page: list[dict[str, Any]], ids: set[str]) -> list[int]:
    own_id = _own_id(operation)
    if not all(own_id in row for row in page):
        return list(range(len(page)))
    new_places = [place for place, row in enumerate(page) if row[own_id] not in ids]
    if page and not new_places:
        raise UnavailableError(
            f"Zoho sent the same page of {operation.answer.key} twice.", "Narrow the list, so that one page holds it."
        )
    ids.update(row[own_id] for row in page)
    return new_places


async def run(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    """The envelope of a read, with `remarks` on anything unusual; `no_sums` if its rows must not be added up."""
    if not operation.answer.columns:
        return await app.api.run(operation.name, arguments)
    return finished(await read(app, operation, arguments))


async def read(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    """The envelope of a list with its `findings`: one page, or up to `max_records` rows.

    If a name finds nothing, its other spellings are tried.
    """
    envelope = await _read(app, operation, arguments)
    if not envelope[operation.answer.key]:
        envelope = await _respelt(app, operation, arguments) or envelope
    rows: list[dict[str, Any]] = envelope[operation.answer.key]
    findings: Findings = envelope["findings"]
    if not filter_check.is_in_order(arguments, rows):
        findings.notes.append(f"Zoho did not sort by {arguments['sort_column']}: the order of these rows says nothing.")
    if rows:
        await _check_one_record(app, operation, arguments, rows[-1], findings)
    return envelope


def finished(envelope: Envelope) -> Envelope:
    """The envelope with its findings converted to remarks."""
    findings: Findings = envelope.pop("findings")
    return envelope | findings.remarks | ({"no_sums": True} if findings.no_sums else {})


async def _read(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    limit = arguments.get("max_records")
    if limit is None:
        return await _one_page(app, operation, arguments)
    wanted = {name: value for name, value in arguments.items() if name not in ("page", "per_page", "max_records")}
    start = (arguments.get("page", 1) - 1) * arguments.get("per_page", MOST_ROWS)
    if limit < MOST_ROWS and start % limit == 0:
        return await _one_page(app, operation, {**wanted, "page": start // limit + 1, "per_page": limit})
    return await _all_pages(app, operation, wanted, start, limit)


async def _one_page(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    return examined(operation, arguments, await app.api.run(operation.name, arguments), set())


async def _all_pages(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], start: int, limit: int
) -> Envelope:
    key = operation.answer.key
    found: list[dict[str, Any]] = []
    positions: list[int] = []
    size, read_before, more, findings = 0, 0, False, Findings()
    async for envelope in walk(app.api, operation.name, arguments, start=start, total=limit):
        page: list[dict[str, Any]] = envelope[key]
        context = envelope["page_context"]
        found += page
        positions += [read_before + place for place in context["positions"]]
        read_before += context["rows_read"]
        findings.add(envelope["findings"])
        more = context["has_more_page"]
        size += len(compact_json(rows(operation, page, tuple(arguments.get("fields", ())))))
        if len(found) >= limit or size > app.settings.max_answer:
            break
    dropped = len(found) > limit
    context = {**continued(start), "has_more_page": more or dropped, "positions": positions[:limit],
               "rows_read": positions[limit - 1] if dropped else read_before}  # fmt: skip
    return {"code": 0, key: found[:limit], "page_context": context, "findings": findings}


async def _respelt(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope | None:
    """The envelope of the first other spelling that finds something, or an empty one with a note on what was tried."""
    name = next((name for name in arguments if name in _NAMES and spellings(str(arguments[name]))), None)
    if name is None:
        return None
    tried: list[str] = [str(arguments[name])]
    envelope: Envelope = {}
    for spelling in spellings(tried[0]):
        envelope = await _read(app, operation, {**arguments, name: spelling})
        tried.append(spelling)
        if envelope[operation.answer.key]:
            note = f'Nothing was found for {name} "{tried[0]}"; this is what "{spelling}" finds.'
            break
    else:
        note = f"Nothing was found. Tried as {name}: {', '.join(tried)}."
    envelope["findings"].notes.append(note)
    return envelope


async def _check_one_record(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], row: Mapping[str, Any], findings: Findings
) -> None:
    """If rows do not have an id that was filtered by, check it in the record of one row."""
    zoho_names = {own_name: name for name, own_name in operation.renames.items()}
    filters = [name for name in arguments if name not in placeholders(operation.http.path)]
    hidden = [name for name in filters if name.endswith("_id") and zoho_names.get(name, name) not in row]
    own_id = operation.answer.columns[0]
    path = f"{operation.http.path.partition('?')[0]}/{{{own_id}}}"
    reader = next((other for other in app.catalog.operations.values()
                   if other.http.path == path and other.effect == "read" and not other.handler), None)  # fmt: skip
    if reader is None or not hidden or own_id not in reader.input["properties"]:
        return
    record = await app.api.record(reader.name, {**arguments, own_id: str(row[_own_id(operation)])})
    for name in hidden:
        if str(record.get(zoho_names.get(name, name), arguments[name])) != str(arguments[name]):
            findings.notes.append(f"Zoho did not apply {name}: these rows are not limited to it, nor added up.")
            findings.doubtful = True


def _own_id(operation: Operation) -> str:
    """Zoho's name for the id of a row, which is the first column."""
    own_name = operation.answer.columns[0]
    return next((zoho_name for zoho_name, name in operation.renames.items() if name == own_name), own_name)
