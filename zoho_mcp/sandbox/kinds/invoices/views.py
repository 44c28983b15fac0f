"""Invoices as the wire shows them: the record plus what its payments, the customer and today's date say."""

from datetime import date

from zoho_mcp.sandbox.balances import Settled, balance, invoice_status, settled, settled_of
from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.ledger import ZERO, rounded
from zoho_mcp.sandbox.listing import Listing, Test
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

STATUSES = ("sent", "draft", "overdue", "paid", "void", "unpaid", "partially_paid", "viewed")
UNPAID = ("sent", "overdue", "partially_paid", "viewed")
ROW = (
    "invoice_id", "invoice_number", "status", "customer_id", "customer_name", "company_name", "email", "phone",
    "reference_number", "date", "due_date", "due_days", "payment_expected_date", "last_payment_date", "currency_id",
    "currency_code", "currency_symbol", "exchange_rate", "total", "balance", "write_off_amount", "discount_total",
    "adjustment", "shipping_charge", "recurring_invoice_id", "project_name", "salesperson_id", "salesperson_name",
    "template_id", "template_type", "is_emailed", "is_viewed_by_client", "client_viewed_time",
    "last_reminder_sent_date", "reminders_sent", "ach_payment_initiated", "has_attachment", "documents", "color_code",
    "current_sub_status", "current_sub_status_id", "created_by", "created_time", "last_modified_time",
    "updated_time", "transaction_type", "custom_fields", "custom_field_hash", "schedule_time", "tags",
    "unprocessed_payment_amount",
)  # fmt: skip
# Fields of features that the sandbox does not play: of every invoice, and of the detail only.
FIXED: Record = {
    "write_off_amount": ZERO, "unprocessed_payment_amount": ZERO, "project_name": "", "salesperson_id": "",
    "template_type": "standard", "is_viewed_by_client": False, "client_viewed_time": "", "last_reminder_sent_date": "",
    "reminders_sent": 0, "ach_payment_initiated": False, "has_attachment": False, "documents": [], "color_code": "",
    "transaction_type": "renewal", "schedule_time": "", "tags": [], "type": "invoice", "is_pre_gst": False,
    "created_by_id": "", "last_modified_by_id": "",
}  # fmt: skip
FIXED_DETAIL: Record = {
    "payment_options": {"payment_gateways": []}, "credits": [], "page_width": "8.27in", "page_height": "11.69in",
    "orientation": "portrait", "can_skip_payment_info": False, "inprocess_transaction_present": False,
    "is_autobill_enabled": False, "is_client_review_settings_enabled": False, "next_reminder_date_formatted": "",
    "stop_reminder_until_payment_expected_date": False, "submitted_by": "", "submitted_date": "", "approver_id": "",
    "approvers_list": [], "attachment_name": "", "can_send_invoice_sms": False, "comments": [],
}  # fmt: skip


def _status_test(status: str) -> Test:
    if status == "unpaid":
        return lambda row: row["status"] in UNPAID
    return lambda row: row["status"] == status


def _filters() -> dict[str, Test]:
    names = {"Draft": "draft", "Sent": "sent", "OverDue": "overdue", "Paid": "paid", "Void": "void", "Unpaid": "unpaid",
             "PartiallyPaid": "partially_paid", "Viewed": "viewed"}  # fmt: skip
    found = {f"Status.{word}": _status_test(status) for word, status in names.items()}
    found["Status.All"] = lambda row: True
    found["Date.PaymentExpectedDate"] = lambda row: row["payment_expected_date"] != ""
    return found


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
    statuses={status: _status_test(status) for status in STATUSES},
    filters=_filters(),
    default_filter="Status.All",
)  # fmt: skip


def find(books: Books, invoice_id: str) -> Record:
    """The invoice of that id."""
    found = books.get("invoice", invoice_id)
    if found is None:
        raise does_not_exist("Invoice")
    return found


def detail(request: Request, invoice: Record) -> Record:
    """An invoice as GET shows it."""
    contact = contacts.find(request.books, invoice["customer_id"])
    shown = _seen(request, invoice, contact, settled_of(request.books, invoice))
    return {
        **shown,
        **FIXED_DETAIL,
        **document_views.extras(request, invoice, contact, "invoice"),
        "invoice_url": f"https://sandbox.invalid/portal/invoices/{invoice['invoice_id']}",
        "can_send_in_mail": shown["status"] != "void",
        "can_edit_items": shown["status"] != "void",
        "payment_reminder_enabled": shown["status"] in UNPAID,
    }  # fmt: skip


def overview(request: Request) -> list[Record]:
    """Every invoice with what lists filter and sort by."""
    went = settled(request.books.all("allocation"))
    people = document_views.customers(request)
    return [
        _seen(request, invoice, people[invoice["customer_id"]], went.get(invoice["invoice_id"], Settled()))
        for invoice in request.books.all("invoice")
    ]


def row(invoice: Record) -> Record:
    """An invoice as a list shows it."""
    return document_views.row_of(invoice, ROW)


def _seen(request: Request, invoice: Record, contact: Record, went: Settled) -> Record:
    precision: int = invoice["price_precision"]
    status = invoice_status(invoice, went, request.today)
    return {
        **invoice,
        **FIXED,
        **document_views.common(request, invoice, contact),
        "status": status,
        "current_sub_status": status,
        "current_sub_status_id": "",
        "balance": rounded(balance(invoice, went), precision),
        "payment_made": rounded(went.payments, precision),
        "credits_applied": rounded(went.credits, precision),
        "tax_amount_withheld": rounded(went.withheld, precision),
        "last_payment_date": went.last_payment_date,
        "due_days": due_days(invoice["due_date"], request.now.date()) if status in UNPAID else "",
        "estimate_id": invoice["invoiced_estimate_id"],
    }


def due_days(due_date: str, today: date) -> str:
    """The due date in words: Due Today, Due in 3 day(s), Overdue by 3 day(s)."""
    days = (date.fromisoformat(due_date) - today).days
    if days == 0:
        return "Due Today"
    return f"Due in {days} day(s)" if days > 0 else f"Overdue by {-days} day(s)"
