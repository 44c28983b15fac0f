"""Invoices as Zoho shows them: the record plus values derived from payments, the customer and today's date."""

from datetime import date

from zoho_mcp.sandbox.balances import (
    NOT_IN_FORCE,
    Settled,
    Standing,
    balance,
    invoice_status,
    settled,
    settled_of,
    standings,
)
from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind
from zoho_mcp.sandbox.ledger import rounded
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

STATUSES = (
    "sent", "draft", "overdue", "paid", "void", "partially_paid", "viewed", "pending_approval", "approved",
    "rejected",
)  # fmt: skip
UNPAID = ("sent", "overdue", "partially_paid", "viewed")


WORDS = {"Draft": "draft", "Sent": "sent", "OverDue": "overdue", "Paid": "paid", "Void": "void", "Viewed": "viewed",
         "PartiallyPaid": "partially_paid", "Pending": "pending_approval", "Approved": "approved"}  # fmt: skip


def _is_unpaid(row: Record) -> bool:
    return row["status"] in UNPAID


def _is_expected(row: Record) -> bool:
    return bool(row["payment_expected_date"])


LISTING = Listing(
    key="invoices",
    report_name="Invoices",
    sortable=("customer_name", "invoice_number", "date", "due_date", "total", "balance", "last_modified_time",
              "reference_number"),
    exact=("customer_id", "recurring_invoice_id", "item_id"),
    text=("invoice_number", "reference_number", "customer_name", "item_name", "item_description", "email",
          "custom_field"),
    numbers=("total", "balance"),
    dates=("date", "due_date", "created_date"),
    search=("invoice_number", "reference_number", "customer_name"),
    statuses={status: of_status(status) for status in STATUSES} | {"unpaid": _is_unpaid},
    filters=status_filters(WORDS)
    | {"Status.Unpaid": _is_unpaid, "Date.PaymentExpectedDate": _is_expected},
    default_filter="Status.All",
)  # fmt: skip


def detail(request: Request, invoice: Record) -> Record:
    """An invoice as GET shows it."""
    contact = contacts.find(request.books, invoice["customer_id"])
    shown = _seen(request, invoice, contact, settled_of(request.books, invoice))
    standing = standings(request.books, invoice["customer_id"]).get(invoice["customer_id"], Standing())
    return {
        **shown,
        **document_views.extras(request, invoice, contact, "invoice"),
        "contact": {
            "customer_balance": rounded(standing.outstanding, invoice["price_precision"]),
            "credit_limit": contact["credit_limit"],
            "unused_customer_credits": rounded(standing.unused, invoice["price_precision"]),
        },
        "can_send_in_mail": shown["status"] != "void",
        "payment_reminder_enabled": shown["status"] in UNPAID and not invoice.get("reminders_disabled", False),
    }


def overview(request: Request) -> list[Record]:
    """Every invoice with the values that lists filter and sort by."""
    went = settled(request.books.all("allocation"))
    people = document_views.customers(request)
    return [
        _seen(request, invoice, people[invoice["customer_id"]], went.get(invoice["invoice_id"], Settled()))
        for invoice in request.books.all("invoice")
    ]


def _seen(request: Request, invoice: Record, contact: Record, went: Settled) -> Record:
    precision: int = invoice["price_precision"]
    status = invoice_status(invoice, went, request.today)
    return {
        **invoice,
        **document_views.common(request, invoice, contact),
        "status": status,
        "current_sub_status": status,
        "invoice_url": f"https://sandbox.invalid/portal/invoices/{invoice['invoice_id']}",
        # A void invoice keeps its total as balance (recorded), although it is not owed.
        "balance": rounded(invoice["total"] if status == "void" else balance(invoice, went), precision),
        "issued_date": "" if status in NOT_IN_FORCE else invoice.get("issued_date", invoice["date"]),
        "payment_made": rounded(went.payments, precision),
        "credits_applied": rounded(went.credits, precision),
        "tax_amount_withheld": rounded(went.withheld, precision),
        "last_payment_date": went.last_payment_date,
        "due_days": due_days(invoice["due_date"], request.now.date()) if status in UNPAID else "",
        "estimate_id": invoice["invoiced_estimate_id"],
    }


def due_days(due_date: str, today: date) -> str:
    """The due date in words: Due Today, Due in 30 days (recorded), Overdue by 3 days."""
    days = (date.fromisoformat(due_date) - today).days
    if days == 0:
        return "Due Today"
    words = f"{abs(days)} day" if abs(days) == 1 else f"{abs(days)} days"
    return f"Due in {words}" if days > 0 else f"Overdue by {words}"


INVOICE = DocumentKind("invoice", "/invoices", "invoices", "invoices", "Invoice", LISTING, overview, detail)
find = INVOICE.find
