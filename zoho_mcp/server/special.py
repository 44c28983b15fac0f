"""The few tools that take more than one request. Each gets checked arguments and gives an envelope like Zoho's."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

import mcp_types as types

from zoho_mcp.errors import RejectedError
from zoho_mcp.server.resources import address_of
from zoho_mcp.server.state import App

Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
Special = Callable[[App, Mapping[str, Any]], Awaitable[Answer]]


async def record_invoice_payment(app: App, arguments: Mapping[str, Any]) -> Answer:
    """A payment on one invoice: the customer comes from the invoice, the amount defaults to its balance."""
    rest = dict(arguments)
    invoice_id = rest.pop("invoice_id")
    invoice = await app.record("get_invoice", {"invoice_id": invoice_id})
    amount = rest.pop("amount", invoice["balance"])
    if Decimal(str(amount)) <= 0:
        raise RejectedError(
            f"Invoice {invoice.get('invoice_number')} has nothing left to pay (status {invoice.get('status')}).",
            "Use record_payment without invoices to record an advance.",
        )
    payment = {
        "customer_id": invoice["customer_id"],
        "amount": amount,
        **rest,
        "invoices": [{"invoice_id": invoice_id, "amount_applied": amount}],
    }
    return await app.run("record_payment", payment), ()


async def get_invoice_pdf(app: App, arguments: Mapping[str, Any]) -> Answer:
    """A link to the PDF; the bytes come only when the client reads it, and never pass through the model."""
    invoice = await app.record("get_invoice", arguments)
    uri = address_of(app, f"invoices/{arguments['invoice_id']}/pdf")
    name = f"{invoice.get('invoice_number') or arguments['invoice_id']}.pdf"
    link = types.ResourceLink(uri=uri, name=name, mime_type="application/pdf", description="The invoice as a PDF file")
    return {"uri": uri, "name": name, "mime_type": "application/pdf"}, (link,)


SPECIALS: Mapping[str, Special] = {
    function.__name__: function for function in (record_invoice_payment, get_invoice_pdf)
}
