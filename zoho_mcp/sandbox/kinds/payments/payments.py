"""Customer payments: money received, applied to invoices or kept as an advance. List key customerpayments, single
key payment, as in the real API."""

from collections import defaultdict
from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, allocations_from, balance, rest, settled_of, unapply
from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.kinds.payments.refunds import REFUND_ROUTES, refunds_of
from zoho_mcp.sandbox.kinds.payments.views import LISTING, detail, find, view
from zoho_mcp.sandbox.ledger import ZERO, rounded
from zoho_mcp.sandbox.listing import respond_many
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import custom_fields, day, number, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

# The documented modes, and "other", which Zoho was seen to accept. Zoho gives "cheque" back as "check".
PAYMENT_MODES = ("check", "cash", "creditcard", "banktransfer", "bankremittance", "autotransaction", "others", "other")
SPELLINGS = {"cheque": "check"}


def list_payments(request: Request) -> Reply:
    """GET /customerpayments."""
    return respond_many(request, LISTING, lambda: _overview(request))


def _overview(request: Request) -> list[Record]:
    parts: dict[str, list[Record]] = defaultdict(list)
    for part in request.books.all("allocation"):
        parts[part["source_id"]].append(part)
    refunded: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for refund in request.books.all("refund"):
        refunded[refund["source_id"]] += refund["amount"]
    invoices = {invoice["invoice_id"]: invoice for invoice in request.books.all("invoice")}
    return [
        view(request.books, payment, parts[payment["payment_id"]], refunded[payment["payment_id"]], invoices)
        for payment in request.books.all("payment")
    ]


def get_payment(request: Request) -> Reply:
    """GET /customerpayments/{payment_id}."""
    return done(payment=detail(request, find(request.books, request.path["payment_id"])))


def create_payment(request: Request) -> Reply:
    """POST /customerpayments; without invoices it is an unapplied advance."""
    contact = request.books.get("contact", text(request.body, "customer_id"))
    if contact is None:
        raise ZohoError(3004, "The Customer field can neither be blank nor incorrect. Please enter a correct Customer")
    number(request.body, "amount")
    payment_id = request.books.new_id()
    payment: Record = {
        "payment_id": payment_id,
        "payment_number": str(request.books.next_number("payment")),
        "customer_id": contact["contact_id"],
        **{name: contact[name] for name in ("currency_id", "currency_code", "currency_symbol", "price_precision")},
        "exchange_rate": settings.currency(request.books, contact["currency_id"])["exchange_rate"],
        "payment_mode": "cash", "date": request.today, "bank_charges": ZERO, "custom_fields": [], "account_id": "",
        "created_time": request.stamp,
    }  # fmt: skip
    _write(request, payment)
    _apply(request, payment, records(request.body, "invoices") or [])
    where = f"/customerpayments/{payment_id}"
    return created("The payment from the customer has been recorded", where, payment=detail(request, payment))


def update_payment(request: Request) -> Reply:
    """PUT /customerpayments/{payment_id}: partial update; `invoices`, when sent, replaces all applications."""
    payment = find(request.books, request.path["payment_id"])
    if text(request.body, "customer_id", payment["customer_id"]) != payment["customer_id"]:
        # Whether Zoho allows another customer is unverified; refusing loses nothing.
        raise ZohoError(3004, "The customer of a payment cannot be changed.")
    _write(request, payment)
    was = allocations_from(request.books, payment["customer_id"], payment["payment_id"])
    sent = records(request.body, "invoices")
    if sent is not None:
        unapply(request, was)
        _apply(request, payment, sent)
    if rest(request.books, "payment", payment) < 0:
        raise over_applied()
    return done(
        "The details of the payment received from the customer have been updated", payment=detail(request, payment)
    )


def delete_payment(request: Request) -> Reply:
    """DELETE /customerpayments/{payment_id}: its invoices are owed again. Refused while there are refunds of it."""
    payment = find(request.books, request.path["payment_id"])
    if refunds_of(request.books, payment):
        raise refused("Payments that have been refunded cannot be deleted.")  # Words and code are unverified.
    unapply(request, allocations_from(request.books, payment["customer_id"], payment["payment_id"]))
    request.books.drop("payment", payment["payment_id"])
    return done("The payment has been deleted.")


def payment_mode(body: Record, key: str, default: str) -> str:
    """One of Zoho's modes of payment. Modes that a user added in Zoho's settings are not supported."""
    mode = text(body, key, default, 100) or "cash"
    mode = SPELLINGS.get(mode, mode)
    if mode not in PAYMENT_MODES:
        raise invalid_value(key)
    return mode


def over_applied() -> ZohoError:
    """More than an invoice's balance, or more than the payment itself (the code for the latter is unverified)."""
    return ZohoError(24016, "The amount entered is more than the balance due for this invoice")


def _write(request: Request, payment: Record) -> None:
    body = request.body
    contact = contacts.find(request.books, payment["customer_id"])
    payment["customer_name"] = contact["contact_name"]
    payment["amount"] = number(body, "amount", payment.get("amount", ZERO))
    if payment["amount"] <= 0 or payment["amount"] != rounded(payment["amount"], payment["price_precision"]):
        raise invalid_value("amount")
    payment["payment_mode"] = payment_mode(body, "payment_mode", payment["payment_mode"])
    payment["date"] = day(body, "date", payment["date"])
    payment["reference_number"] = text(body, "reference_number", str(payment.get("reference_number", "")), 100)
    payment["description"] = text(body, "description", str(payment.get("description", "")), 2000)
    payment["exchange_rate"] = number(body, "exchange_rate", payment["exchange_rate"])
    payment["bank_charges"] = number(body, "bank_charges", payment["bank_charges"])
    payment["account_id"] = text(body, "account_id", payment["account_id"])
    payment["custom_fields"] = custom_fields(body, payment["custom_fields"])
    touch(payment, request.now)
    request.books.put("payment", payment["payment_id"], payment)


def _apply(request: Request, payment: Record, sent: list[Record]) -> None:
    left: Decimal = payment["amount"]
    for part in sent:
        # Read again for each part: an invoice named twice must see what the first part used.
        invoice = request.books.get("invoice", text(part, "invoice_id"))
        if invoice is None or invoice["customer_id"] != payment["customer_id"]:
            # That another customer's invoice is reported as missing is unverified.
            raise does_not_exist("Invoice")
        amount = number(part, "amount_applied")
        withheld = number(part, "tax_amount_withheld", ZERO)
        if amount <= 0 or withheld < 0 or amount != rounded(amount, payment["price_precision"]):
            raise invalid_value("amount_applied")
        # A void invoice has no balance, so any amount is too much.
        if amount + withheld > balance(invoice, settled_of(request.books, invoice)) or amount > left:
            raise over_applied()
        left -= amount
        allocate(request, "payment", payment, invoice, amount, withheld=withheld)


PAYMENT = "/customerpayments/{payment_id}"
ROUTES = [
    Route("GET", "/customerpayments", "customerpayments.READ", list_payments, "payments.list"),
    Route("POST", "/customerpayments", "customerpayments.CREATE", create_payment, "payments.one"),
    Route("GET", PAYMENT, "customerpayments.READ", get_payment, "payments.one"),
    Route("PUT", PAYMENT, "customerpayments.UPDATE", update_payment, "payments.one"),
    Route("DELETE", PAYMENT, "customerpayments.DELETE", delete_payment),
    *REFUND_ROUTES,
]
