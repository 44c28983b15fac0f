"""Customers and invoices as resources: each address stands for one read operation of the catalog."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.server import render
from zoho_mcp.server.caller import principal_of
from zoho_mcp.server.judge import judge
from zoho_mcp.server.state import App, Context
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.request import build

_JSON, _PDF = "application/json", "application/pdf"


@dataclass(frozen=True, slots=True)
class Address:
    """One kind of resource. `template` may hold `{argument}` of the operation."""

    template: str
    operation: str
    title: str
    description: str
    media_type: str = _JSON

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches an address of this kind; arguments are digits."""
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[0-9]+)", self.template))


ADDRESSES = (
    Address("zoho-invoice://customers", "list_customers", "Customers", "The customers, newest first"),
    Address("zoho-invoice://customers/{customer_id}", "get_customer", "Customer", "One customer in full"),
    Address("zoho-invoice://invoices", "list_invoices", "Invoices", "The invoices, newest first"),
    Address("zoho-invoice://invoices/{invoice_id}", "get_invoice", "Invoice", "One invoice in full"),
    Address(
        "zoho-invoice://invoices/{invoice_id}/pdf", "get_invoice_pdf", "Invoice PDF", "One invoice as a file", _PDF
    ),
)


def _offered(app: App) -> Iterator[Address]:
    return (address for address in ADDRESSES if address.operation in app.offered)


async def list_resources(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """The lists; single records come from the templates and from links in answers."""
    found = [
        types.Resource(
            uri=address.template,
            name=address.title,
            title=address.title,
            description=address.description,
            mime_type=address.media_type,
        )
        for address in _offered(ctx.lifespan_context)
        if "{" not in address.template
    ]
    return types.ListResourcesResult(resources=found)


async def list_templates(
    ctx: Context, params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """Addresses of single records."""
    found = [
        types.ResourceTemplate(
            uri_template=address.template,
            name=address.title,
            title=address.title,
            description=address.description,
            mime_type=address.media_type,
        )
        for address in _offered(ctx.lifespan_context)
        if "{" in address.template
    ]
    return types.ListResourceTemplatesResult(resource_templates=found)


async def read_resource(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    """The record as the tool would show it, or the file."""
    app = ctx.lifespan_context
    for address in _offered(app):
        if match := address.pattern.fullmatch(str(params.uri)):
            try:
                operation = app.catalog.operations[address.operation]
                await _require_leave(ctx, operation, match.groupdict())
                contents = await _read(app, str(params.uri), operation, match.groupdict())
            except ZohoMcpError as problem:
                raise MCPError(types.INVALID_PARAMS, str(problem), {"uri": str(params.uri)}) from problem
            return types.ReadResourceResult(contents=[contents])
    raise MCPError(types.INVALID_PARAMS, f"Unknown resource: {params.uri}", {"uri": str(params.uri)})


async def _require_leave(ctx: Context, operation: Operation, arguments: dict[str, str]) -> None:
    """The policy holds for a resource as for the tool that reads the same; only that here nobody can be asked."""
    decision = await judge(ctx.lifespan_context, operation, arguments, principal_of(ctx))
    if decision.action != "allow":
        reason = decision.reason or f"A person has to agree first: call {operation.name} instead."
        raise DeclinedError(f"{operation.title}: {reason}")


async def _read(
    app: App, uri: str, operation: Operation, arguments: dict[str, str]
) -> types.TextResourceContents | types.BlobResourceContents:
    payload = await app.client.send(build(operation, arguments))
    if isinstance(payload, bytes):
        blob = base64.b64encode(payload).decode()
        return types.BlobResourceContents(uri=uri, mime_type=operation.answer.file, blob=blob)
    text = render.compact(render.shape(operation, payload))
    return types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)
