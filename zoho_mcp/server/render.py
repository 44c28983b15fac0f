"""From Zoho's envelope to what a model reads: our words, no empty fields, rows cut to their columns, exact figures."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import mcp_types as types

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.request import json_numbers


def success(
    operation: Operation, envelope: Mapping[str, Any], links: Sequence[types.ResourceLink] = ()
) -> types.CallToolResult:
    """The answer of a call that worked; text and structured content say the same."""
    content = shape(operation, envelope)
    return types.CallToolResult(content=[types.TextContent(text=compact(content)), *links], structured_content=content)


def failure(problem: ZohoMcpError) -> types.CallToolResult:
    """The answer of a call that did not: what happened, whether anything changed, what to do next."""
    return types.CallToolResult(content=[types.TextContent(text=str(problem))], is_error=True)


def shape(operation: Operation, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope without Zoho's wrapping: the record or the rows under their key, and the message."""
    renamed = cast("dict[str, Any]", json_numbers(_plain(envelope, operation.renames)))
    key = operation.tool_answer_key
    if operation.answer.columns:
        rows = renamed.get(key, [])
        paging = envelope.get("page_context", {})
        return {
            key: [{name: row[name] for name in operation.answer.columns if name in row} for row in rows],
            "page": paging.get("page", 1),
            "has_more": bool(paging.get("has_more_page", False)),
        }
    if renamed.get("message") == "success":
        del renamed["message"]
    return {name: value for name, value in renamed.items() if name not in ("code", "page_context")}


def compact(content: Any) -> str:
    """JSON in as few characters as it takes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any, renames: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_plain(part, renames) for part in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        return {renames.get(key, key): _plain(part, renames) for key, part in parts.items() if not _is_empty(part)}
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
