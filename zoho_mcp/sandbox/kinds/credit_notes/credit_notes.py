"""Credit notes: create, read, change, delete. Applying and refunding are in actions.py and refunds.py."""

from zoho_mcp.sandbox.balances import rest
from zoho_mcp.sandbox.kinds.credit_notes.actions import ACTION_ROUTES
from zoho_mcp.sandbox.kinds.credit_notes.application import is_used
from zoho_mcp.sandbox.kinds.credit_notes.refunds import REFUND_ROUTES
from zoho_mcp.sandbox.kinds.credit_notes.views import CREDIT_NOTE, detail, find
from zoho_mcp.sandbox.kinds.documents import documents, numbering
from zoho_mcp.sandbox.kinds.settings import template
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, flag, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done


def create_credit_note(request: Request) -> Reply:
    """POST /creditnotes: open immediately, unless is_draft is true."""
    creditnote_id = request.books.new_id()
    status = "draft" if flag(request.body, "is_draft", False) else "open"
    note: Record = {"creditnote_id": creditnote_id, "creditnote_number": "", "status": status}
    note |= documents.new_document(request) | {"date": request.today}
    _write(request, note)
    note["creditnote_number"] = _own_number(request, note) or numbering.next_number(request, "creditnote", "CN-")
    request.books.put("creditnote", creditnote_id, note)
    return created(
        "The credit note has been created.", f"/creditnotes/{creditnote_id}", creditnote=detail(request, note)
    )


def update_credit_note(request: Request) -> Reply:
    """PUT /creditnotes/{creditnote_id}: what is sent changes, the rest stays; line_items replaces all lines."""
    note = find(request.books, request.path["creditnote_id"])
    if note["status"] == "void":
        raise refused("Void credit notes cannot be edited.")  # as with invoices; unverified
    if text(request.body, "customer_id", note["customer_id"]) not in ("", note["customer_id"]) and is_used(
        request, note
    ):
        raise refused("The customer of a credit note that has been applied or refunded cannot be changed.")
    used = note["total"] - rest(request.books, "creditnote", note)
    note["creditnote_number"] = _own_number(request, note) or note["creditnote_number"]
    _write(request, note)
    if note["total"] < used:
        raise refused("The total cannot be less than what has been applied and refunded already.")
    request.books.put("creditnote", note["creditnote_id"], note)
    return done("The credit note has been updated.", creditnote=detail(request, note))


def delete_credit_note(request: Request) -> Reply:
    """DELETE /creditnotes/{creditnote_id}, refused once any of it was applied or refunded."""
    note = find(request.books, request.path["creditnote_id"])
    if is_used(request, note):
        raise refused("Credit notes that have been applied or refunded cannot be deleted.")
    request.books.drop("creditnote", note["creditnote_id"])
    return done("The credit note has been deleted.")


def _own_number(request: Request, note: Record) -> str:
    """The number given with ignore_auto_number_generation=true; otherwise it is ignored, unlike an invoice's.

    Zoho's field tables have ignore_auto_number_generation in the body as well; that it does anything there is
    unverified, so only the recorded way works. That a PUT follows the same rule is unverified too.
    """
    if not request.wants("ignore_auto_number_generation"):
        return ""
    number = text(request.body, "creditnote_number", limit=numbering.LIMIT).strip()
    if not number and not note["creditnote_number"]:
        raise invalid_value("creditnote_number")
    if number and numbering.is_taken(request, "creditnote", number, note["creditnote_id"]):
        raise ZohoError(12018, "The specified Credit Note Number already exists")
    return number


def _write(request: Request, note: Record) -> None:
    documents.write_customer(request, note)
    documents.write_texts(request, note)
    wanted = text(request.body, "template_id", note["template_id"])
    note["template_id"] = template(request.books, wanted, "creditnote")["template_id"]
    note["date"] = day(request.body, "date", note["date"])
    documents.write_pricing(request, note, "Credit Note")
    touch(note, request.now)


ROUTES = [
    *CREDIT_NOTE.reading_routes(),
    Route("POST", "/creditnotes", "creditnotes.CREATE", create_credit_note, "credit_notes.saved"),
    Route("PUT", "/creditnotes/{creditnote_id}", "creditnotes.UPDATE", update_credit_note, "credit_notes.saved"),
    Route("DELETE", "/creditnotes/{creditnote_id}", "creditnotes.DELETE", delete_credit_note),
    *ACTION_ROUTES,
    *REFUND_ROUTES,
]
