"""From Zoho's envelope to what a model reads: the fields people read, and no longer than the bound on an answer.

Text and structured content say the same. Rows are left out whole, and the answer says how to get them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import mcp_types as types

from zoho_mcp.errors import RejectedError, ZohoMcpError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.resources import uris
from zoho_mcp.server.results.projection import Json, field_tree, project, table, unknown, whole
from zoho_mcp.server.results.remarks import mailed, odd_dates, remarks
from zoho_mcp.server.results.totals import totals
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import visible
from zoho_mcp.zoho.request import json_numbers

MOST_ROWS = 200
"""The most rows that Zoho gives at once."""
Result = types.CallToolResult | types.InputRequiredResult
_ENVELOPE = ("code", "page_context")
_MOST_LINKED = 5
_NOTE = 160
"""Characters of the note that rows were left out."""


def success(
    app: ServerContext,
    operation: Operation,
    arguments: Mapping[str, Any],
    envelope: Mapping[str, Any],
    links: Sequence[types.ResourceLink] = (),
) -> types.CallToolResult:
    """The answer of a call that worked. Raises RejectedError for a field that does not exist."""
    if operation.dates & arguments.keys():
        today = datetime.fromtimestamp(app.api.client.clock(), UTC).date()
        if odd := odd_dates(operation, arguments, today):
            envelope = {**envelope, "remarks": [*odd, *envelope.get("remarks", [])]}
    answer, bound = shape(operation, envelope, arguments), app.settings.max_answer
    text = compact_json(shown := tabular(operation, answer))
    if len(text) <= bound or not operation.answer.columns:
        answer = shown
    elif operation.answer.columns:
        answer = tabular(operation, cut(operation, answer, envelope, bound, drafts=_drafts(arguments)))
        text = compact_json(answer)
    if visible(text) != text:
        answer = visible(answer)
        text = compact_json(answer)
    content: list[types.ContentBlock] = [*links, *_links_of(app, operation, arguments, envelope)]
    if app.settings.answer != "structured":
        content.insert(0, types.TextContent(text=text))
    return types.CallToolResult(content=content, structured_content=None if app.settings.answer == "text" else answer)


def with_fields(made: Result, fields: Mapping[str, Any]) -> Result:
    """The result with these fields besides, in its text and its structured content; a question stays as it is."""
    if not fields or not isinstance(made, types.CallToolResult) or made.is_error:
        return made
    fields = visible(fields)
    for part in made.content:
        if isinstance(part, types.TextContent):
            part.text = compact_json(json_numbers({**json.loads(part.text), **fields}))
            break
    if made.structured_content is not None:
        made.structured_content = json_numbers({**made.structured_content, **fields})
    return made


def continued(start: int) -> dict[str, int]:
    """`page` and `per_page` of the page that begins after `start` rows: the largest page that can begin there."""
    size = next(size for size in range(MOST_ROWS, 0, -1) if start % size == 0)
    return {"page": start // size + 1, "per_page": size}


def failure(problem: ZohoMcpError) -> types.CallToolResult:
    """The result of a call that failed: what happened, whether anything changed, what to do next.

    `structured_content` is `{"error": {"kind": …, "message": …}}`; the text says the same.
    """
    message = visible(str(problem))
    return types.CallToolResult(
        content=[types.TextContent(text=message)],
        structured_content={"error": {"kind": problem.kind, "message": message}},
        is_error=True,
    )


def tabular(operation: Operation, answer: Json) -> Json:
    """The answer with the rows of a list as a table."""
    key = operation.tool_answer_key
    if not operation.answer.columns or not isinstance(answer.get(key), list):
        return answer
    return {**answer, key: table(answer[key], operation.answer.columns)}


def shape(operation: Operation, envelope: Mapping[str, Any], arguments: Mapping[str, Any] | None = None) -> Json:
    """The envelope without Zoho's wrapping: the record or the rows under their key, and the message."""
    arguments = arguments or {}
    asked = tuple(dict.fromkeys(arguments.get("fields", ())))
    if operation.answer.columns:
        return _listed(operation, envelope, asked, drafts=_drafts(arguments))
    key, renames = operation.answer.key, operation.renames
    answer: Json = whole({name: value for name, value in envelope.items() if name not in (*_ENVELOPE, key)}, renames)
    if answer.get("message") == "success":
        del answer["message"]
    record, is_plain = envelope.get(key), _is_plain(operation, arguments)
    if not is_plain:
        answer |= mailed(operation, arguments, record)
    if cleared := arguments.get("clear"):
        answer["cleared"] = list(cleared)
    if isinstance(record, dict):
        if not is_plain and (differing := remarks(operation, arguments, cast(Json, record))):
            answer["remarks"] = [*answer.get("remarks", []), *differing]
        answer[operation.tool_answer_key] = _record(
            operation, cast(Json, record), asked, everything=bool(arguments.get("all_fields"))
        )
    elif record:
        answer[operation.tool_answer_key] = whole(record, renames)
    return answer


