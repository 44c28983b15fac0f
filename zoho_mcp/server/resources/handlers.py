"""Customers, invoices and the organisation as resources, for people to attach and for clients to watch.

The first page of resources/list needs no request to Zoho; its further pages have the newest customers and invoices.
Records are read from Zoho each time, and the cache hints say so.
"""

import base64
from collections.abc import Mapping
from typing import Any, Literal, cast

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.errors import DeclinedError, NotFoundError, ZohoMcpError
from zoho_mcp.server.authorization import require_allowed
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.prompts.skills import MARKDOWN, skill_at, skill_resources, skill_text
from zoho_mcp.server.resources import uris
from zoho_mcp.server.resources.statement import statement
from zoho_mcp.server.resources.uris import CHANGES, LASTING, STATEMENT, ResourceKind
from zoho_mcp.server.results import result
from zoho_mcp.server.results.projection import field_tree, project, whole
from zoho_mcp.server.results.totals import required
from zoho_mcp.server.tools.changes import list_changes
from zoho_mcp.server.tools.local_files import media_type_of
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import visible
from zoho_mcp.zoho.client import ORGANIZATION

_PRIVATE: Literal["private"] = "private"
_KINDS = {"customers": "get_customer", "invoices": "get_invoice"}


async def list_resources(ctx: RequestContext, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """Handles resources/list: first the fixed addresses, then, page by page, the newest customers and invoices."""
    app, cursor = ctx.lifespan_context, (params.cursor if params else None) or ""
    pages = ["", *_pages(app)]
    if cursor not in pages:
        raise MCPError(types.INVALID_PARAMS, f"Unknown cursor: {cursor}")
    following = pages[pages.index(cursor) + 1 :]
    return types.ListResourcesResult(
        resources=await _records(ctx, cursor) if cursor else _fixed(app),
        next_cursor=following[0] if following else None,
        ttl_ms=0 if cursor else LASTING,
        cache_scope=_PRIVATE,
    )


def _pages(app: ServerContext) -> list[str]:
    """The cursors: one per organisation and kind of record whose tools are offered."""
    kinds = [kind for kind, reads in _KINDS.items() if {f"list_{kind}", reads} <= set(app.offered)]
    several = app.api.organizations if len(app.settings.organizations) > 1 else ("",)
    return [f"{kind} {organization}".strip() for organization in several for kind in kinds]


def _fixed(app: ServerContext) -> list[types.Resource]:
    found: list[types.Resource] = []
    for address in uris.readable(app):
        for organization in app.api.organizations or ("",):
            uri = uris.template(app, address).replace(f"{{{ORGANIZATION}}}", organization)
            if "{" not in uri:
                found.append(_resource(uri, address.title, address.description, address.media_type))
    return [*found, *skill_resources(app)]


def _resource(uri: str, name: str, description: str, media_type: str = uris.JSON) -> types.Resource:
    name, described = visible(name), visible(description) or None
    return types.Resource(uri=uri, name=name, title=name, description=described, mime_type=media_type)


async def _records(ctx: RequestContext, page: str) -> list[types.Resource]:
    app, (kind, _, organization) = ctx.lifespan_context, page.partition(" ")
    operation = app.catalog.operations[f"list_{kind}"]
    app = app.within(organization)
    try:
        await require_allowed(ctx, app, [operation.name], {})
        rows: list[dict[str, Any]] = (await app.api.run(operation.name, {})).get(operation.answer.key) or []
        return [_customer(app, row) if kind == "customers" else _invoice(app, row) for row in rows]
    except DeclinedError:
        return []
    except ZohoMcpError as problem:
        raise MCPError(types.INTERNAL_ERROR, str(problem), {"kind": problem.kind}) from problem


def _customer(app: ServerContext, row: Mapping[str, Any]) -> types.Resource:
    name = str(row.get("contact_name", ""))
    described = ", ".join(str(row[part]) for part in ("company_name", "email") if row.get(part) and row[part] != name)
    return _resource(f"{app.base_uri}customers/{required(row, 'contact_id')}", name, described)


def _invoice(app: ServerContext, row: Mapping[str, Any]) -> types.Resource:
    name = f"{row.get('invoice_number', '')} {row.get('customer_name', '')}".strip()
    described = f"{row.get('total')} {row.get('currency_code')}, {row.get('status')}, dated {row.get('date')}"
    return _resource(f"{app.base_uri}invoices/{required(row, 'invoice_id')}", name, described)


async def list_templates(
    ctx: RequestContext, params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """Handles resources/templates/list: the addresses of single records and of further pages."""
    app = ctx.lifespan_context
    found = [
        types.ResourceTemplate(
            uri_template=uris.template(app, address),
            name=address.title,
            title=address.title,
            description=address.description,
            mime_type=address.media_type,
        )
        for address in uris.readable(app)
        if "{" in uris.template(app, address).replace(f"/{{{ORGANIZATION}}}", "")
    ]
    return types.ListResourceTemplatesResult(resource_templates=found)


async def read_resource(ctx: RequestContext, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    """Handles resources/read: a record with uncut texts, a list, a statement, a file or a skill."""
    app, uri = ctx.lifespan_context, str(params.uri)
    if skill := skill_at(app, uri):
        text = types.TextResourceContents(uri=uri, mime_type=MARKDOWN, text=skill_text(skill))
        return types.ReadResourceResult(contents=[text], ttl_ms=LASTING, cache_scope=_PRIVATE)
    found = uris.match(app, uri)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown resource: {uri}", {"uri": uri})
    address, arguments = found
    app = app.within(arguments.get(ORGANIZATION, ""))
    try:
        await require_allowed(ctx, app, uris.needed(address), arguments)
        contents = await _read(app, uri, address, arguments)
    except ZohoMcpError as problem:
        raise MCPError(types.INVALID_PARAMS, str(problem), {"uri": uri, "kind": problem.kind}) from problem
    ttl = LASTING if app.catalog.operations[address.operation].http.account else 0
    return types.ReadResourceResult(contents=[contents], ttl_ms=ttl, cache_scope=_PRIVATE)


async def _read(
    app: ServerContext, uri: str, address: ResourceKind, arguments: dict[str, str]
) -> types.TextResourceContents | types.BlobResourceContents:
    if address is STATEMENT:
        return _json(uri, whole(await statement(app.api, arguments["customer_id"]), {}))
    operation = app.catalog.operations[address.operation]
    if address is CHANGES:
        envelope, _ = await list_changes(app, {})
        return _json(uri, result.tabular(operation, result.shape(operation, envelope)))
    payload = await app.api.send(app.api.request(operation, arguments))
    if isinstance(payload, bytes):
        blob = base64.b64encode(payload).decode()
        media_type = media_type_of(payload) if address.media_type == "*/*" else address.media_type
        return types.BlobResourceContents(uri=uri, mime_type=media_type, blob=blob)
    if operation.http.account:
        return _json(uri, _organization(app, operation, payload))
    if operation.answer.columns:
        return _json(uri, result.tabular(operation, _page(uri, result.shape(operation, payload))))
    record = cast("dict[str, Any]", payload[operation.answer.key])
    shown = project(record, field_tree(operation.answer.fields, uncut=True), operation.renames)
    return _json(uri, {operation.tool_answer_key: shown})


def _organization(app: ServerContext, operation: Operation, payload: Mapping[str, Any]) -> dict[str, Any]:
    found: list[dict[str, Any]] = payload[operation.answer.key]
    own = [row for row in found if str(row.get("organization_id")) == app.api.books]
    if not own:
        raise NotFoundError("The organisation that is set is not one of this account's.", "Check ZOHO_ORGANIZATION_ID.")
    return {"organization": whole(own[0], operation.renames)}


def _page(uri: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The list with the address of its next page instead of the arguments."""
    if answer.pop("next", None):
        answer["next"] = f"{uri.partition('?')[0]}?page={answer['page'] + 1}"
    return answer


def _json(uri: str, content: dict[str, Any]) -> types.TextResourceContents:
    return types.TextResourceContents(uri=uri, mime_type=uris.JSON, text=visible(result.compact_json(content)))
