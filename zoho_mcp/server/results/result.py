"""Converts Zoho's envelope to a tool result: the fields that people read, within the maximum length.

Text and structured content are equal. Rows are omitted as a whole, and the result says how to get them.
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
"""The most rows in one response of Zoho's."""
Result = types.CallToolResult | types.InputRequiredResult
_ENVELOPE = ("code", "page_context")
_MOST_LINKED = 5
_NOTE = 160
"""Characters reserved for the note that rows were omitted."""


def success(
    app: ServerContext,
    operation: Operation,
    arguments: Mapping[str, Any],
    envelope: Mapping[str, Any],
    links: Sequence[types.ResourceLink] = (),
) -> types.CallToolResult:
    """The result of a successful call. Raises RejectedError for a requested field that does not exist."""
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


def with_fields(result: Result, fields: Mapping[str, Any]) -> Result:
    """The result with these fields added to its text and structured content. Questions and errors are unchanged."""
    if not fields or not isinstance(result, types.CallToolResult) or result.is_error:
        return result
    fields = visible(fields)
    for part in result.content:
        if isinstance(part, types.TextContent):
            part.text = compact_json(json_numbers({**json.loads(part.text), **fields}))
            break
    if result.structured_content is not None:
        result.structured_content = json_numbers({**result.structured_content, **fields})
    return result


def continued(start: int) -> dict[str, int]:
    """`page` and `per_page` of the largest page that begins after `start` rows."""
    size = next(size for size in range(MOST_ROWS, 0, -1) if start % size == 0)
    return {"page": start // size + 1, "per_page": size}


def failure(problem: ZohoMcpError) -> types.CallToolResult:
    """The result of a failed call: what happened, whether anything changed, what to do next.

    `structured_content` is `{"error": {"kind": …, "message": …}}`; the text is the message.
    """
    message = visible(str(problem))
    return types.CallToolResult(
        content=[types.TextContent(text=message)],
        structured_content={"error": {"kind": problem.kind, "message": message}},
        is_error=True,
    )


def tabular(operation: Operation, answer: Json) -> Json:
    """The result with the rows of a list as a table."""
    key = operation.tool_answer_key
    if not operation.answer.columns or not isinstance(answer.get(key), list):
        return answer
    return {**answer, key: table(answer[key], operation.answer.columns)}


def shape(operation: Operation, envelope: Mapping[str, Any], arguments: Mapping[str, Any] | None = None) -> Json:
    """The envelope without Zoho's wrapping: the record or the rows under their key, and the message."""
    arguments = arguments or {}
    requested = tuple(dict.fromkeys(arguments.get("fields", ())))
    if operation.answer.columns:
        return _listed(operation, envelope, requested, drafts=_drafts(arguments))
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
            operation, cast(Json, record), requested, everything=bool(arguments.get("all_fields"))
        )
    elif record:
        answer[operation.tool_answer_key] = whole(record, renames)
    return answer


