"""When a credit note can be applied to an invoice, from either side. Codes and wording are Zoho's."""

from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, balance, invoice_status, rest, settled_of
from zoho_mcp.sandbox.kinds.credit_notes.views import status_of
from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.ledger import rounded
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

NOTE_CODES = {"closed": 12003, "void": 12004}
# Zoho's message calls a paid invoice closed.
INVOICE_CODES = {"draft": (12005, "draft"), "paid": (12006, "closed"), "void": (12007, "void")}


def apply_credit(request: Request, note: Record, invoice: Record, amount: Decimal) -> None:
    """Apply this amount of a credit note to an invoice of the same customer."""
    left = rest(request.books, "creditnote", note)
    went = settled_of(request.books, invoice)
    _check(status_of(note, left), invoice_status(invoice, went, request.today))
    if amount <= 0 or amount != rounded(amount, note["price_precision"]):
        raise invalid_value("amount_applied")
    if amount > min(left, balance(invoice, went)):
        # The code is documented for payments; for credits it is unverified.
        raise ZohoError(24016, "The amount entered is more than the balance due for this invoice")
    allocate(request, "creditnote", note, invoice, amount)
    documents.change(request, "creditnote", note)


def is_used(request: Request, note: Record) -> bool:
    """Whether any of a credit note was applied or refunded."""
    return rest(request.books, "creditnote", note) != note["total"]


def _check(note_status: str, status: str) -> None:
    if note_status in NOTE_CODES:
        raise ZohoError(
            NOTE_CODES[note_status], f"Credit notes that are in {note_status} status cannot be applied to invoices"
        )
    if note_status == "draft":
        raise refused("Credit notes that are in draft status cannot be applied to invoices")
    if status in INVOICE_CODES:
        code, word = INVOICE_CODES[status]
        raise ZohoError(code, f"Credits cannot be applied to invoices in the {word} status")
