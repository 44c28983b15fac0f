"""Credit notes."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from zoho_mcp.sandbox.balances import allocations_from, rest
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind, Mail, Transition
from zoho_mcp.sandbox.kinds.documents.numbering import Numbering
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.refunds import refund_rows
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import refused
from zoho_mcp.sandbox.wire.fields import day, flag, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Statuses a list can filter by; the sandbox uses the first four.
STATUSES = (
    "open", "closed", "void", "draft", "pending_approval", "approved", "rejected", "signed", "pending_signature",
    "unsigned_all", "unsigned_draft", "unsigned_sent", "unsigned_approved",
)  # fmt: skip
WORDS = ("Open", "Closed", "Void", "Draft", "Pending", "Approved")


def _new(request: Request) -> Record:
    return {"date": request.today, "status": "draft" if flag(request.body, "is_draft", False) else "open"}


def _is_used(request: Request, note: Record) -> bool:
    """Whether any of a credit note was applied or refunded."""
    return rest(request.books, "creditnote", note) != note["total"]


def _before_change(request: Request, note: Record) -> None:
    if note["status"] == "void":
        raise refused("Void credit notes cannot be edited.")  # as with invoices; unverified
    if text(request.body, "customer_id") not in ("", note["customer_id"]) and _is_used(request, note):
        raise refused("The customer of a credit note that has been applied or refunded cannot be changed.")


def _after_write(request: Request, note: Record) -> None:
    if rest(request.books, "creditnote", note) < 0:
        raise refused("The total cannot be less than what has been applied and refunded already.")


def _before_delete(request: Request, note: Record) -> None:
    if _is_used(request, note):
        raise refused("Credit notes that have been applied or refunded cannot be deleted.")


def _check_void(request: Request, note: Record) -> None:
    if _is_used(request, note):
        # Whether Zoho takes the credits back instead is unverified; refusing loses nothing.
        raise refused("Credit notes that have been applied or refunded cannot be void.")


def _derive(request: Request, customer_id: str | None) -> Callable[[Record], Record]:
    applied, refunded = (_sums(request.books, kind, customer_id) for kind in ("allocation", "refund"))

    def derived(note: Record) -> Record:
        used, paid_back = applied[note["creditnote_id"]], refunded[note["creditnote_id"]]
        # Of a draft or void one as well, although neither can be spent: unverified.
        left, precision = note["total"] - used - paid_back, note["price_precision"]
        status = status_of(note, left)
        numbers = [part["invoice_number"] for part in invoices_credited(request.books, note)] if used else []
        return {
            "status": status,
            "current_sub_status": status,
            "issued_date": "" if status in ("draft", "void") else note["date"],
            "balance": rounded(left, precision),
            "total_credits_used": rounded(used + paid_back, precision),
            "total_refunded_amount": rounded(paid_back, precision),
            "applied_invoices": ",".join(numbers),
        }

    return derived


def _sums(books: Books, kind: str, customer_id: str | None) -> dict[str, Decimal]:
    """The amounts of the records of a kind, by source_id."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for part in books.of_customer(kind, customer_id):
        sums[part["source_id"]] += part["amount"]
    return sums


def status_of(note: Record, left: Decimal) -> str:
    """The status that Zoho shows. The record itself has only draft, open and void."""
    return "closed" if note["status"] == "open" and left <= 0 else str(note["status"])


def invoices_credited(books: Books, note: Record) -> list[Record]:
    """The invoices that a credit note was applied to. Seen from an invoice, Zoho spells two keys `creditnotes_`."""
    return [
        {
            "creditnote_id": note["creditnote_id"],
            "invoice_id": part["invoice_id"],
            "invoice_number": INVOICE.find(books, part["invoice_id"])["invoice_number"],
            "creditnote_number": note["creditnote_number"],
            "creditnote_invoice_id": part["allocation_id"],
            "date": part["date"],
            "credited_amount": part["amount"],
        }
        for part in allocations_from(books, note["customer_id"], note["creditnote_id"])
    ]


def _add_details(request: Request, shown: Record) -> Record:
    return {
        "invoices_credited": invoices_credited(request.books, shown),
        "creditnote_refunds": refund_rows(request.books, "creditnote", shown),
    }


CREDIT_NOTE = DocumentKind(
    name="creditnote",
    path="/creditnotes",
    scope="creditnotes",
    tables="credit_notes",
    word="Credit Note",
    listing=Listing(
        key="creditnotes",
        report_name="Credit Notes",
        sortable=("customer_name", "creditnote_number", "balance", "total", "date", "last_modified_time"),
        exact=("customer_id",),
        text=("creditnote_number", "reference_number", "customer_name", "item_name", "item_description"),
        numbers=("total",),
        dates=("date",),
        search=("creditnote_number", "reference_number", "customer_name"),
        statuses={status: of_status(status) for status in STATUSES},
        filters=status_filters({word: word.lower() for word in WORDS}),
        default_filter="Status.All",
    ),
    created="The credit note has been created.",
    updated="The credit note has been updated.",
    deleted="The credit note has been deleted.",
    # Zoho's field tables have ignore_auto_number_generation in the body as well; that it does anything there is
    # unverified, so only the recorded way works. That a PUT follows the same rule is unverified too.
    numbering=Numbering("creditnote_number", "CN-", (12018, "The specified Credit Note Number already exists")),
    template_type="creditnote",
    pdf_title="CREDIT NOTE",
    fields={"date": (day, "")},
    new=_new,
    before_change=_before_change,
    after_write=_after_write,
    before_delete=_before_delete,
    derive=_derive,
    add_details=_add_details,
    transitions=(
        # Repeating it succeeds, as for invoices; unverified.
        Transition(
            "/status/void", "void", "The credit note has been marked as Void.", ("draft", "open", "void"),
            effect=_check_void,
        ),
        Transition(
            "/status/draft", "draft", "The credit note has been marked as Draft.", ("draft", "void"),
            # Documented for void ones; that open ones are refused, and the code, are unverified.
            refusal="Only void credit notes can be changed to draft.",
        ),
        Transition(
            # Documented for drafts; that void ones are refused, and the code, are unverified.
            "/status/open", "open", "Status of the credit note has been changed to open.", ("draft",), ("open",),
            refusal="Only draft credit notes can be changed to open.",
        ),
    ),
    # That mailing a draft opens it is unverified.
    mail=Mail("Credit Note", "Your credit note has been sent.", draft_becomes="open"),
)  # fmt: skip
router = CREDIT_NOTE.router()
