"""Payments as Zoho shows them: the record plus the invoices it was applied to."""

from decimal import Decimal

from zoho_mcp.sandbox.balances import allocations_from, balance, settled_of
from zoho_mcp.sandbox.kinds.invoices.views import find as find_invoice
from zoho_mcp.sandbox.ledger import ZERO, rounded
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.fields import custom_field_hash
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

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


def find(books: Books, payment_id: str) -> Record:
    """The payment of that id."""
    found = books.get("payment", payment_id)
    if found is None:
        raise does_not_exist("Payment")
    return found


def detail(request: Request, payment: Record) -> Record:
    """A payment as GET shows it."""
    books = request.books
    parts = allocations_from(books, payment["customer_id"], payment["payment_id"])
    refunds = [part for part in books.of_customer("refund", payment["customer_id"])
               if part["source_id"] == payment["payment_id"]]  # fmt: skip
    invoices = {part["invoice_id"]: find_invoice(books, part["invoice_id"]) for part in parts}
    refunded = sum((refund["amount"] for refund in refunds), ZERO)
    return {
        **view(books, payment, parts, refunded, invoices),
        "created_by": request.organization["contact_name"],
        "updated_time": payment["last_modified_time"],
        "invoices": [_invoice_part(books, part, invoices[part["invoice_id"]]) for part in parts],
        # As in the list of refunds; what Zoho shows here is unverified.
        "payment_refunds": [
            {
                "payment_refund_id": one["payment_refund_id"],
                "date": one["date"],
                "refund_mode": one["refund_mode"],
                "amount_fcy": one["amount"],
            }
            for one in refunds
        ],
    }


def view(books: Books, payment: Record, parts: list[Record], refunded: Decimal, invoices: dict[str, Record]) -> Record:
    """A payment with its unused amount; `invoices` are those it was applied to, by id."""
    unused = payment["amount"] - sum((part["amount"] for part in parts), ZERO) - refunded
    account = books.get("account", payment["account_id"]) if payment["account_id"] else None
    rate, precision = payment["exchange_rate"], payment["price_precision"]
    numbers = [str(invoices[part["invoice_id"]]["invoice_number"]) for part in parts]
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
        "invoice_numbers": ", ".join(numbers),
        "payment_type": "Invoice Payment" if parts else "Customer Advance",
        "custom_field_hash": custom_field_hash(payment["custom_fields"]),
        "payment_number_suffix": payment["payment_number"],
    }  # fmt: skip


def _invoice_part(books: Books, part: Record, invoice: Record) -> Record:
    left = rounded(balance(invoice, settled_of(books, invoice)), invoice["price_precision"])
    return {
        "invoice_id": invoice["invoice_id"],
        "invoice_payment_id": part["allocation_id"],
        "invoice_number": invoice["invoice_number"],
        "total": invoice["total"],
        "amount_applied": part["amount"],
        "tax_amount_withheld": part["tax_amount_withheld"],
        "balance": left,
        "date": invoice["date"],
        "due_date": invoice["due_date"],
        "apply_date": part["date"],
        "price_precision": invoice["price_precision"],
    }
