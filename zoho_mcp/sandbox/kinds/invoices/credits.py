"""The payments and credit notes applied to an invoice."""

from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, allocations_from, allocations_to, balance, rest, settled_of, unapply_one
from zoho_mcp.sandbox.kinds.credit_notes.application import apply_credit
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.times import in_words
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, over_applied
from zoho_mcp.sandbox.wire.fields import number, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# What can be applied: the list in the body, the kind of record, its name in refusals, and the key of an application.
CREDITS = (
    ("invoice_payments", "payment", "Payment", "invoice_payment_id"),
    ("apply_creditnotes", "creditnote", "Credit note", "creditnotes_invoice_id"),
)
router = Router(INVOICE)


@router.on_one("GET", "/payments", shape="payments")
def list_payments(request: Request, invoice: Record) -> Record:
    """The payments applied to an invoice."""
    return {"payments": [_payment_row(request, invoice, part) for part in _applied(request, invoice, "payment")]}


@router.on_one("GET", "/creditsapplied", shape="credits")
def list_credits(request: Request, invoice: Record) -> Record:
    """The credit notes applied to an invoice."""
    return {"credits": [_credit_row(request, part) for part in _applied(request, invoice, "creditnote")]}


@router.on_one("POST", "/credits", "Credits have been applied to the invoice(s).", "credited")
def apply_credits(request: Request, invoice: Record) -> Record:
    """Apply unused payments and credit notes of the same customer."""
    before = {part["allocation_id"] for part in allocations_to(request.books, invoice)}
    for key, kind, word, _ in CREDITS:
        for part in records(request.body, key) or []:
            source = request.books.get(kind, text(part, f"{kind}_id"))
            if source is None or source["customer_id"] != invoice["customer_id"]:
                raise does_not_exist(word)
            _apply(request, kind, source, invoice, number(part, "amount_applied"))
    return {
        "use_credits": {
            key: [
                _application(part, kind, own_id)
                for part in _applied(request, invoice, kind)
                if part["allocation_id"] not in before
            ]
            for key, kind, _, own_id in CREDITS
        }
    }


@router.on_one("DELETE", "/payments/{invoice_payment_id}", "The payment has been deleted.")
def delete_payment(request: Request, invoice: Record) -> None:
    """The payment stays, as unused credit."""
    unapply_one(request, _applied(request, invoice, "payment"), request.path["invoice_payment_id"], "Payment")


@router.on_one("DELETE", "/creditsapplied/{creditnotes_invoice_id}", "Credits applied to an invoice have been deleted.")
def delete_credit(request: Request, invoice: Record) -> None:
    """The credit note stays, with its amount unused."""
    unapply_one(request, _applied(request, invoice, "creditnote"), request.path["creditnotes_invoice_id"], "Credit")


def _applied(request: Request, invoice: Record, kind: str) -> list[Record]:
    return [part for part in allocations_to(request.books, invoice) if part["source_kind"] == kind]


def _apply(request: Request, kind: str, source: Record, invoice: Record, amount: Decimal) -> None:
    if kind == "creditnote":
        apply_credit(request, source, invoice, amount)
        return
    if amount != rounded(amount, source["price_precision"]):
        raise invalid_value("amount_applied")
    owed = balance(invoice, settled_of(request.books, invoice))
    if not ZERO < amount <= min(owed, rest(request.books, kind, source)):
        raise over_applied()
    allocate(request, kind, source, invoice, amount)


def _application(part: Record, kind: str, own_id: str) -> Record:
    return {
        f"{kind}_id": part["source_id"],
        own_id: part["allocation_id"],
        "invoice_id": part["invoice_id"],
        "amount_applied": part["amount"],
        "date": part["date"],
        "date_formatted": in_words(part["date"]),
    }


def _payment_row(request: Request, invoice: Record, part: Record) -> Record:
    payment = request.books.get("payment", part["source_id"])
    if payment is None:
        raise does_not_exist("Payment")
    others = allocations_from(request.books, invoice["customer_id"], payment["payment_id"])
    names = ("payment_id", "payment_number", "payment_mode", "description", "date", "reference_number", "exchange_rate")
    return {name: payment[name] for name in names} | {
        "invoice_payment_id": part["allocation_id"],
        "invoice_id": invoice["invoice_id"],
        "amount": part["amount"],
        "tax_amount_withheld": part["tax_amount_withheld"],
        "is_single_invoice_payment": len(others) == 1,
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
