"""Links from an answer to the customer and the invoices that it names, where it is about one record.

Rows of a list have no links: their ids say as much, and a link costs as much as half a row.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import mcp_types as types

from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.resources import uris
from zoho_mcp.specs.model import Operation

MOST_INVOICES = 5


def links_of(
    app: ServerContext, operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]
) -> Iterator[types.ResourceLink]:
    """Resource links to what the record, or else the call itself, names. None for what was deleted."""
    if operation.answer.columns or operation.answer.file or operation.http.method == "DELETE":
        return
    record = envelope.get(operation.answer.key)
    named: Mapping[str, Any] = cast("dict[str, Any]", record) if isinstance(record, dict) else arguments
    if "get_invoice" in app.offered:
        for one in _invoices(named):
            yield _link(uris.invoice(app, one["invoice_id"]), one.get("invoice_number"), "Invoice")
    customer_id = named.get("customer_id") or named.get("contact_id")
    if customer_id and "get_customer" in app.offered:
        name = named.get("customer_name") or named.get("contact_name")
        yield _link(uris.customer(app, customer_id), name, "Customer")


def _invoices(named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if named.get("invoice_id"):
        return [named]
    parts: list[Any] = named.get("invoices") or [{"invoice_id": one} for one in named.get("invoice_ids") or ()]
    return [cast(Mapping[str, Any], part) for part in parts if isinstance(part, dict)][:MOST_INVOICES]


def _link(uri: str, name: object, kind: str) -> types.ResourceLink:
    return types.ResourceLink(uri=uri, name=str(name or f"{kind} {uri.rpartition('/')[2]}"), mime_type=uris.JSON)
