"""Refunds of payments, of amounts that were not applied to invoices. From Zoho's documentation only."""

from zoho_mcp.sandbox import listing
from zoho_mcp.sandbox.balances import rest
from zoho_mcp.sandbox.kinds.payments.views import find
from zoho_mcp.sandbox.ledger import rounded
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, number, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

LISTING = Listing(key="payment_refunds", report_name="Customer Payments Refund", sortable=("date",))


def list_refunds(request: Request) -> Reply:
    """GET /customerpayments/{payment_id}/refunds."""
    payment = find(request.books, request.path["payment_id"])
    rows = [_row(payment, refund) for refund in refunds_of(request.books, payment)]
    reply = listing.respond(request, LISTING, rows)
    return Reply("The list of refunds of the customer is displayed successfully.", reply.keys)


def get_refund(request: Request) -> Reply:
    """GET /customerpayments/{payment_id}/refunds/{refund_id}. Zoho's example shows the one in a list."""
    payment, refund = _both(request)
    return done("The details of the refund are displayed successfully.", payment_refunds=[_detail(payment, refund)])


def create_refund(request: Request) -> Reply:
    """POST /customerpayments/{payment_id}/refunds, up to the unapplied amount."""
    payment = find(request.books, request.path["payment_id"])
    body = request.body
    if not text(body, "date"):
        raise invalid_value("date")
    amount = number(body, "amount")
    if amount <= 0 or amount != rounded(amount, payment["price_precision"]):
        raise invalid_value("amount")
    if amount > rest(request.books, "payment", payment):
        raise refused("The amount refunded is more than the unused amount of the payment.")
    account_id = text(body, "from_account_id")
    if request.product == "books" and request.books.get("account", account_id) is None:
        raise invalid_value("from_account_id")  # Zoho Invoice shows no accounts, so that it asks for none (unverified)
    refund_id = request.books.new_id()
    refund: Record = {
        "payment_refund_id": refund_id, "source_kind": "payment", "source_id": payment["payment_id"],
        "customer_id": payment["customer_id"], "amount": amount, "date": day(body, "date", request.today),
        "refund_mode": text(body, "refund_mode", "cash", 100), "payment_form": text(body, "payment_form", "cash"),
        "reference_number": text(body, "reference_number", limit=100), "from_account_id": account_id,
        "description": text(body, "description", limit=500), "created_time": request.stamp,
        "exchange_rate": number(body, "exchange_rate", payment["exchange_rate"]),
    }  # fmt: skip
    touch(refund, request.now)
    request.books.put("refund", refund_id, refund)
    _touch(request, payment)
    return done("The refund information for this payment has been saved.", payment_refunds=[_detail(payment, refund)])


def delete_refund(request: Request) -> Reply:
    """DELETE /customerpayments/{payment_id}/refunds/{refund_id}: the amount is unused again."""
    payment, refund = _both(request)
    request.books.drop("refund", refund["payment_refund_id"])
    _touch(request, payment)
    return done("The refund has been deleted.")


def _touch(request: Request, payment: Record) -> None:
    touch(payment, request.now)
    request.books.put("payment", payment["payment_id"], payment)


def refunds_of(books: Books, payment: Record) -> list[Record]:
    """The refunds of a payment, oldest first."""
    refunds = books.of_customer("refund", payment["customer_id"])
    return [refund for refund in refunds if refund["source_id"] == payment["payment_id"]]


def _both(request: Request) -> tuple[Record, Record]:
    payment = find(request.books, request.path["payment_id"])
    for refund in refunds_of(request.books, payment):
        if refund["payment_refund_id"] == request.path["refund_id"]:
            return payment, refund
    raise does_not_exist("Refund")


def _row(payment: Record, refund: Record) -> Record:
    own = {name: refund[name] for name in ("payment_refund_id", "date", "refund_mode", "reference_number")}
    return own | {
        "payment_id": payment["payment_id"], "payment_number": payment["payment_number"],
        "customer_name": payment["customer_name"], "amount_fcy": refund["amount"],
        "amount_bcy": rounded(refund["amount"] * refund["exchange_rate"]),
    }  # fmt: skip


def _detail(payment: Record, refund: Record) -> Record:
    names = ("payment_refund_id", "date", "refund_mode", "reference_number", "amount", "exchange_rate", "payment_form",
             "description")  # fmt: skip
    return {name: refund[name] for name in names} | {"payment_id": payment["payment_id"]}


REFUNDS = "/customerpayments/{payment_id}/refunds"
REFUND_ROUTES = [
    Route("GET", REFUNDS, "customerpayments.READ", list_refunds, "payments.refunds"),
    Route("POST", REFUNDS, "customerpayments.CREATE", create_refund, "payments.refund"),
    Route("GET", f"{REFUNDS}/{{refund_id}}", "customerpayments.READ", get_refund, "payments.refund"),
    Route("DELETE", f"{REFUNDS}/{{refund_id}}", "customerpayments.DELETE", delete_refund),
]
