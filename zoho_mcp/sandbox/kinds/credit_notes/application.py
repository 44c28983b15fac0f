"""The application of credit notes to invoices, and its routes below a credit note. Codes and wording are Zoho's."""

from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, allocations_from, balance, invoice_status, rest, settled_of, unapply_one
from zoho_mcp.sandbox.kinds.credit_notes.credit_notes import CREDIT_NOTE, invoices_credited, status_of
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.pricing import rounded
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, over_applied, refused
from zoho_mcp.sandbox.wire.fields import number, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

NOTE_CODES = {"closed": 12003, "void": 12004}
# Zoho's message calls a paid invoice closed.
INVOICE_CODES = {"draft": (12005, "draft"), "paid": (12006, "closed"), "void": (12007, "void")}
router = Router(CREDIT_NOTE)


def apply_credit(request: Request, note: Record, invoice: Record, amount: Decimal) -> None:
    """Apply this amount of a credit note to an invoice of the same customer."""
    left = rest(request.books, "creditnote", note)
    applied = settled_of(request.books, invoice)
    _check(status_of(note, left), invoice_status(invoice, applied, request.today))
    if amount <= 0 or amount != rounded(amount, note["price_precision"]):
        raise invalid_value("amount_applied")
    if amount > min(left, balance(invoice, applied)):
        raise over_applied()
    allocate(request, "creditnote", note, invoice, amount)
    CREDIT_NOTE.save(request, note)


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


@router.on_one("GET", "/invoices", shape="invoices")
def list_invoices(request: Request, note: Record) -> Record:
    """The invoices that a credit note was applied to."""
    return {"invoices_credited": invoices_credited(request.books, note)}


@router.on_one("POST", "/invoices", "Credits have been applied to the invoice(s).", "applied")
def apply_to_invoices(request: Request, note: Record) -> Record:
    """Apply all amounts, or none."""
    sent = records(request.body, "invoices")
    if not sent:
        raise invalid_value("invoices")
    applied: list[Record] = []
    for part in sent:
        # Read for each part: the second must see what the first changed.
        invoice = request.books.get("invoice", text(part, "invoice_id"))
        if invoice is None or invoice["customer_id"] != note["customer_id"]:
            # That another customer's invoice is reported as missing is unverified.
            raise does_not_exist("Invoice")
        amount = number(part, "amount_applied")
        apply_credit(request, note, invoice, amount)
        applied.append({"invoice_id": invoice["invoice_id"], "amount_applied": amount})
    return {"apply_to_invoices": {"invoices": applied}}


@router.on_one("DELETE", "/invoices/{creditnote_invoice_id}", "Credits applied to an invoice have been deleted.")
def delete_application(request: Request, note: Record) -> None:
    """The invoice is owed again."""
    parts = allocations_from(request.books, note["customer_id"], note["creditnote_id"])
    unapply_one(request, parts, request.path["creditnote_invoice_id"], "Credit")
