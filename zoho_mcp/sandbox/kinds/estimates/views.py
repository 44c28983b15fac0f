"""Estimates as Zoho shows them: the record plus values derived from its invoices, the customer and today's date."""

from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind
from zoho_mcp.sandbox.kinds.estimates.links import invoices_by_estimate
from zoho_mcp.sandbox.ledger import ZERO
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Statuses a list can filter by; the sandbox uses the first six.
STATUSES = (
    "draft", "sent", "invoiced", "accepted", "declined", "expired", "pending_approval", "approved", "viewed", "signed",
    "rejected", "partially_invoiced", "pending_signature",
)  # fmt: skip


WORDS = ("Sent", "Draft", "Invoiced", "Accepted", "Declined", "Expired", "Viewed", "Pending")
LISTING = Listing(
    key="estimates",
    report_name="Quotes",  # recorded: Zoho's messages say quote
    sortable=("customer_name", "estimate_number", "date", "total", "last_modified_time"),
    exact=("customer_id", "item_id"),
    text=("estimate_number", "reference_number", "customer_name", "item_name", "item_description", "custom_field"),
    numbers=("total",),
    dates=("date", "expiry_date"),
    search=("estimate_number", "reference_number", "customer_name"),
    statuses={status: of_status(status) for status in STATUSES},
    filters=status_filters({word: word.lower() for word in WORDS}),
    default_filter="Status.All",
)


def status_of(estimate: Record, invoice_ids: list[str], today: str) -> str:
    """The status that Zoho shows. The record itself has only draft, sent, accepted and declined."""
    if invoice_ids:
        # Once its invoices are deleted the earlier status returns: unverified.
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
        **document_views.extras(request, estimate, contact, "estimate"),
        "estimate_url": f"https://sandbox.invalid/portal/estimates/{estimate['estimate_id']}",
        "is_transaction_created": bool(invoice_ids),
        "sub_total_exclusive_of_discount": estimate["sub_total"],
        "invoiced_amount": estimate["total"] if invoice_ids else ZERO,
        "uninvoiced_amount": ZERO if invoice_ids else estimate["total"],
    }


def overview(request: Request) -> list[Record]:
    """Every estimate with the values that lists filter and sort by."""
    people, made = document_views.customers(request), invoices_by_estimate(request.books)
    return [
        _seen(request, estimate, people[estimate["customer_id"]], made.get(estimate["estimate_id"], []))
        for estimate in request.books.all("estimate")
    ]


def _seen(request: Request, estimate: Record, contact: Record, invoice_ids: list[str]) -> Record:
    status = status_of(estimate, invoice_ids, request.today)
    return {
        **estimate,
        **document_views.common(request, estimate, contact),
        "status": status,
        "current_sub_status": status,
        "invoice_ids": invoice_ids,
    }


ESTIMATE = DocumentKind("estimate", "/estimates", "estimates", "estimates", "Estimate", LISTING, overview, detail)
