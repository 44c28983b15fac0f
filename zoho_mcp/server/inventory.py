"""Which operations a server offers, and each as an MCP tool."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import mcp_types as types

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import Settings
from zoho_mcp.specs.model import Catalog, Operation


def offered(catalog: Catalog, settings: Settings) -> Mapping[str, Operation]:
    """The operations to list and run, in the catalog's order.

    The filters, in their order: toolsets and tools name what is wanted (neither: everything), exclude_tools takes away,
    read_only takes away whatever is not a read. Nothing that a client sends can add one back. Raises SettingsError for
    a name that does not exist.
    """
    _must_exist("ZOHO_TOOLSETS", settings.toolsets, catalog.toolsets)
    _must_exist("ZOHO_TOOLS", settings.tools, catalog.operations)
    _must_exist("ZOHO_EXCLUDE_TOOLS", settings.exclude_tools, catalog.operations)
    everything = not settings.toolsets and not settings.tools
    return {
        name: operation
        for name, operation in catalog.operations.items()
        if (everything or operation.toolset in settings.toolsets or name in settings.tools)
        and name not in settings.exclude_tools
        and (operation.effect == "read" or not settings.read_only)
    }


def _must_exist(setting: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            guess = f" Did you mean {near[0]}?" if near else f" There is {', '.join(known)}."
            raise SettingsError(f"{setting}: there is no {name}.{guess}")


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
        names = ("uri", "name", "mime_type", "saved_as")
        properties = {name: {"type": "string"} for name in names}
    elif operation.answer.columns:
        rows = {"type": "array", "items": operation.output or {"type": "object"}}
        properties = {operation.tool_answer_key: rows, "page": {"type": "integer"}, "has_more": {"type": "boolean"}}
    elif operation.answer.key:
        properties[operation.tool_answer_key] = operation.output or {"type": "object"}
    else:
        properties |= operation.output.get("properties", {})
    return {"type": "object", "properties": properties}
