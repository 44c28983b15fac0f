"""Customer payments: money received, applied to invoices or kept as an advance, and refunds of unapplied amounts."""

from collections import defaultdict
from decimal import Decimal

from zoho_mcp.sandbox.balances import allocate, allocations_from, balance, rest, settled_of, unapply
from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.kinds.refunds import RefundKind, refund_rows, refunds_of
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, over_applied, refused
from zoho_mcp.sandbox.wire.fields import custom_field_hash, custom_fields, day, number, records, text, text_fields
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, created

# The documented modes, and "other", which Zoho was seen to accept. Zoho gives "cheque" back as "check".
PAYMENT_MODES = ("check", "cash", "creditcard", "banktransfer", "bankremittance", "autotransaction", "others", "other")
SPELLINGS = {"cheque": "check"}
# The payment_mode that each value of filter_by stands for.
MODES = {
    "Check": ("check",), "Cash": ("cash",), "BankTransfer": ("banktransfer",), "Paypal": ("paypal",),
    "CreditCard": ("creditcard",), "GoogleCheckout": ("googlecheckout",), "Credit": ("credit",),
    "Authorizenet": ("authorizenet",), "BankRemittance": ("bankremittance",), "Payflowpro": ("payflowpro",),
    "Stripe": ("stripe",), "TwoCheckout": ("2checkout",), "Braintree": ("braintree",), "Others": ("others", "other"),
}  # fmt: skip
LISTING = Listing(
    key="customerpayments",
    report_name="Payments Received",
    sortable=("customer_name", "date", "amount", "payment_number", "payment_mode", "unused_amount",
              "last_modified_time", "reference_number"),
    exact=("customer_id",),
    text=("customer_name", "reference_number", "notes", "payment_mode", "payment_number"),
    numbers=("amount",),
    dates=("date",),
    search=("customer_name", "payment_number", "reference_number", "description"),
    filters={
        "PaymentMode.All": lambda row: True,
        **{
            f"PaymentMode.{word}": lambda row, modes=modes: str(row["payment_mode"]).lower() in modes
            for word, modes in MODES.items()
        },
    },
    default_filter="PaymentMode.All",
    default_sort="date",
)  # fmt: skip


def payment_mode(body: Record, key: str, default: str) -> str:
    """One of Zoho's modes of payment. Modes that a user added in Zoho's settings are not supported."""
    mode = text(body, key, default, 100) or "cash"
    mode = SPELLINGS.get(mode, mode)
    if mode not in PAYMENT_MODES:
        raise invalid_value(key)
    return mode


def _detail(request: Request, payment: Record) -> Record:
    books = request.books
    parts = allocations_from(books, payment["customer_id"], payment["payment_id"])
    refunds = refund_rows(books, "payment", payment)
    invoices = {part["invoice_id"]: INVOICE.find(books, part["invoice_id"]) for part in parts}
    return {
        **_view(books, payment, parts, sum((refund["amount"] for refund in refunds), ZERO), invoices),
        "created_by": request.organization["contact_name"],
        "updated_time": payment["last_modified_time"],
        "invoices": [_application(books, part, invoices[part["invoice_id"]]) for part in parts],
        # Which keys of the list of refunds Zoho shows here is unverified.
        "payment_refunds": [
            {name: refund[name] for name in ("payment_refund_id", "date", "refund_mode", "amount_fcy")}
            for refund in refunds
        ],
    }


def _overview(request: Request) -> list[Record]:
    parts: dict[str, list[Record]] = defaultdict(list)
    for part in request.books.all("allocation"):
        parts[part["source_id"]].append(part)
    refunded: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for refund in request.books.all("refund"):
        refunded[refund["source_id"]] += refund["amount"]
    invoices = {invoice["invoice_id"]: invoice for invoice in request.books.all("invoice")}
    return [
        _view(request.books, payment, parts[payment["payment_id"]], refunded[payment["payment_id"]], invoices)
        for payment in request.books.all("payment")
    ]


def _view(books: Books, payment: Record, parts: list[Record], refunded: Decimal, invoices: dict[str, Record]) -> Record:
    """A payment with its unused amount; `invoices` are those it was applied to, by id."""
    unused = payment["amount"] - sum((part["amount"] for part in parts), ZERO) - refunded
    account = books.get("account", payment["account_id"]) if payment["account_id"] else None
    rate, precision = payment["exchange_rate"], payment["price_precision"]
    return {
        **payment,
        "payment_mode_formatted": payment["payment_mode"],
        "bcy_amount": rounded(payment["amount"] * rate),
        "amount": rounded(payment["amount"], precision),
        "unused_amount": rounded(unused, precision),
        "bcy_unused_amount": rounded(unused * rate),
        "bcy_refunded_amount": rounded(refunded * rate),
        "tax_amount_withheld": sum((part["tax_amount_withheld"] for part in parts), ZERO),
        "notes": payment["description"],
        "account_name": account["account_name"] if account else "",
        "account_type": account["account_type"] if account else "",
        "invoice_numbers": ", ".join(str(invoices[part["invoice_id"]]["invoice_number"]) for part in parts),
        "payment_type": "Invoice Payment" if parts else "Customer Advance",
        "custom_field_hash": custom_field_hash(payment["custom_fields"]),
        "payment_number_suffix": payment["payment_number"],
    }


