"""Credit notes: create, read, change, delete. What they are spent on is in credit_note_actions.py and
credit_note_refunds.py."""

from zoho_mcp.sandbox import document_views, documents, numbering
from zoho_mcp.sandbox.balances import rest
from zoho_mcp.sandbox.credit_note_actions import ACTION_ROUTES
from zoho_mcp.sandbox.credit_note_refunds import REFUND_ROUTES
from zoho_mcp.sandbox.credit_note_views import LISTING, detail, find, overview, row
from zoho_mcp.sandbox.credits import is_used
from zoho_mcp.sandbox.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.fields import day, flag, text
from zoho_mcp.sandbox.lookups import template
from zoho_mcp.sandbox.moments import touch
from zoho_mcp.sandbox.routing import Call, Reply, Route, created, done
from zoho_mcp.sandbox.wire import Record


def list_credit_notes(call: Call) -> Reply:
    """GET /creditnotes."""
    return document_views.answer(call, LISTING, overview, row)


def get_credit_note(call: Call) -> Reply:
    """GET /creditnotes/{creditnote_id}."""
    return done(creditnote=detail(call, find(call.books, call.path["creditnote_id"])))


def create_credit_note(call: Call) -> Reply:
    """POST /creditnotes: open at once, unless is_draft says otherwise."""
    creditnote_id = call.books.new_id()
    status = "draft" if flag(call.body, "is_draft", False) else "open"
    note: Record = {"creditnote_id": creditnote_id, "creditnote_number": "", "status": status}
    note |= documents.new_document(call) | {"date": call.today}
    _write(call, note)
    note["creditnote_number"] = _own_number(call, note) or numbering.next_number(call, "creditnote", "CN-")
    call.books.put("creditnote", creditnote_id, note)
    return created("Credit Note has been created.", f"/creditnotes/{creditnote_id}", creditnote=detail(call, note))


def update_credit_note(call: Call) -> Reply:
    """PUT /creditnotes/{creditnote_id}: what is sent changes, the rest stays; line_items replaces all lines."""
    note = find(call.books, call.path["creditnote_id"])
    if note["status"] == "void":
        raise refused("Void credit notes cannot be edited.")  # as with invoices; unverified
    if text(call.body, "customer_id", note["customer_id"]) not in ("", note["customer_id"]) and is_used(call, note):
        raise refused("The customer of a credit note that has been applied or refunded cannot be changed.")
    used = note["total"] - rest(call.books, "creditnote", note)
    note["creditnote_number"] = _own_number(call, note) or note["creditnote_number"]
    _write(call, note)
    if note["total"] < used:
        raise refused("The total cannot be less than what has been applied and refunded already.")
    call.books.put("creditnote", note["creditnote_id"], note)
    return done("Credit Note has been updated.", creditnote=detail(call, note))


def delete_credit_note(call: Call) -> Reply:
    """DELETE /creditnotes/{creditnote_id}, refused once anything of it was spent."""
    note = find(call.books, call.path["creditnote_id"])
    if is_used(call, note):
        raise refused("Credit notes that have been applied or refunded cannot be deleted.")
    call.books.drop("creditnote", note["creditnote_id"])
    return done("Credit Note has been deleted.")


def _own_number(call: Call, note: Record) -> str:
    """The number the caller gives and says to be meant; without that it is ignored, unlike an invoice's.

    Zoho's field tables have ignore_auto_number_generation in the body as well; that it does anything there is
    unverified, so only the recorded way works. That a PUT follows the same rule is unverified too.
    """
    if not call.asks("ignore_auto_number_generation"):
        return ""
    number = text(call.body, "creditnote_number", limit=numbering.LIMIT).strip()
    if not number and not note["creditnote_number"]:
        raise invalid_value("creditnote_number")
    if number and numbering.is_taken(call, "creditnote", number, note["creditnote_id"]):
        raise ZohoError(12018, "The specified Credit Note Number already exists")
    return number


def _write(call: Call, note: Record) -> None:
    documents.write_customer(call, note)
    documents.write_texts(call, note)
    wanted = text(call.body, "template_id", note["template_id"])
    note["template_id"] = template(call.books, wanted, "creditnote")["template_id"]
    note["date"] = day(call.body, "date", note["date"])
    documents.write_pricing(call, note)
    touch(note, call.now)


ROUTES = [
    Route("GET", "/creditnotes", "creditnotes.READ", list_credit_notes),
    Route("POST", "/creditnotes", "creditnotes.CREATE", create_credit_note),
    Route("GET", "/creditnotes/{creditnote_id}", "creditnotes.READ", get_credit_note),
    Route("PUT", "/creditnotes/{creditnote_id}", "creditnotes.UPDATE", update_credit_note),
    Route("DELETE", "/creditnotes/{creditnote_id}", "creditnotes.DELETE", delete_credit_note),
    *ACTION_ROUTES,
    *REFUND_ROUTES,
]
