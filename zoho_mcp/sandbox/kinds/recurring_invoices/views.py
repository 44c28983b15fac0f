"""Recurring invoices as Zoho shows them: the record plus values derived from today's date and its invoices."""

from datetime import date

from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind
from zoho_mcp.sandbox.kinds.invoices import views as invoice_views
from zoho_mcp.sandbox.kinds.recurring_invoices import schedule
from zoho_mcp.sandbox.ledger import ZERO
from zoho_mcp.sandbox.listing import TEXT, Listing, of_status, status_filters
from zoho_mcp.sandbox.times import parse_stamp
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

STATUSES = ("active", "stopped", "expired")
LINE_FILTERS = {"item_name": "name", "item_description": "description", "item_id": "item_id", "tax_id": "tax_id",
                "line_item_id": "line_item_id"}  # fmt: skip
LISTING = Listing(
    key="recurring_invoices",
    report_name="Recurring Invoices",
    # Zoho's documents name no columns: unverified.
    sortable=("recurrence_name", "customer_name", "start_date", "end_date", "next_invoice_date", "last_sent_date",
              "reference_number", "total", "last_modified_time"),
    exact=("customer_id",),
    text=("recurrence_name", "customer_name", "notes", "reference_number"),
    dates=("start_date", "end_date"),
    search=("recurrence_name", "customer_name", "reference_number"),
    statuses={status: of_status(status) for status in STATUSES},
    filters=status_filters({status.capitalize(): status for status in STATUSES}),
    default_filter="Status.All",
)  # fmt: skip


def status(record: Record, today: str) -> str:
    """The status that Zoho shows. The record itself has only active and stopped; a stopped one does not expire."""
    if record["status"] == "active" and record["end_date"] and record["end_date"] < today:
        return "expired"
    return str(record["status"])


def next_invoice_date(record: Record, today: str) -> str:
    """When the next invoice is due, "" for none.

    Today counts, for nothing is generated here by time passing: today's invoice has not been made yet.
    """
    if status(record, today) != "active":
        return ""  # that a stopped one has none is unverified
    start, day = date.fromisoformat(record["start_date"]), date.fromisoformat(today)
    found = schedule.next_date(start, record["recurrence_frequency"], record["repeat_every"], day)
    if found is None or (record["end_date"] and found.isoformat() > record["end_date"]):
        return ""
    return found.isoformat()


def detail(request: Request, record: Record) -> Record:
    """A recurring invoice as GET shows it."""
    contact = contacts.find(request.books, record["customer_id"])
    invoices = request.books.of_customer("invoice", record["customer_id"])
    extras = document_views.extras(request, record, contact, "invoice")
    primary = contacts.primary_of(contact)
    return {
        **_seen(request, record, contact, _last_dates(invoices)),
        **extras,
        **_paid_and_unpaid(request, record),
        "customer_email": primary["email"] if primary else "",
        "customer_phone": primary["phone"] if primary else "",
    }


def overview(request: Request) -> list[Record]:
    """Every recurring invoice whose lines match the query, with the values that lists filter and sort by."""
    people = document_views.customers(request)
    last = _last_dates(request.books.all("invoice"))
    rows = request.books.all("recurring_invoice")
    for name, key in LINE_FILTERS.items():
        for suffix, holds in TEXT.items():
            want = request.query.get(f"{name}{suffix}", "").casefold()
            if want:
                rows = [row for row in rows if any(holds(line[key], want) for line in row["line_items"])]
    return [_seen(request, row, people[row["customer_id"]], last) for row in rows]


def history(request: Request, record: Record) -> list[Record]:
    """What happened to a recurring invoice, newest first (the order is unverified)."""
    return [_comment(request, record, entry) for entry in reversed(record["history"])]


def _seen(request: Request, record: Record, contact: Record, last: dict[str, str]) -> Record:
    shown = {name: value for name, value in record.items() if name != "history"}
    return {
        **shown,
        **document_views.common(request, record, contact),
        "status": status(record, request.today),
        "last_sent_date": last.get(record["recurring_invoice_id"], ""),
        "next_invoice_date": next_invoice_date(record, request.today),
    }


def _paid_and_unpaid(request: Request, record: Record) -> Record:
    own = [
        row for row in invoice_views.overview(request) if row["recurring_invoice_id"] == record["recurring_invoice_id"]
    ]
    return {
        "paid_invoices_total": sum((row["total"] for row in own if row["status"] == "paid"), ZERO),
        "unpaid_invoices_balance": sum((row["balance"] for row in own if row["status"] in invoice_views.UNPAID), ZERO),
    }


def _last_dates(invoices: list[Record]) -> dict[str, str]:
    """The date of the newest invoice of each recurring invoice."""
    found: dict[str, str] = {}
    for invoice in invoices:
        parent = invoice["recurring_invoice_id"]
        found[parent] = max(found.get(parent, ""), invoice["date"])
    return found


def _comment(request: Request, record: Record, entry: Record) -> Record:
    moment = parse_stamp(entry["time"]) or request.now
    days = (request.now.date() - moment.date()).days
    return {
        "comment_id": entry["comment_id"],
        "recurring_invoice_id": record["recurring_invoice_id"],
        "comment_description": entry["description"],
        "commented_by_id": "",
        "commented_by": request.organization["contact_name"],
        "comment_type": "system",
        "operation_type": entry["operation"],
        "date": moment.date().isoformat(),
        # Of these words the reference shows "yesterday" only.
        "date_description": {0: "today", 1: "yesterday"}.get(days, f"{days} days ago"),
        "time": f"{moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}",
        "transaction_id": record["recurring_invoice_id"],
        # The reference's sample says "estimate", which looks like a mistake.
        "transaction_type": "recurring_invoice",
    }


RECURRING_INVOICE = DocumentKind(
    "recurring_invoice", "/recurringinvoices", "invoices", "recurring_invoices", "Recurring Invoice", LISTING, overview,
    detail, "Details of a recurring invoice is displayed successfully.",
)  # fmt: skip
find = RECURRING_INVOICE.find
