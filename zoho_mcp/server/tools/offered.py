"""Selects the operations that a server offers and converts them to MCP tools."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import mcp_types as types

from zoho_mcp.errors import SettingsError
from zoho_mcp.policy.facts import MAIL
from zoho_mcp.server.context import RequestContext
from zoho_mcp.server.tool_call import TOKEN
from zoho_mcp.settings import Settings
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.text import did_you_mean
from zoho_mcp.zoho.client import ORGANIZATION
from zoho_mcp.zoho.oauth.cache import granted_scopes
from zoho_mcp.zoho.oauth.scopes import usable

EVERY_TOOLSET = "all"
"""The name for all toolsets, including the extra ones."""
_TOKEN_SCHEMA = {
    "type": "string",
    "description": "Only after the user agreed to the preview: the token that came with it. Valid once, for that call.",
}
_PAGING: Mapping[str, Any] = {
    "page": {"type": "integer"},
    "has_more": {"type": "boolean"},
    "next": {"type": "object", "description": "Arguments of the call that goes on"},
    "left_out": {"type": "string", "description": "What did not fit"},
    "remarks": {"type": "array", "description": "What is unusual about this list"},
}
_SUMS: Mapping[str, Any] = {
    "sums": {"type": "object", "description": "Of the whole list, by currency"},
    "sums_of_these_rows": {"type": "object", "description": "Of this part of the list, by currency"},
    "sums_in_base_currency": {"type": "object", "description": "All of them in the organisation's own currency"},
    "not_in_sums": {"type": "string", "description": "Not sent, void or of unknown currency"},
}


async def list_tools(ctx: RequestContext, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """Handles tools/list: every offered tool, always in the same order."""
    app = ctx.lifespan_context
    structured = app.settings.answer != "text"
    return types.ListToolsResult(tools=[tool(operation, structured=structured) for operation in app.offered.values()])


def offered(catalog: Catalog, settings: Settings) -> Mapping[str, Operation]:
    """The operations to list and run: those chosen, without those that the granted scopes exclude. See `chosen`."""
    granted, prefix = granted_scopes(settings), settings.scope_prefix
    found = {
        name: operation
        for name, operation in chosen(catalog, settings).items()
        if usable(operation, catalog, prefix, granted)
    }
    return {name: operation.worded_for(found) for name, operation in found.items()}


def chosen(catalog: Catalog, settings: Settings) -> Mapping[str, Operation]:
    """The operations that the settings select, in the catalog's order.

    First `toolsets` and `tools` select (neither: every toolset but the extra ones), then `exclude_tools` removes, then
    `read_only` removes all but reads. No client can add one back. Raises SettingsError for an unknown name.
    """
    _must_exist("ZOHO_TOOLSETS", settings.toolsets, (*catalog.toolsets, EVERY_TOOLSET))
    _must_exist("ZOHO_TOOLS", settings.tools, catalog.operations)
    _must_exist("ZOHO_EXCLUDE_TOOLS", settings.exclude_tools, catalog.operations)
    wanted = set(settings.toolsets)
    if EVERY_TOOLSET in wanted:
        wanted = set(catalog.toolsets)
    elif not settings.toolsets and not settings.tools:
        wanted = set(catalog.toolsets) - catalog.extra.keys()
    return {
        name: operation
        for name, operation in catalog.operations.items()
        if (operation.toolset in wanted or name in settings.tools)
        and name not in settings.exclude_tools
        and (operation.effect == "read" or not settings.read_only)
    }


def _must_exist(setting: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            suggestion = did_you_mean(name, known) or f"There is {', '.join(known)}."
            raise SettingsError(f"{setting}: there is no {name}. {suggestion}")


def for_organizations(catalog: Catalog, settings: Settings) -> Catalog:
    """With several organisations, add a required argument for it to every tool but those of the account."""
    if len(settings.organizations) < 2:
        return catalog
    which = one_of(settings, settings.organizations)
    return catalog.model_copy(
        update={
            "operations": {
                name: operation if operation.http.account else _for_one_of(operation, which)
                for name, operation in catalog.operations.items()
            }
        }
    )


def one_of(settings: Settings, numbers: Collection[str]) -> dict[str, Any]:
    """The schema of the argument for one of these organisations; it mentions no others."""
    names = zip(settings.organizations, settings.organization_names, strict=False)
    known = [f"{number} {name}" for number, name in names if name and number in numbers]
    described = f"Whose books: {', '.join(known) or 'organization_id of list_organizations'}"
    return {"type": "string", "enum": list(numbers), "description": described}


def _for_one_of(operation: Operation, which: Mapping[str, Any]) -> Operation:
    schema: dict[str, Any] = {
        **operation.input,
        "properties": {ORGANIZATION: which, **operation.input.get("properties", {})},
    }
    schema["required"] = [ORGANIZATION, *operation.input.get("required", [])]
    if "minProperties" in schema:
        schema["minProperties"] += 1
    return operation.model_copy(update={"input": schema})


def tool(operation: Operation, *, structured: bool = True) -> types.Tool:
    """The operation as an MCP tool. `structured`: with an output schema."""
    return types.Tool(
        name=operation.name,
        title=operation.title,
        description=operation.description,
        input_schema=operation.published_input,
        output_schema=output_schema(operation) if structured else None,
        _meta={"anthropic/alwaysLoad": True} if operation.always_loaded else None,
        annotations=types.ToolAnnotations(
            title=operation.title,
            read_only_hint=operation.effect == "read",
            destructive_hint=operation.effect == "destroy",
            idempotent_hint=operation.effect == "read" or operation.idempotent,
            open_world_hint="send" in (operation.effect, *operation.escalates.values()),
        ),
    )


def output_schema(operation: Operation) -> dict[str, Any]:
    """The schema of `structured_content`. Nothing is required: Zoho adds and omits fields.

    Fields of records and rows are named but not typed: clients check every result against every type, which took a
    tenth of the time of a call and half of that of a long list, and types were a fifth of tools/list.
    """
    properties: dict[str, Any] = {"message": {"type": "string"}}
    if operation.answer.file:
        names = ("uri", "name", "mime_type", "saved_as")
        properties = {name: {"type": "string"} for name in names}
    elif operation.answer.columns:
        rows = {
            "type": "object",
            "description": f"A table; usual columns: {', '.join(operation.answer.columns)}",
            "properties": {"columns": {"type": "array"}, "rows": {"type": "array"}},
        }
        properties = {operation.tool_answer_key: rows, **_PAGING}
        properties |= _SUMS if operation.answer.sums else {}
        # A report contains more than its rows; the `output` of any other list describes a row.
        properties |= operation.output.get("properties", {}) if operation.handler else {}
    elif operation.answer.key:
        named = ", ".join(operation.output.get("properties", ()))
        if named and operation.outcome is not None and operation.outcome.read:
            named = f"As in {operation.outcome.read}"
        properties[operation.tool_answer_key] = {"type": "object"} | ({"description": named} if named else {})
    else:
        properties |= operation.output.get("properties", {})
        properties |= {name: {"type": "array"} for name in operation.input.get("properties", {}) if name.endswith(MAIL)}
    return {"type": "object", "properties": properties}


def with_token(operations: Mapping[str, Operation], settings: Settings) -> Mapping[str, Operation]:
    """The operations as listed: if confirmation by token is switched on, changes accept a token."""
    if settings.confirm_fallback != "token":
        return operations
    return {
        name: operation
        if operation.effect == "read"
        else operation.model_copy(update={"input": _input_with_token(operation)})
        for name, operation in operations.items()
    }


def _input_with_token(operation: Operation) -> dict[str, Any]:
    return {**operation.input, "properties": {**operation.input.get("properties", {}), TOKEN: _TOKEN_SCHEMA}}
