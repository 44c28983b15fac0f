"""Estimates as the wire shows them: the record plus what its invoices, the customer and today's date say."""

from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.kinds.estimates.links import invoices_by_estimate
from zoho_mcp.sandbox.listing import Listing, Test
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# What a list can ask for; the sandbox plays the first six.
STATUSES = (
    "draft", "sent", "invoiced", "accepted", "declined", "expired", "pending_approval", "approved", "viewed", "signed",
    "rejected", "partially_invoiced", "pending_signature",
)  # fmt: skip
ROW = (
    "estimate_id", "estimate_number", "status", "customer_id", "customer_name", "company_name", "email", "phone",
    "reference_number", "date", "expiry_date", "accepted_date", "declined_date", "currency_id", "currency_code",
    "currency_symbol", "exchange_rate", "total", "discount_total", "adjustment", "shipping_charge", "project_name",
    "salesperson_id", "salesperson_name", "template_id", "template_type", "is_emailed", "is_viewed_by_client",
    "client_viewed_time", "has_attachment", "documents", "color_code", "current_sub_status", "current_sub_status_id",
    "created_by", "created_time", "last_modified_time", "updated_time", "custom_fields", "custom_field_hash", "tags",
    "schedule_time", "zcrm_potential_id", "zcrm_potential_name",
)  # fmt: skip
# Fields of features that the sandbox does not play.
FIXED: Record = {
    "project_name": "", "salesperson_id": "", "template_type": "standard", "is_viewed_by_client": False,
    "client_viewed_time": "", "has_attachment": False, "documents": [], "color_code": "", "current_sub_status_id": "",
    "schedule_time": "", "tags": [], "zcrm_potential_id": "", "zcrm_potential_name": "", "is_pre_gst": False,
}  # fmt: skip
FIXED_DETAIL: Record = {
    "page_width": "8.27in", "page_height": "11.69in", "orientation": "portrait", "can_send_in_mail": True,
    "attachment_name": "", "comments": [], "retainerinvoices": [], "salesorders": [], "approvers_list": [],
    "submitted_by": "", "submitted_date": "", "approver_id": "", "is_transaction_created": False,
}  # fmt: skip


def _status_test(status: str) -> Test:
    return lambda row: row["status"] == status


LISTING = Listing(
    key="estimates",
    report_name="Quotes",  # unverified: the messages say quote
    sortable=("customer_name", "estimate_number", "date", "total", "last_modified_time"),
    exact=("customer_id", "item_id"),
    text=("estimate_number", "reference_number", "customer_name", "item_name", "item_description", "custom_field"),
    numbers=("total",),
    dates=("date", "expiry_date"),
    search=("estimate_number", "reference_number", "customer_name"),
    statuses={status: _status_test(status) for status in STATUSES},
    filters={
        "Status.All": lambda row: True,
        **{
            f"Status.{word}": _status_test(word.lower())
            for word in ("Sent", "Draft", "Invoiced", "Accepted", "Declined", "Expired", "Viewed", "Pending")
        },
    },
    default_filter="Status.All",
)


def status_of(estimate: Record, invoice_ids: list[str], today: str) -> str:
    """The status of the wire. The record itself only knows draft, sent, accepted and declined."""
    if invoice_ids:
        # With its invoices deleted it is again what it was before: unverified.
        return "invoiced"
    if estimate["status"] == "sent" and estimate["expiry_date"] and estimate["expiry_date"] < today:
        return "expired"
    return str(estimate["status"])


def current_status(request: Request, estimate: Record) -> str:
    """The status of one estimate."""
    return status_of(estimate, invoices_by_estimate(request.books).get(estimate["estimate_id"], []), request.today)


def detail(request: Request, estimate: Record) -> Record:
    """An estimate as GET shows it."""
    contact = contacts.find(request.books, estimate["customer_id"])
    invoice_ids = invoices_by_estimate(request.books).get(estimate["estimate_id"], [])
    return {
        **_seen(request, estimate, contact, invoice_ids),
        **FIXED_DETAIL,
        **document_views.extras(request, estimate, contact, "estimate"),
        "estimate_url": f"https://sandbox.invalid/portal/estimates/{estimate['estimate_id']}",
        "is_transaction_created": bool(invoice_ids),
    }


def overview(request: Request) -> list[Record]:
    """Every estimate with what lists filter and sort by."""
    people, made = document_views.customers(request), invoices_by_estimate(request.books)
    return [
        _seen(request, estimate, people[estimate["customer_id"]], made.get(estimate["estimate_id"], []))
        for estimate in request.books.all("estimate")
    ]


def row(estimate: Record) -> Record:
    """An estimate as a list shows it."""
    return document_views.row_of(estimate, ROW)


def _seen(request: Request, estimate: Record, contact: Record, invoice_ids: list[str]) -> Record:
    status = status_of(estimate, invoice_ids, request.today)
    return {
        **estimate,
        **FIXED,
        **document_views.common(request, estimate, contact),
        "status": status,
        "current_sub_status": status,
        "invoice_ids": invoice_ids,
    }
