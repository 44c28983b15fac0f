"""Actions on an estimate: its statuses, its mail, its conversion to an invoice.

The words of the messages follow the one that is known ("The quote has been created.") and are unverified.
"""

from dataclasses import replace

from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.kinds.estimates.links import can_be_invoiced, find, not_convertible
from zoho_mcp.sandbox.kinds.estimates.views import ESTIMATE, current_status
from zoho_mcp.sandbox.kinds.invoices.invoices import new_invoice
from zoho_mcp.sandbox.wire.errors import invalid_value, refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

# What an invoice copies from its estimate.
CARRIED = (
    "customer_id", "contact_persons", "exchange_rate", "billing_address", "shipping_address", "reference_number",
    "discount", "discount_type", "is_discount_before_tax", "is_inclusive_tax", "shipping_charge", "adjustment",
    "adjustment_description", "notes", "terms", "salesperson_name", "custom_fields",
)  # fmt: skip
CARRIED_LINE = (*documents.LINE_TEXTS, "item_id", "rate", "quantity", "discount", "tax_id", "item_custom_fields")


def mark_sent(request: Request) -> Reply:
    """POST /estimates/{estimate_id}/status/sent. Any other status stays unchanged (as for invoices; unverified)."""
    estimate = find(request.books, request.path["estimate_id"])
    if estimate["status"] == "draft":
        documents.change(request, "estimate", estimate, status="sent")
    return done("Quote status has been changed to Sent.")


def mark_accepted(request: Request) -> Reply:
    """POST /estimates/{estimate_id}/status/accepted, for sent ones only."""
    _answer_of_the_customer(request, "accepted")
    return done("Quote status has been changed to Accepted.")


def mark_declined(request: Request) -> Reply:
    """POST /estimates/{estimate_id}/status/declined, for sent ones only."""
    _answer_of_the_customer(request, "declined")
    return done("Quote status has been changed to Declined.")


def to_invoices(request: Request) -> Reply:
    """POST /invoices/fromestimates?estimate_ids=a,b: one invoice each, which the response does not
    name. Repeating it creates more. A draft among them is refused inside a success; that none is created then is
    unverified."""
    wanted = [part.strip() for part in request.query.get("estimate_ids", "").split(",") if part.strip()]
    if not wanted:
        raise invalid_value("estimate_ids")
    estimates = [find(request.books, estimate_id) for estimate_id in wanted]
    if not all(can_be_invoiced(estimate) for estimate in estimates):
        error = not_convertible()
        return done(data={"code": error.code, "message": error.message})
    for estimate in estimates:
        # The query belongs to the estimates and must not reach the invoices.
        new_invoice(replace(request, query={}, body=_as_invoice(estimate)))
    return done("", data={})


def _answer_of_the_customer(request: Request, status: str) -> None:
    estimate = find(request.books, request.path["estimate_id"])
    if current_status(request, estimate) != "sent":
        # That an expired one cannot be accepted or declined, and the code, are unverified.
        raise refused(f"Only quotes that have been sent can be marked as {status}.")
    documents.change(request, "estimate", estimate, **{"status": status, f"{status}_date": request.today})


def _as_invoice(estimate: Record) -> Record:
    lines = [{name: line[name] for name in CARRIED_LINE} for line in estimate["line_items"]]
    carried = {name: estimate[name] for name in CARRIED}
    return {**carried, "line_items": lines, "invoiced_estimate_id": estimate["estimate_id"]}


PATH = "/estimates/{estimate_id}"
ACTION_ROUTES = [
    Route("POST", f"{PATH}/status/sent", "estimates.CREATE", mark_sent),
    Route("POST", f"{PATH}/status/accepted", "estimates.CREATE", mark_accepted),
    Route("POST", f"{PATH}/status/declined", "estimates.CREATE", mark_declined),
    *ESTIMATE.email_routes("Quote", draft_becomes="sent", message="Your quote has been sent."),
    # Known for Books only; for Zoho Invoice it is unverified.
    Route("POST", "/invoices/fromestimates", "invoices.CREATE", to_invoices, "invoices.from_estimates", ("books",)),
]