def _is_plain(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether the record needs no comparison with the request: after a read, or a deletion or void given only ids."""
    only_ids = operation.effect == "destroy" and all(name.endswith("_id") for name in arguments)
    return operation.effect == "read" or only_ids


def _record(operation: Operation, record: Json, requested: tuple[str, ...], *, everything: bool) -> Json:
    _must_exist(operation, requested, [record])
    if everything or not operation.answer.fields:
        return whole(record, operation.renames)
    return project(record, field_tree(operation.answer.fields, requested), operation.renames)


def _listed(operation: Operation, envelope: Mapping[str, Any], requested: tuple[str, ...], *, drafts: bool) -> Json:
    key = operation.answer.key
    found: list[Json] = envelope.get(key) or []
    _must_exist(operation, requested, found)
    paging = envelope.get("page_context", {})
    page, has_more = paging.get("page", 1), bool(paging.get("has_more_page", False))
    # A report contains more than its rows.
    rest = {
        name: value
        for name, value in envelope.items()
        if (operation.handler or operation.effect != "read") and name not in (*_ENVELOPE, key, "remarks", "no_sums")
    }
    answer: Json = {**whole(rest, {}), operation.tool_answer_key: rows(operation, found, requested)}
    answer |= {"page": page, "has_more": has_more}
    if has_more:
        answer["next"] = continued(_start(paging) + paging.get("rows_read", len(found)))
    answer |= {name: envelope[name] for name in ("found_by", "remarks") if name in envelope}
    if envelope.get("no_sums"):
        return answer
    return answer | totals(found, operation.answer.sums, complete=not has_more and not _start(paging), drafts=drafts)


def rows(operation: Operation, found: Sequence[Json], requested: tuple[str, ...] = ()) -> list[Json]:
    """Rows of a list with their columns and the requested fields."""
    fields = field_tree(operation.answer.columns, requested)
    return [project(row, fields, operation.renames) for row in found]


def cut(
    operation: Operation, answer: Mapping[str, Any], envelope: Mapping[str, Any], bound: int, *, drafts: bool = False
) -> Json:
    """The result with as many rows as fit, at least one, and the arguments for the next rows."""
    key, start = operation.tool_answer_key, _start(envelope.get("page_context", {}))
    every: list[Json] = answer[key]
    fit = max(_fitting_rows(every, bound - len(compact_json({**answer, key: []})) - _NOTE), 1)
    if "page" not in operation.input.get("properties", {}):
        return {**answer, key: every[:fit], "left_out": f"{len(every) - fit} rows: longer than ZOHO_MAX_ANSWER"}
    # The position of each row in Zoho's list, because rows that do not match the filters may be missing here.
    places: Sequence[int] = envelope.get("page_context", {}).get("positions") or range(1, len(every) + 1)
    shown = _rows_to_show(start, fit, places)
    rest = {name: value for name, value in answer.items() if "sums" not in name}
    rest |= {"has_more": True, "next": continued(start + places[shown - 1])}
    rest["left_out"] = f"{len(every) - shown} rows of this page, for length"
    found: list[Json] = envelope[operation.answer.key]
    if envelope.get("no_sums"):
        return {**rest, key: every[:shown]}
    return {**rest, key: every[:shown], **totals(found[:shown], operation.answer.sums, complete=False, drafts=drafts)}


def _drafts(arguments: Mapping[str, Any]) -> bool:
    """Whether drafts were requested: then they are added up."""
    return arguments.get("status") == "draft"


def _fitting_rows(every: Sequence[Json], space: int) -> int:
    for count, row in enumerate(every):
        space -= len(compact_json(row)) + 1
        if space < 0:
            return count
    return len(every)


def _rows_to_show(start: int, fit: int, places: Sequence[int]) -> int:
    """The number of rows to show: slightly fewer than fit, so that a large page can begin after them."""
    return max(
        range((fit + 1) // 2, fit + 1),
        key=lambda shown: min(continued(start + places[shown - 1])["per_page"], fit) + shown,
    )


def _start(paging: Mapping[str, Any]) -> int:
    """The number of rows before this page."""
    return (paging.get("page", 1) - 1) * paging.get("per_page", MOST_ROWS)


def _must_exist(operation: Operation, requested: tuple[str, ...], records: Sequence[Mapping[str, Any]]) -> None:
    problems = list(unknown(requested, records, operation.renames)) if requested else []
    if problems:
        raise RejectedError(f"fields of {operation.name}: {' '.join(problems)}", "Correct fields and call again.")


def _links_of(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]
) -> Iterator[types.ResourceLink]:
    """Links to the customer and the invoices in the record, or else in the arguments.

    None after a deletion, nor for lists: there the ids suffice, and a link costs as much as half a row.
    """
    if operation.answer.columns or operation.answer.file or operation.http.method == "DELETE":
        return
    record = envelope.get(operation.answer.key)
    named: Mapping[str, Any] = cast("dict[str, Any]", record) if isinstance(record, dict) else arguments
    if "get_invoice" in app.offered:
        for invoice in _invoices(named):
            yield _link(f"{app.base_uri}invoices/{invoice['invoice_id']}", invoice.get("invoice_number"), "Invoice")
    customer_id = named.get("customer_id") or named.get("contact_id")
    if customer_id and "get_customer" in app.offered:
        name = named.get("customer_name") or named.get("contact_name")
        yield _link(f"{app.base_uri}customers/{customer_id}", name, "Customer")


def _invoices(named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if named.get("invoice_id"):
        return [named]
    parts: list[Any] = named.get("invoices") or [{"invoice_id": each} for each in named.get("invoice_ids") or ()]
    return [cast(Mapping[str, Any], part) for part in parts if isinstance(part, dict)][:_MOST_LINKED]


def _link(uri: str, name: object, kind: str) -> types.ResourceLink:
    return types.ResourceLink(
        uri=uri, name=visible(str(name or f"{kind} {uri.rpartition('/')[2]}")), mime_type=uris.JSON
    )


def compact_json(content: Any) -> str:
    """JSON without white space."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
