"""Invoices as Zoho shows them: values derived from payments, the customer and today's date, and the list."""

from collections.abc import Callable
from datetime import date

from zoho_mcp.sandbox.balances import NOT_IN_FORCE, Settled, Standing, balance, invoice_status, settled, standings
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.pricing import rounded
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

STATUSES = (
    "sent", "draft", "overdue", "paid", "void", "partially_paid", "viewed", "pending_approval", "approved",
    "rejected",
)  # fmt: skip
UNPAID = ("sent", "overdue", "partially_paid", "viewed")
FILTERS = {
    "Draft": "draft", "Sent": "sent", "OverDue": "overdue", "Paid": "paid", "Void": "void", "Viewed": "viewed",
    "PartiallyPaid": "partially_paid", "Pending": "pending_approval", "Approved": "approved",
}  # fmt: skip


def derive(request: Request, customer_id: str | None) -> Callable[[Record], Record]:
    """Gives an invoice's values that follow from payments, credits and today's date."""
    by_invoice = settled(request.books.of_customer("allocation", customer_id))

    def derived(invoice: Record) -> Record:
        applied, precision = by_invoice.get(invoice["invoice_id"], Settled()), invoice["price_precision"]
        status = invoice_status(invoice, applied, request.today)
        return {
            "status": status,
            "current_sub_status": status,
            "invoice_url": f"https://sandbox.invalid/portal/invoices/{invoice['invoice_id']}",
            # A void invoice keeps its total as balance (recorded), although it is not owed.
            "balance": rounded(invoice["total"] if status == "void" else balance(invoice, applied), precision),
            "issued_date": "" if status in NOT_IN_FORCE else invoice.get("issued_date", invoice["date"]),
            "payment_made": rounded(applied.payments, precision),
            "credits_applied": rounded(applied.credits, precision),
            "tax_amount_withheld": rounded(applied.withheld, precision),
            "last_payment_date": applied.last_payment_date,
            "due_days": _due_days(invoice["due_date"], request.now.date()) if status in UNPAID else "",
            "estimate_id": invoice["invoiced_estimate_id"],
        }

    return derived


def _due_days(due_date: str, today: date) -> str:
    """The due date in words: Due Today, Due in 30 days (recorded), Overdue by 3 days."""
    days = (date.fromisoformat(due_date) - today).days
    if days == 0:
        return "Due Today"
    words = f"{abs(days)} day" if abs(days) == 1 else f"{abs(days)} days"
    return f"Due in {words}" if days > 0 else f"Overdue by {words}"


def add_details(request: Request, shown: Record) -> Record:
    """Values that a single invoice has besides those in the list."""
    contact = CONTACT.find(request.books, shown["customer_id"])
    standing = standings(request.books, contact["contact_id"]).get(contact["contact_id"], Standing())
    return {
        "contact": {
            "customer_balance": rounded(standing.outstanding, shown["price_precision"]),
            "credit_limit": contact["credit_limit"],
            "unused_customer_credits": rounded(standing.unused, shown["price_precision"]),
        },
        "can_send_in_mail": shown["status"] != "void",
        "payment_reminder_enabled": shown["status"] in UNPAID and not shown.get("reminders_disabled", False),
    }


def _is_unpaid(row: Record) -> bool:
    return row["status"] in UNPAID


def _has_expected_date(row: Record) -> bool:
    return bool(row["payment_expected_date"])


LISTING = Listing(
    key="invoices",
    report_name="Invoices",
    sortable=("customer_name", "invoice_number", "date", "due_date", "total", "balance", "last_modified_time",
              "reference_number"),
    exact=("customer_id", "recurring_invoice_id"),
    text=("invoice_number", "reference_number", "customer_name", "item_name", "item_description", "email",
          "custom_field"),
    numbers=("total", "balance"),
    dates=("date", "due_date", "created_date"),
    search=("invoice_number", "reference_number", "customer_name"),
    statuses={status: of_status(status) for status in STATUSES} | {"unpaid": _is_unpaid},
    filters=status_filters(FILTERS)
    | {"Status.Unpaid": _is_unpaid, "Date.PaymentExpectedDate": _has_expected_date},
    default_filter="Status.All",
)  # fmt: skip