def _application(books: Books, part: Record, invoice: Record) -> Record:
    names = ("invoice_id", "invoice_number", "total", "date", "due_date", "price_precision")
    return {name: invoice[name] for name in names} | {
        "invoice_payment_id": part["allocation_id"],
        "amount_applied": part["amount"],
        "tax_amount_withheld": part["tax_amount_withheld"],
        "balance": rounded(balance(invoice, settled_of(books, invoice)), invoice["price_precision"]),
        "apply_date": part["date"],
    }


def _before_delete(request: Request, payment: Record) -> None:
    if refunds_of(request.books, "payment", payment):
        raise refused("Payments that have been refunded cannot be deleted.")  # Words and code are unverified.
    unapply(request, allocations_from(request.books, payment["customer_id"], payment["payment_id"]))


# In Zoho's API, too, the list is called customerpayments and one of it payment.
PAYMENT = RecordKind(
    name="payment",
    path="/customerpayments",
    scope="customerpayments",
    tables="payments",
    word="Payment",
    listing=LISTING,
    fields={
        **text_fields(reference_number=100, description=2000, account_id=None), "amount": (number, ZERO),
        "payment_mode": (payment_mode, "cash"), "date": (day, ""), "exchange_rate": (number, ZERO),
        "bank_charges": (number, ZERO), "custom_fields": (custom_fields, []),
    },
    deleted="The payment has been deleted.",
    view=_detail,
    overview=_overview,
    before_delete=_before_delete,
)  # fmt: skip
router = PAYMENT.router()


@router.on_all("POST", "", "one")
def create_payment(request: Request) -> Reply:
    """Record a payment; without invoices it is an unapplied advance."""
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
        "exchange_rate": settings.CURRENCY.find(request.books, contact["currency_id"])["exchange_rate"],
        "date": request.today, "created_time": request.stamp,
    }  # fmt: skip
    _write(request, payment)
    _apply(request, payment, records(request.body, "invoices") or [])
    where = f"/customerpayments/{payment_id}"
    return created("The payment from the customer has been recorded", where, payment=_detail(request, payment))


@router.on_one("PUT", "", "The details of the payment received from the customer have been updated", "one")
def update_payment(request: Request, payment: Record) -> Record:
    """What is sent changes, the rest stays; `invoices`, when sent, replaces all applications."""
    if text(request.body, "customer_id", payment["customer_id"]) != payment["customer_id"]:
        # Whether Zoho allows another customer is unverified; refusing loses nothing.
        raise ZohoError(3004, "The customer of a payment cannot be changed.")
    _write(request, payment)
    sent = records(request.body, "invoices")
    if sent is not None:
        unapply(request, allocations_from(request.books, payment["customer_id"], payment["payment_id"]))
        _apply(request, payment, sent)
    if rest(request.books, "payment", payment) < 0:
        raise over_applied()
    return {"payment": _detail(request, payment)}


def _write(request: Request, payment: Record) -> None:
    payment["customer_name"] = CONTACT.find(request.books, payment["customer_id"])["contact_name"]
    PAYMENT.read_fields(request, payment)
    if payment["amount"] <= 0 or payment["amount"] != rounded(payment["amount"], payment["price_precision"]):
        raise invalid_value("amount")
    PAYMENT.save(request, payment)


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


def _new_refund(request: Request, payment: Record) -> Record:
    if not text(request.body, "date"):
        raise invalid_value("date")
    return {"payment_form": text(request.body, "payment_form", "cash")}


# From Zoho's documentation only.
REFUNDS = RefundKind(
    source=PAYMENT,
    path_id="refund_id",
    listing=Listing(key="payment_refunds", report_name="Customer Payments Refund", sortable=("date",)),
    shown=lambda refund: {"payment_refunds": [refund]},  # Zoho's example shows the one in a list.
    listed="The list of refunds of the customer is displayed successfully.",
    read="The details of the refund are displayed successfully.",
    created="The refund information for this payment has been saved.",
    deleted="The refund has been deleted.",
    too_much="The amount refunded is more than the unused amount of the payment.",
    new=_new_refund,
    mode=lambda body, key, default: text(body, key, default, 100),
)
router.routes += REFUNDS.router().routes