def _is_plain(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether the record can only be as asked: after a read, or a void or deletion, which gives nothing but ids."""
    only_ids = operation.effect == "destroy" and all(name.endswith("_id") for name in arguments)
    return operation.effect == "read" or only_ids


def _record(operation: Operation, record: Json, asked: tuple[str, ...], *, everything: bool) -> Json:
    _must_exist(operation, asked, [record])
    if everything or not operation.answer.fields:
        return whole(record, operation.renames)
    return project(record, field_tree(operation.answer.fields, asked), operation.renames)


def _listed(operation: Operation, envelope: Mapping[str, Any], asked: tuple[str, ...], *, drafts: bool) -> Json:
    key = operation.answer.key
    found: list[Json] = envelope.get(key) or []
    _must_exist(operation, asked, found)
    paging = envelope.get("page_context", {})
    page, has_more = paging.get("page", 1), bool(paging.get("has_more_page", False))
    # A report says more than its rows.
    rest = {
        name: value
        for name, value in envelope.items()
        if (operation.handler or operation.effect != "read") and name not in (*_ENVELOPE, key, "remarks", "no_sums")
    }
    answer: Json = {**whole(rest, {}), operation.tool_answer_key: rows(operation, found, asked)}
    answer |= {"page": page, "has_more": has_more}
    if has_more:
        answer["next"] = continued(_start(paging) + paging.get("rows_read", len(found)))
    answer |= {name: envelope[name] for name in ("found_by", "remarks") if name in envelope}
    if envelope.get("no_sums"):
        return answer
    return answer | totals(found, operation.answer.sums, complete=not has_more and not _start(paging), drafts=drafts)


def rows(operation: Operation, found: Sequence[Json], asked: tuple[str, ...] = ()) -> list[Json]:
    """Rows of a list with their columns and what was asked for besides."""
    fields = field_tree(operation.answer.columns, asked)
    return [project(row, fields, operation.renames) for row in found]


def cut(
    operation: Operation, answer: Mapping[str, Any], envelope: Mapping[str, Any], bound: int, *, drafts: bool = False
) -> Json:
    """The answer with as many of its rows as fit, at least one, and the call that gives the next."""
    key, start = operation.tool_answer_key, _start(envelope.get("page_context", {}))
    every: list[Json] = answer[key]
    fit = max(_fitting(every, bound - len(compact_json({**answer, key: []})) - _NOTE), 1)
    if "page" not in operation.input.get("properties", {}):
        return {**answer, key: every[:fit], "left_out": f"{len(every) - fit} rows: longer than ZOHO_MAX_ANSWER"}
    # Where each row stands in Zoho's own list: rows that do not fit a filter may have been left out.
    places: Sequence[int] = envelope.get("page_context", {}).get("positions") or range(1, len(every) + 1)
    shown = _even(start, fit, places)
    rest = {name: value for name, value in answer.items() if "sums" not in name}
    rest |= {"has_more": True, "next": continued(start + places[shown - 1])}
    rest["left_out"] = f"{len(every) - shown} rows of this page, for length"
    found: list[Json] = envelope[operation.answer.key]
    if envelope.get("no_sums"):
        return {**rest, key: every[:shown]}
    return {**rest, key: every[:shown], **totals(found[:shown], operation.answer.sums, complete=False, drafts=drafts)}


def _drafts(arguments: Mapping[str, Any]) -> bool:
    """Whether drafts are what was asked for: then they are added up."""
    return arguments.get("status") == "draft"


def _fitting(every: Sequence[Json], space: int) -> int:
    for count, row in enumerate(every):
        space -= len(compact_json(row)) + 1
        if space < 0:
            return count
    return len(every)


def _even(start: int, fit: int, places: Sequence[int]) -> int:
    """As many rows as fit, less a few, so that a later page can begin where they end."""
    return max(
        range((fit + 1) // 2, fit + 1),
        key=lambda shown: min(continued(start + places[shown - 1])["per_page"], fit) + shown,
    )


def _start(paging: Mapping[str, Any]) -> int:
    """How many rows of the whole list come before this page."""
    return (paging.get("page", 1) - 1) * paging.get("per_page", MOST_ROWS)


def _must_exist(operation: Operation, asked: tuple[str, ...], records: Sequence[Mapping[str, Any]]) -> None:
    problems = list(unknown(asked, records, operation.renames)) if asked else []
    if problems:
        raise RejectedError(f"fields of {operation.name}: {' '.join(problems)}", "Correct fields and call again.")


def _links_of(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]
) -> Iterator[types.ResourceLink]:
    """Resource links to the customer and invoices that the record, or else the call, names.

    None for what was deleted, nor for lists: their ids say as much, and a link costs as much as half a row.
    """
    if operation.answer.columns or operation.answer.file or operation.http.method == "DELETE":
        return
    record = envelope.get(operation.answer.key)
    named: Mapping[str, Any] = cast("dict[str, Any]", record) if isinstance(record, dict) else arguments
    if "get_invoice" in app.offered:
        for one in _invoices(named):
            yield _link(f"{app.base_uri}invoices/{one['invoice_id']}", one.get("invoice_number"), "Invoice")
    customer_id = named.get("customer_id") or named.get("contact_id")
    if customer_id and "get_customer" in app.offered:
        name = named.get("customer_name") or named.get("contact_name")
        yield _link(f"{app.base_uri}customers/{customer_id}", name, "Customer")


def _invoices(named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if named.get("invoice_id"):
        return [named]
    parts: list[Any] = named.get("invoices") or [{"invoice_id": one} for one in named.get("invoice_ids") or ()]
    return [cast(Mapping[str, Any], part) for part in parts if isinstance(part, dict)][:_MOST_LINKED]


def _link(uri: str, name: object, kind: str) -> types.ResourceLink:
    return types.ResourceLink(
        uri=uri, name=visible(str(name or f"{kind} {uri.rpartition('/')[2]}")), mime_type=uris.JSON
    )


def compact_json(content: Any) -> str:
    """JSON in as few characters as it takes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
