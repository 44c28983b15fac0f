"""Credit notes as Zoho shows them: the record plus what was applied and refunded."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from zoho_mcp.sandbox.balances import allocations_from
from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.documents import views as document_views
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind
from zoho_mcp.sandbox.kinds.invoices.views import find as find_invoice
from zoho_mcp.sandbox.ledger import ZERO, rounded
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Statuses a list can filter by; the sandbox uses the first four.
STATUSES = (
    "open", "closed", "void", "draft", "pending_approval", "approved", "rejected", "signed", "pending_signature",
    "unsigned_all", "unsigned_draft", "unsigned_sent", "unsigned_approved",
)  # fmt: skip


WORDS = ("Open", "Closed", "Void", "Draft", "Pending", "Approved")
LISTING = Listing(
    key="creditnotes",
    report_name="Credit Notes",
    sortable=("customer_name", "creditnote_number", "balance", "total", "date", "last_modified_time"),
    exact=("customer_id", "item_id"),
    text=("creditnote_number", "reference_number", "customer_name", "item_name", "item_description"),
    numbers=("total",),
    dates=("date",),
    search=("creditnote_number", "reference_number", "customer_name"),
    statuses={status: of_status(status) for status in STATUSES},
    filters=status_filters({word: word.lower() for word in WORDS}),
    default_filter="Status.All",
)


def status_of(note: Record, left: Decimal) -> str:
    """The status that Zoho shows. The record itself has only draft, open and void."""
    return "closed" if note["status"] == "open" and left <= 0 else str(note["status"])


def refunds_of(books: Books, note: Record) -> list[Record]:
    """The refunds of a credit note, oldest first."""
    refunds = books.of_customer("refund", note["customer_id"])
    return [refund for refund in refunds if refund["source_id"] == note["creditnote_id"]]


def detail(request: Request, note: Record) -> Record:
    """A credit note as GET shows it."""
    contact = contacts.find(request.books, note["customer_id"])
    applied = [part["amount"] for part in allocations_from(request.books, note["customer_id"], note["creditnote_id"])]
    refunded = [refund["amount"] for refund in refunds_of(request.books, note)]
    return {
        **_seen(request, note, contact, sum(applied, ZERO), sum(refunded, ZERO)),
        **document_views.extras(request, note, contact, "creditnote"),
        "invoices_credited": invoices_credited(request.books, note),
        "creditnote_refunds": [refund_of(note, refund) for refund in refunds_of(request.books, note)],
    }


def overview(request: Request) -> list[Record]:
    """Every credit note with the values that lists filter and sort by."""
    people = document_views.customers(request)
    applied, refunded = _by_source(request.books, "allocation"), _by_source(request.books, "refund")
    return [
        _seen(
            request,
            note,
            people[note["customer_id"]],
            applied.get(note["creditnote_id"], ZERO),
            refunded.get(note["creditnote_id"], ZERO),
        )
        | {"applied_invoices": _applied_numbers(request.books, note) if applied.get(note["creditnote_id"]) else ""}
        for note in request.books.all("creditnote")
    ]


def invoices_credited(books: Books, note: Record) -> list[Record]:
    """The invoices that a credit note was applied to. Seen from an invoice, Zoho spells two keys `creditnotes_`."""
    return [
        {
            "creditnote_id": note["creditnote_id"],
            "invoice_id": part["invoice_id"],
            "invoice_number": find_invoice(books, part["invoice_id"])["invoice_number"],
            "creditnote_number": note["creditnote_number"],
            "creditnote_invoice_id": part["allocation_id"],
            "date": part["date"],
            "credited_amount": part["amount"],
        }
        for part in allocations_from(books, note["customer_id"], note["creditnote_id"])
    ]


def _applied_numbers(books: Books, note: Record) -> str:
    return ",".join(str(part["invoice_number"]) for part in invoices_credited(books, note))


def refund_of(note: Record, refund: Record) -> Record:
    """A refund as Zoho shows it."""
    shown = {name: value for name, value in refund.items() if name != "source_id"}
    return {
        **shown,
        **{name: note[name] for name in ("creditnote_id", "creditnote_number", "customer_name", "currency_code")},
        "amount_fcy": refund["amount"],
        "amount_bcy": rounded(refund["amount"] * refund["exchange_rate"]),
    }


def _by_source(books: Books, kind: str) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for part in books.all(kind):
        found[part["source_id"]] += part["amount"]
    return found


def _seen(request: Request, note: Record, contact: Record, applied: Decimal, refunded: Decimal) -> Record:
    precision: int = note["price_precision"]
    # Of a draft or void one as well, although neither can be spent: unverified.
    left = note["total"] - applied - refunded
    status = status_of(note, left)
    return {
        **note,
        **document_views.common(request, note, contact),
        "status": status,
        "current_sub_status": status,
        "issued_date": "" if status in ("draft", "void") else note["date"],
        "balance": rounded(left, precision),
        "credits_used": rounded(applied, precision),
        "total_credits_used": rounded(applied + refunded, precision),
        "total_refunded_amount": rounded(refunded, precision),
    }


CREDIT_NOTE = DocumentKind(
    "creditnote", "/creditnotes", "creditnotes", "credit_notes", "Credit Note", LISTING, overview, detail
)
find = CREDIT_NOTE.find
