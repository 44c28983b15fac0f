"""Expenses as Zoho shows them: the record plus values derived from its accounts and the invoice that bills it."""

from zoho_mcp.sandbox.balances import Settled, invoice_status, settled
from zoho_mcp.sandbox.listing import Listing, Test
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.fields import custom_field_hash
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

STATUSES = ("unbilled", "invoiced", "reimbursed", "non-billable", "billable")


def _status_test(status: str) -> Test:
    if status == "billable":
        return lambda row: row["is_billable"]
    return lambda row: row["status"] == status.replace("-", "")


def _filters() -> dict[str, Test]:
    names = {"Billable": "billable", "Nonbillable": "non-billable", "Reimbursed": "reimbursed", "Invoiced": "invoiced",
             "Unbilled": "unbilled"}  # fmt: skip
    tests = {f"Status.{word}": _status_test(status) for word, status in names.items()}
    return {"Status.All": lambda row: True, **tests}


LISTING = Listing(
    key="expenses",
    report_name="Expenses",
    sortable=("date", "account_name", "total", "bcy_total", "reference_number", "customer_name", "last_modified_time"),
    exact=("customer_id", "vendor_id", "recurring_expense_id", "paid_through_account_id", "project_id"),
    text=("description", "reference_number", "account_name", "customer_name", "vendor_name"),
    numbers=("amount",),
    dates=("date",),
    # An older page of Zoho's also names category and description; the current one does not.
    search=("customer_name", "vendor_name"),
    statuses={status: _status_test(status) for status in STATUSES},
    filters=_filters(),
    default_filter="Status.All",
)


def billed(request: Request) -> dict[str, Record]:
    """The invoice that bills each expense, by expense_id: the one with a line that names it. A void one bills none."""
    applied = settled(request.books.all("allocation"))
    bills: dict[str, Record] = {}
    for invoice in request.books.all("invoice"):
        if invoice["status"] == "void":
            continue
        shown = {name: invoice[name] for name in ("invoice_id", "invoice_number")}
        shown["status"] = invoice_status(invoice, applied.get(invoice["invoice_id"], Settled()), request.today)
        bills |= {line["expense_id"]: shown for line in invoice["line_items"] if line["expense_id"]}
    return bills


def detail(request: Request, expense: Record) -> Record:
    """An expense as GET shows it."""
    return _view(request.books, expense, billed(request).get(expense["expense_id"]))


def overview(request: Request) -> list[Record]:
    """Every expense with the values that lists filter and sort by."""
    bills = billed(request)
    expenses = request.books.all("expense")
    return [_view(request.books, expense, bills.get(expense["expense_id"])) for expense in expenses]


def _view(books: Books, expense: Record, invoice: Record | None) -> Record:
    """An expense with its status, which follows from whether it is billable, billed and paid."""
    lines: list[Record] = expense["line_items"]
    paid_through = books.get("account", expense["paid_through_account_id"])
    rate, precision = expense["exchange_rate"], expense["price_precision"]
    line = None if expense["is_itemized_expense"] else lines[0]
    return {
        **expense,
        "status": _status(expense, invoice),
        # That an itemised expense has no account of its own but this word is unverified.
        "account_name": line["account_name"] if line else "Itemized",
        **{name: line[name] if line else "" for name in ("account_id", "tax_id", "tax_name")},
        "expense_item_id": line["line_item_id"] if line else "",
        "tax_percentage": line["tax_percentage"] if line else ZERO,
        "paid_through_account_name": paid_through["account_name"] if paid_through else "",
        "bcy_total": rounded(expense["total"] * rate, precision),
        "total_without_tax": expense["sub_total"],
        "bcy_total_without_tax": rounded(expense["sub_total"] * rate, precision),
        "has_attachment": bool(expense["expense_receipt_name"]),
        "custom_field_hash": custom_field_hash(expense["custom_fields"]),
        "invoice_id": invoice["invoice_id"] if invoice else "",
        "invoice_number": invoice["invoice_number"] if invoice else "",
    }


def _status(expense: Record, invoice: Record | None) -> str:
    if invoice is not None:
        return "reimbursed" if invoice["status"] == "paid" else "invoiced"
    # Recorded with this spelling; the filter spells it non-billable.
    return "unbilled" if expense["is_billable"] else "nonbillable"
