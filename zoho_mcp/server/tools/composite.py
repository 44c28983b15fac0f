"""Tools that need more than one request. Each takes checked arguments and returns an envelope like Zoho's."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, cast

import mcp_types as types

from zoho_mcp.errors import OutcomeUnknownError, RejectedError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.reconcile import send_change
from zoho_mcp.server.results.totals import amount as required_amount
from zoho_mcp.server.results.totals import money, objects, required
from zoho_mcp.server.tools.changes import list_changes
from zoho_mcp.server.tools.figures import get_customer_statement, get_payment_performance, summarize_records
from zoho_mcp.server.tools.reports import get_monthly_revenue, get_receivables_aging
from zoho_mcp.zoho.request import Request

Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
Handler = Callable[[ServerContext, Mapping[str, Any]], Awaitable[Answer]]

_OF_A_LINE = ("item_id", "name", "description", "rate", "quantity", "unit", "discount", "tax_id")
_OF_AN_ESTIMATE = (
    "customer_id",
    "currency_id",
    "exchange_rate",
    "reference_number",
    "discount",
    "is_discount_before_tax",
    "discount_type",
    "is_inclusive_tax",
    "shipping_charge",
    "adjustment",
    "adjustment_description",
    "salesperson_name",
    "notes",
    "terms",
)


async def record_invoice_payment(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """Pay one invoice: the customer comes from the invoice, the amount defaults to its balance."""
    rest = dict(arguments)
    invoice_id = rest.pop("invoice_id")
    invoice = await app.api.record("get_invoice", {"invoice_id": invoice_id})
    withheld = rest.pop("tax_amount_withheld", 0)
    amount = rest.pop("amount", None)
    if amount is None:
        amount = required_amount(invoice, "balance") - Decimal(str(withheld))
    if Decimal(str(amount)) <= 0:
        raise RejectedError(
            f"Invoice {invoice.get('invoice_number')} has nothing left to pay (status {invoice.get('status')}).",
            "Use record_payment without invoices to record an advance.",
        )
    payment = {
        "customer_id": required(invoice, "customer_id"),
        "amount": amount,
        **rest,
        "invoices": [
            {
                "invoice_id": invoice_id,
                "amount_applied": amount,
                **({"tax_amount_withheld": withheld} if withheld else {}),
            }
        ],
    }
    envelope = await send_change(app, "record_payment", payment)
    return {**envelope, "before": invoice}, ()


async def convert_estimate_to_invoice(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """The invoice of an estimate: an existing or a new one, never a second one.

    One conversion at a time, because Zoho creates another invoice with every request.
    """
    async with app.converting:
        estimate = await app.api.record("get_estimate", arguments)
        if existing := _invoice_of(estimate):
            found = await app.api.record("get_invoice", {"invoice_id": existing})
            return {"message": "This estimate already has an invoice; no other was made.", "invoice": found}, ()
        _must_be_convertible(estimate)
        if app.settings.product == "books":
            envelope = await _convert_in_books(app, arguments["estimate_id"])
        else:
            envelope = await send_change(app, "create_invoice", _invoice_for(estimate))
    if (status := estimate.get("status")) in ("declined", "expired"):
        envelope = {**envelope, "remarks": [f"The estimate was {status}. Tell the user."]}
    return envelope, ()


def _invoice_of(estimate: Mapping[str, Any]) -> str:
    ids: Any = estimate.get("invoice_ids")
    return str(cast("list[Any]", ids)[-1]) if ids and isinstance(ids, list) else ""


def _must_be_convertible(estimate: Mapping[str, Any]) -> None:
    number, status = estimate.get("estimate_number"), estimate.get("status")
    if status == "draft":
        raise RejectedError(f"Estimate {number} is a draft.", "Use mark_estimate_sent first, then convert it.")
    if status == "invoiced":
        raise RejectedError(
            f"Estimate {number} is already invoiced, but Zoho does not say by which invoice.",
            "Find it with list_invoices; no other was made.",
        )


def _invoice_for(estimate: Mapping[str, Any]) -> dict[str, Any]:
    """Zoho Invoice has no conversion: create an invoice with the estimate's id and all that determines its price."""
    lines = [
        {name: line[name] for name in _OF_A_LINE if line.get(name)}
        # Without a rate, Zoho would use the item's price.
        | {"rate": required_amount(line, "rate"), "quantity": required_amount(line, "quantity")}
        for line in objects(estimate, "line_items")
    ]
    for part in (estimate, *lines):
        money(str(part.get("discount") or 0).removesuffix("%"))
    body = {name: estimate[name] for name in _OF_AN_ESTIMATE if estimate.get(name) not in (None, "")}
    return body | {"invoiced_estimate_id": required(estimate, "estimate_id"), "line_items": lines}


async def _convert_in_books(app: ServerContext, estimate_id: str) -> dict[str, Any]:
    request = Request("POST", "/invoices/fromestimates", (("estimate_ids", estimate_id),), scope="invoices.CREATE",
                      route="/invoices/fromestimates")  # fmt: skip
    # The response does not name the invoice, but the estimate does, so it does not matter if it is lost.
    with suppress(OutcomeUnknownError):
        await app.api.send(request)
    invoice_id = _invoice_of(await app.api.record("get_estimate", {"estimate_id": estimate_id}))
    if not invoice_id:
        raise OutcomeUnknownError(
            "The conversion was sent, but the estimate names no invoice.",
            "Look with list_invoices; do not convert it again.",
        )
    return await app.api.run("get_invoice", {"invoice_id": invoice_id})


async def upsert_recurring_invoice(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """Update the recurring invoice with a unique custom field value, or create it with `upsert`. The message says
    which.
    """
    operation = app.catalog.operations["upsert_recurring_invoice"]
    envelope = await send_change(app, operation.name, arguments)
    record = envelope[operation.answer.key]
    # Zoho only says "success". A record that has not changed since its creation is new.
    created, changed = record.get("created_time"), record.get("last_modified_time")
    what = "Created or updated" if not created or not changed else "Created" if created == changed else "Updated"
    return {**envelope, "message": f"{what} recurring invoice {record.get('recurrence_name', '')}."}, ()


COMPOSITES: Mapping[str, Handler] = {
    function.__name__: function
    for function in (
        record_invoice_payment,
        convert_estimate_to_invoice,
        upsert_recurring_invoice,
        get_monthly_revenue,
        get_receivables_aging,
        list_changes,
        summarize_records,
        get_customer_statement,
        get_payment_performance,
    )
}
