"""Actions on a credit note: its statuses, its mail, and the invoices it is applied to."""

from zoho_mcp.sandbox.balances import allocations_from, unapply
from zoho_mcp.sandbox.kinds.credit_notes.application import apply_credit, is_used
from zoho_mcp.sandbox.kinds.credit_notes.views import CREDIT_NOTE, find, invoices_credited
from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import number, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def mark_void(request: Request) -> Reply:
    """POST /creditnotes/{creditnote_id}/status/void. Repeating it succeeds (as for invoices; unverified)."""
    note = find(request.books, request.path["creditnote_id"])
    if is_used(request, note):
        # Whether Zoho takes the credits back instead is unverified; refusing loses nothing.
        raise refused("Credit notes that have been applied or refunded cannot be void.")
    documents.change(request, "creditnote", note, status="void")
    return done("The credit note has been marked as Void.")


def mark_draft(request: Request) -> Reply:
    """POST /creditnotes/{creditnote_id}/status/draft: reopens a void one as a draft."""
    note = find(request.books, request.path["creditnote_id"])
    if note["status"] == "open":
        # Documented for void ones; that open ones are refused, and the code, are unverified.
        raise refused("Only void credit notes can be changed to draft.")
    documents.change(request, "creditnote", note, status="draft")
    return done("The credit note has been marked as Draft.")


def mark_open(request: Request) -> Reply:
    """POST /creditnotes/{creditnote_id}/status/open. Open and closed ones stay unchanged (unverified)."""
    note = find(request.books, request.path["creditnote_id"])
    if note["status"] == "void":
        # Documented for drafts; that void ones are refused, and the code, are unverified.
        raise refused("Only draft credit notes can be changed to open.")
    if note["status"] == "draft":
        documents.change(request, "creditnote", note, status="open")
    return done("Status of the credit note has been changed to open.")


def list_invoices(request: Request) -> Reply:
    """GET /creditnotes/{creditnote_id}/invoices."""
    return done(invoices_credited=invoices_credited(request.books, find(request.books, request.path["creditnote_id"])))


def apply_to_invoices(request: Request) -> Reply:
    """POST /creditnotes/{creditnote_id}/invoices: apply all amounts, or none."""
    creditnote_id = request.path["creditnote_id"]
    find(request.books, creditnote_id)
    sent = records(request.body, "invoices")
    if not sent:
        raise invalid_value("invoices")
    applied: list[Record] = []
    for part in sent:
        # Read again for each part: the second must see what the first used.
        note, invoice = find(request.books, creditnote_id), request.books.get("invoice", text(part, "invoice_id"))
        if invoice is None or invoice["customer_id"] != note["customer_id"]:
            # That another customer's invoice is reported as missing is unverified.
            raise does_not_exist("Invoice")
        amount = number(part, "amount_applied")
        apply_credit(request, note, invoice, amount)
        applied.append({"invoice_id": invoice["invoice_id"], "amount_applied": amount})
    return done("Credits have been applied to the invoice(s).", apply_to_invoices={"invoices": applied})


def delete_invoice(request: Request) -> Reply:
    """DELETE /creditnotes/{creditnote_id}/invoices/{creditnote_invoice_id}: the invoice is owed again."""
    note = find(request.books, request.path["creditnote_id"])
    parts = allocations_from(request.books, note["customer_id"], note["creditnote_id"])
    wanted = [part for part in parts if part["allocation_id"] == request.path["creditnote_invoice_id"]]
    if not wanted:
        raise does_not_exist("Credit")
    unapply(request, wanted)
    return done("Credits applied to an invoice have been deleted.")


NOTE = "/creditnotes/{creditnote_id}"
ACTION_ROUTES = [
    Route("POST", f"{NOTE}/status/void", "creditnotes.CREATE", mark_void),
    Route("POST", f"{NOTE}/status/draft", "creditnotes.CREATE", mark_draft),
    Route("POST", f"{NOTE}/status/open", "creditnotes.CREATE", mark_open),
    # That mailing a draft opens it is unverified.
    *CREDIT_NOTE.email_routes("Credit Note", draft_becomes="open", message="Your credit note has been sent."),
    Route("GET", f"{NOTE}/invoices", "creditnotes.READ", list_invoices, "credit_notes.invoices"),
    Route("POST", f"{NOTE}/invoices", "creditnotes.CREATE", apply_to_invoices, "credit_notes.applied"),
    Route("DELETE", f"{NOTE}/invoices/{{creditnote_invoice_id}}", "creditnotes.DELETE", delete_invoice),
]
