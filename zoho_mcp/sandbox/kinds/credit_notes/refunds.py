"""Refunds of credit notes."""

from zoho_mcp.sandbox import listing
from zoho_mcp.sandbox.balances import rest
from zoho_mcp.sandbox.kinds.credit_notes.views import find, refund_of, refunds_of
from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.kinds.payments.payments import payment_mode
from zoho_mcp.sandbox.ledger import rounded
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, number, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

LISTING = Listing(
    key="creditnote_refunds",
    report_name="Credit Note Refunds",
    sortable=("date", "refund_mode", "reference_number", "creditnote_number", "customer_name", "amount_bcy",
              "amount_fcy"),
    exact=("customer_id",),
)  # fmt: skip


def list_all(request: Request) -> Reply:
    """GET /creditnotes/refunds: of every credit note."""
    refunds = [refund for refund in request.books.all("refund") if refund["source_kind"] == "creditnote"]
    rows = [refund_of(find(request.books, refund["source_id"]), refund) for refund in refunds]
    return listing.respond(request, LISTING, rows)


def list_refunds(request: Request) -> Reply:
    """GET /creditnotes/{creditnote_id}/refunds."""
    note = find(request.books, request.path["creditnote_id"])
    rows = [refund_of(note, refund) for refund in refunds_of(request.books, note)]
    reply = listing.respond(request, LISTING, rows)
    return Reply("The refunds of the existing credit note are displayed successfully.", reply.keys)


def get_refund(request: Request) -> Reply:
    """GET /creditnotes/{creditnote_id}/refunds/{creditnote_refund_id}."""
    note, refund = _both(request)
    message = "The refund of the credit note is displayed successfully."
    return done(message, creditnote_refund=refund_of(note, refund))


def create_refund(request: Request) -> Reply:
    """POST /creditnotes/{creditnote_id}/refunds, up to the remaining balance."""
    note = find(request.books, request.path["creditnote_id"])
    if note["status"] != "open":
        raise refused(f"Credit notes in the {note['status']} status cannot be refunded.")
    refund_id = request.books.new_id()
    refund: Record = {
        "creditnote_refund_id": refund_id,
        "source_kind": "creditnote",
        "source_id": note["creditnote_id"],
        "customer_id": note["customer_id"],
        # The documentation requires a date; defaulting to today, as for payments, is unverified.
        "date": request.today,
        "refund_mode": "cash",
        "payment_form": "",
        "exchange_rate": note["exchange_rate"],
        "created_time": request.stamp,
    }
    number(request.body, "amount")
    _write(request, note, refund)
    return done("The credit note amount is refunded successfully.", creditnote_refund=refund_of(note, refund))


def update_refund(request: Request) -> Reply:
    """PUT /creditnotes/{creditnote_id}/refunds/{creditnote_refund_id}: what is sent changes, the rest stays."""
    note, refund = _both(request)
    _write(request, note, refund)
    return done("The credit note refund is updated successfully.", creditnote_refund=refund_of(note, refund))


def delete_refund(request: Request) -> Reply:
    """DELETE /creditnotes/{creditnote_id}/refunds/{creditnote_refund_id}: the amount becomes credit again."""
    note, refund = _both(request)
    request.books.drop("refund", refund["creditnote_refund_id"])
    documents.change(request, "creditnote", note)
    return done("The refund has been successfully deleted.")


def _both(request: Request) -> tuple[Record, Record]:
    note = find(request.books, request.path["creditnote_id"])
    for refund in refunds_of(request.books, note):
        if refund["creditnote_refund_id"] == request.path["creditnote_refund_id"]:
            return note, refund
    raise does_not_exist("Refund")


def _write(request: Request, note: Record, refund: Record) -> None:
    body = request.body
    was = refund.get("amount", note["total"] * 0)
    refund["amount"] = number(body, "amount", was)
    if refund["amount"] <= 0 or refund["amount"] != rounded(refund["amount"], note["price_precision"]):
        raise invalid_value("amount")
    if refund["amount"] > rest(request.books, "creditnote", note) + was:
        raise refused("The amount refunded is more than the balance of the credit note.")
    refund["date"] = day(body, "date", refund["date"])
    refund["refund_mode"] = payment_mode(body, "refund_mode", refund["refund_mode"])
    refund["reference_number"] = text(body, "reference_number", str(refund.get("reference_number", "")), 100)
    refund["description"] = text(body, "description", str(refund.get("description", "")), 500)
    refund["exchange_rate"] = number(body, "exchange_rate", refund["exchange_rate"])
    if refund["exchange_rate"] <= 0:
        raise invalid_value("exchange_rate")
    _write_account(request, refund)
    touch(refund, request.now)
    request.books.put("refund", refund["creditnote_refund_id"], refund)
    documents.change(request, "creditnote", note)


def _write_account(request: Request, refund: Record) -> None:
    account_id = text(request.body, "from_account_id", str(refund.get("from_account_id", "")))
    account = request.books.get("account", account_id) if account_id else None
    # Zoho Invoice has no accounts in its API, so none is required; Books requires one. Both are unverified.
    if account is None and (account_id or request.product == "books"):
        raise invalid_value("from_account_id")
    refund |= {"from_account_id": account_id, "from_account_name": account["account_name"] if account else ""}


REFUNDS = "/creditnotes/{creditnote_id}/refunds"
REFUND_ROUTES = [
    Route("GET", "/creditnotes/refunds", "creditnotes.READ", list_all, "credit_notes.refunds"),
    Route("GET", REFUNDS, "creditnotes.READ", list_refunds, "credit_notes.refunds"),
    Route("POST", REFUNDS, "creditnotes.CREATE", create_refund, "credit_notes.refund"),
    Route("GET", f"{REFUNDS}/{{creditnote_refund_id}}", "creditnotes.READ", get_refund, "credit_notes.refund"),
    Route("PUT", f"{REFUNDS}/{{creditnote_refund_id}}", "creditnotes.UPDATE", update_refund, "credit_notes.refund"),
    Route("DELETE", f"{REFUNDS}/{{creditnote_refund_id}}", "creditnotes.DELETE", delete_refund),
]
