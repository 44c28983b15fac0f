"""Which operations a server offers, and each as an MCP tool."""

from collections.abc import Mapping
from typing import Any

import mcp_types as types

from zoho_mcp.settings import Settings
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.token_cache import granted_scopes
from zoho_mcp.zoho.token_scopes import usable


def offered(catalog: Catalog, settings: Settings) -> Mapping[str, Operation]:
    """The operations to list and run, in the catalog's order; what the granted scopes cannot do is left out."""
    granted, prefix = granted_scopes(settings), settings.scope_prefix
    return {
        name: operation for name, operation in catalog.operations.items() if usable(operation, catalog, prefix, granted)
    }


def tool(operation: Operation) -> types.Tool:
    """The operation as tools/list shows it."""
    return types.Tool(
        name=operation.name,
        title=operation.title,
        description=operation.description,
        input_schema=operation.published_input,
        output_schema=output_schema(operation),
        annotations=types.ToolAnnotations(
            title=operation.title,
            read_only_hint=operation.effect == "read",
            destructive_hint=operation.effect == "destroy",
            idempotent_hint=operation.http.method != "POST",
            open_world_hint="send" in (operation.effect, *operation.raises.values()),
        ),
    )


def output_schema(operation: Operation) -> dict[str, Any]:
    """The shape of `structured_content`: nothing is required, Zoho adds and leaves out fields freely."""
    properties: dict[str, Any] = {"message": {"type": "string"}}
    if operation.answer.file:
        properties = {"uri": {"type": "string"}, "name": {"type": "string"}, "mime_type": {"type": "string"}}
    elif operation.answer.columns:
        rows = {"type": "array", "items": operation.output or {"type": "object"}}
        properties = {operation.tool_answer_key: rows, "page": {"type": "integer"}, "has_more": {"type": "boolean"}}
    elif operation.answer.key:
        properties[operation.tool_answer_key] = operation.output or {"type": "object"}
    return {"type": "object", "properties": properties}
