"""Actions on an invoice: its statuses, its mail, and the payments and credits applied to it."""

from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, allocations_from, allocations_to, balance, rest, settled_of, unapply
from zoho_mcp.sandbox.kinds.credit_notes.application import apply_credit
from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.kinds.invoices.views import INVOICE, find
from zoho_mcp.sandbox.ledger import ZERO, rounded
from zoho_mcp.sandbox.times import in_words
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import number, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

# What can be applied: the list in the body, the kind of record, and its name in error messages.
CREDITS = (("invoice_payments", "payment", "Payment"), ("apply_creditnotes", "creditnote", "Credit note"))


def mark_sent(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/status/sent. Any other status stays unchanged, and the request still succeeds."""
    invoice = find(request.books, request.path["invoice_id"])
    if invoice["status"] in ("draft", "approved"):
        documents.change(request, "invoice", invoice, status="sent", issued_date=request.today)
    return done("Invoice status has been changed to Sent.")


def mark_void(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/status/void: applied payments and credits become unused. Repeating it succeeds."""
    invoice = find(request.books, request.path["invoice_id"])
    if invoice["status"] != "void":
        unapply(request, allocations_to(request.books, invoice))
        loose = find(request.books, invoice["invoice_id"])
        documents.change(request, "invoice", loose, status="void", write_off_amount=invoice["total"] * 0)
    return done("Invoice status has been changed to Void.")


def mark_draft(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/status/draft: reopens a void invoice as a draft."""
    invoice = find(request.books, request.path["invoice_id"])
    if invoice["status"] == "sent":
        # Documented for void invoices only; that others are refused, and the code, are unverified.
        raise refused("Only void invoices can be changed back to draft.")
    if invoice["status"] == "void":
        documents.change(request, "invoice", invoice, status="draft")
    return done("Status of invoice changed from void to draft")


def submit(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/submit: a draft that awaits approval is not owed."""
    _decide(request, "draft", "pending_approval")
    return done("The invoice has been submitted for approval successfully.")


def approve(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/approve. That it is owed only once it is sent is unverified."""
    _decide(request, "pending_approval", "approved")
    return done("You have approved the invoice.")


def reject(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/reject."""
    _decide(request, "pending_approval", "rejected")
    return done("You have rejected the invoice.")


def list_payments(request: Request) -> Reply:
    """GET /invoices/{invoice_id}/payments."""
    invoice = find(request.books, request.path["invoice_id"])
    parts = [part for part in allocations_to(request.books, invoice) if part["source_kind"] == "payment"]
    return done(payments=[_payment_row(request, invoice, part) for part in parts])


def list_credits(request: Request) -> Reply:
    """GET /invoices/{invoice_id}/creditsapplied."""
    invoice = find(request.books, request.path["invoice_id"])
    parts = [part for part in allocations_to(request.books, invoice) if part["source_kind"] == "creditnote"]
    return done(credits=[_credit_row(request, part) for part in parts])


def apply_credits(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/credits: apply unused payments and credit notes of the same customer."""
    invoice = find(request.books, request.path["invoice_id"])
    before = {part["allocation_id"] for part in allocations_to(request.books, invoice)}
    for key, kind, what in CREDITS:
        for part in records(request.body, key) or []:
            source = request.books.get(kind, text(part, f"{kind}_id"))
            if source is None or source["customer_id"] != invoice["customer_id"]:
                raise does_not_exist(what)
            _apply(request, kind, source, invoice, number(part, "amount_applied"))
    applied = [part for part in allocations_to(request.books, invoice) if part["allocation_id"] not in before]
    used = {key: [_applied(part, kind) for part in applied if part["source_kind"] == kind] for key, kind, _ in CREDITS}
    return done("Credits have been applied to the invoice(s).", use_credits=used)


def delete_payment(request: Request) -> Reply:
    """DELETE /invoices/{invoice_id}/payments/{invoice_payment_id}: the payment stays, as unused credit."""
    _unapply_one(request, request.path["invoice_payment_id"], "payment", "Payment")
    return done("The payment has been deleted.")


def delete_credit(request: Request) -> Reply:
    """DELETE /invoices/{invoice_id}/creditsapplied/{creditnotes_invoice_id}."""
    _unapply_one(request, request.path["creditnotes_invoice_id"], "creditnote", "Credit")
    return done("Credits applied to an invoice have been deleted.")


def _decide(request: Request, expected: str, status: str) -> None:
    invoice = find(request.books, request.path["invoice_id"])
    if invoice["status"] != expected:
        raise refused(f"Only invoices in the {expected} status can become {status}.")
    documents.change(request, "invoice", invoice, status=status)


def _apply(request: Request, kind: str, source: Record, invoice: Record, amount: Decimal) -> None:
    if kind == "creditnote":
        apply_credit(request, source, invoice, amount)
        return
    if amount != rounded(amount, source["price_precision"]):
        raise invalid_value("amount_applied")
    owed = ZERO if invoice["status"] == "void" else balance(invoice, settled_of(request.books, invoice))
    if not ZERO < amount <= min(owed, rest(request.books, kind, source)):
        raise ZohoError(24016, "The amount entered is more than the balance due for this invoice")
    allocate(request, kind, source, invoice, amount)


def _applied(part: Record, kind: str) -> Record:
    own_id = "creditnotes_invoice_id" if kind == "creditnote" else "invoice_payment_id"
    return {
        f"{kind}_id": part["source_id"],
        own_id: part["allocation_id"],
        "invoice_id": part["invoice_id"],
        "amount_applied": part["amount"],
        "date": part["date"],
        "date_formatted": in_words(part["date"]),
    }


def _unapply_one(request: Request, allocation_id: str, kind: str, what: str) -> None:
    invoice = find(request.books, request.path["invoice_id"])
    parts = [part for part in allocations_to(request.books, invoice) if part["allocation_id"] == allocation_id]
    if not parts or parts[0]["source_kind"] != kind:
        raise does_not_exist(what)
    unapply(request, parts)


def _payment_row(request: Request, invoice: Record, part: Record) -> Record:
    payment = request.books.get("payment", part["source_id"])
    if payment is None:
        raise does_not_exist("Payment")
    others = allocations_from(request.books, invoice["customer_id"], payment["payment_id"])
    return {
        "invoice_payment_id": part["allocation_id"],
        "payment_id": payment["payment_id"],
        "payment_number": payment["payment_number"],
        "invoice_id": invoice["invoice_id"],
        "payment_mode": payment["payment_mode"],
        "description": payment["description"],
        "date": payment["date"],
        "reference_number": payment["reference_number"],
        "exchange_rate": payment["exchange_rate"],
        "amount": part["amount"],
        "tax_amount_withheld": part["tax_amount_withheld"],
        "online_transaction_id": "",
        "is_single_invoice_payment": len(others) == 1,
        "last_four_digits": "",
    }


def _credit_row(request: Request, part: Record) -> Record:
    note = request.books.get("creditnote", part["source_id"]) or {}
    return {
        "creditnote_id": part["source_id"],
        "creditnotes_invoice_id": part["allocation_id"],
        "creditnotes_number": note.get("creditnote_number", ""),
        "credited_date": part["date"],
        "amount_applied": part["amount"],
    }


PATH = "/invoices/{invoice_id}"
ACTION_ROUTES = [
    Route("POST", f"{PATH}/status/sent", "invoices.CREATE", mark_sent),
    Route("POST", f"{PATH}/status/void", "invoices.CREATE", mark_void),
    Route("POST", f"{PATH}/status/draft", "invoices.CREATE", mark_draft),
    # Approval is a feature of Zoho Books. Paths and wording follow its documentation, except for reject.
    Route("POST", f"{PATH}/submit", "invoices.CREATE", submit, products=("books",)),
    Route("POST", f"{PATH}/approve", "invoices.CREATE", approve, products=("books",)),
    Route("POST", f"{PATH}/reject", "invoices.CREATE", reject, products=("books",)),
    *INVOICE.email_routes(
        "Invoice", draft_becomes="sent", message="Your invoice has been sent.", keys="invoices.emailed"
    ),
    Route("GET", f"{PATH}/payments", "invoices.READ", list_payments, "invoices.payments"),
    Route("DELETE", f"{PATH}/payments/{{invoice_payment_id}}", "invoices.DELETE", delete_payment),
    Route("GET", f"{PATH}/creditsapplied", "invoices.READ", list_credits, "invoices.credits"),
    Route("DELETE", f"{PATH}/creditsapplied/{{creditnotes_invoice_id}}", "invoices.DELETE", delete_credit),
    Route("POST", f"{PATH}/credits", "invoices.CREATE", apply_credits, "invoices.credited"),
]
