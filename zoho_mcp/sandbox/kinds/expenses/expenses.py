"""Expenses, by category (`account_id`). The lines of invoices name the expenses that they bill."""

from decimal import Decimal
from typing import Any

from zoho_mcp.sandbox.kinds import accounts, settings
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.expenses.views import LISTING, billed, detail, overview
from zoho_mcp.sandbox.kinds.files import LARGEST, store_file
from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.pricing import ZERO, Line, Tax, Terms, price, rounded
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import custom_fields, day, flag, number, records, text, text_fields
from zoho_mcp.sandbox.wire.forms import Upload
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Top-level fields of an expense with one line; an itemised expense has them on its lines.
OF_LINES = ("account_id", "amount", "tax_id", "description")
# Zoho Books allows other accounts too (fixed assets, cost of goods); the sandbox has none of these.
CATEGORY_TYPES = ("expense",)
PAYING_TYPES = ("cash", "bank", "credit_card")


OFFICE = "application/vnd.openxmlformats-officedocument"
# The extensions of receipts in Zoho's documentation, and the media type of the returned file. That Zoho checks neither
# the content nor the Content-Type of an upload is unverified.
RECEIPT_TYPES = {
    "gif": "image/gif", "png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "bmp": "image/bmp",
    "pdf": "application/pdf", "xls": "application/vnd.ms-excel", "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "doc": "application/msword", "docx": f"{OFFICE}.wordprocessingml.document",
}  # fmt: skip
NO_RECEIPT: Record = {"expense_receipt_name": "", "expense_receipt_type": ""}


def store_receipt(request: Request, expense: Record, upload: Upload) -> None:
    """Store a file as the expense's receipt. The caller saves the expense."""
    name = upload.plain_name
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension not in RECEIPT_TYPES:
        raise refused(f"Only files of these types can be attached as a receipt: {', '.join(RECEIPT_TYPES)}.")
    if not upload.content:
        raise refused("The receipt is an empty file.")
    if len(upload.content) > LARGEST:
        raise refused(f"The receipt is larger than {LARGEST // 1024 // 1024} MB.")
    store_file(request, "receipt", expense["expense_id"], name, RECEIPT_TYPES[extension], upload.content)
    expense |= {"expense_receipt_name": name, "expense_receipt_type": extension}


def _new(request: Request) -> Record:
    # The category is account_id: an expense_category is silently ignored.
    return {
        "customer_id": "", "customer_name": "", "vendor_id": "", "vendor_name": "", "currency_id": "",
        "paid_through_account_id": "", "is_itemized_expense": False, "line_items": [], **NO_RECEIPT,
    }  # fmt: skip


def _before_change(request: Request, expense: Record) -> None:
    if expense["expense_id"] in billed(request):
        if text(request.body, "customer_id", expense["customer_id"]) != expense["customer_id"]:
            raise ZohoError(5019, "Contact cannot be changed for an invoiced expense")
        if not flag(request.body, "is_billable", True):
            raise ZohoError(5032, "You cannot make this expense non-billable as it has been already invoiced")


def _before_delete(request: Request, expense: Record) -> None:
    if expense["expense_id"] in billed(request):
        raise ZohoError(5001, "Expenses that were converted to an invoice cannot be deleted")
    request.books.drop("receipt", expense["expense_id"])


def _write(request: Request, expense: Record) -> None:
    _write_lines(request, expense)
    if not expense["date"]:
        raise invalid_value("date")
    _write_people(request, expense)
    _write_paid_through(request, expense)
    _write_currency(request, expense)
    _total(expense)
    if "receipt" in request.files:
        store_receipt(request, expense, request.files["receipt"])


def _write_lines(request: Request, expense: Record) -> None:
    sent = records(request.body, "line_items")
    was: list[Record] = expense["line_items"]
    if sent:
        # With lines, top-level account_id and amount are not required: unverified.
        lines_by_id = {"": {}, **{line["line_item_id"]: line for line in was}}
        if not lines_by_id.keys() >= {text(part, "line_item_id") for part in sent}:
            raise invalid_value("line_item_id")
        expense["line_items"] = [_line(request, part, lines_by_id[text(part, "line_item_id")]) for part in sent]
        expense["is_itemized_expense"] = len(sent) > 1
        return
    at_top = {name: request.body[name] for name in OF_LINES if name in request.body}
    if not expense["is_itemized_expense"]:
        expense["line_items"] = [_line(request, at_top, was[0] if was else {})]
    elif at_top.keys() - {"description"}:
        # Zoho may spread or ignore such a change; refusing it loses nothing.
        raise invalid_value("line_items")


def _line(request: Request, sent: Record, was: Record) -> Record:
    account_id = text(sent, "account_id", str(was.get("account_id", "")))
    account = accounts.account(request.books, account_id, "account_id", CATEGORY_TYPES)
    tax_id = text(sent, "tax_id", str(was.get("tax_id", "")))
    tax = settings.tax(request.books, tax_id) if tax_id else {"tax_name": "", "tax_percentage": ZERO, "tax_type": ""}
    return {
        "line_item_id": was.get("line_item_id") or request.books.new_id(),
        **{name: account[name] for name in ("account_id", "account_name")},
        "description": text(sent, "description", str(was.get("description", "")), 100),
        "amount": _amount(sent, was.get("amount")),
        "tax_id": tax_id,
        **{name: tax[name] for name in ("tax_name", "tax_percentage", "tax_type")},
        "product_type": text(sent, "product_type", str(was.get("product_type", ""))),
    }


def _amount(sent: Record, was: Any) -> Decimal:
    try:
        amount = number(sent, "amount", was)
    except ZohoError:
        amount = ZERO
    if amount <= 0:
        raise _wrong_amount()
    return amount


def _wrong_amount() -> ZohoError:
    return ZohoError(5015, "Enter a valid expense amount")


def _write_people(request: Request, expense: Record) -> None:
    for kind in ("customer", "vendor"):
        contact_id = text(request.body, f"{kind}_id", expense[f"{kind}_id"])
        # Read again at every write, so that later writes show a renamed contact.
        contact = CONTACT.find(request.books, contact_id, kind.capitalize()) if contact_id else None
        if contact is not None and contact["contact_type"] != kind:
            raise does_not_exist(kind.capitalize())
        expense[f"{kind}_id"] = contact_id
        expense[f"{kind}_name"] = contact["contact_name"] if contact is not None else ""
    if expense["is_billable"] and not expense["customer_id"]:
        raise invalid_value("customer_id")  # the code is unverified


def _write_paid_through(request: Request, expense: Record) -> None:
    account_id = text(request.body, "paid_through_account_id", expense["paid_through_account_id"])
    is_new = "last_modified_time" not in expense
    if account_id:
        accounts.account(request.books, account_id, "paid_through_account_id", PAYING_TYPES)
    elif request.product == "books" and (is_new or expense["paid_through_account_id"]):
        raise invalid_value("paid_through_account_id")
    expense["paid_through_account_id"] = account_id


def _write_currency(request: Request, expense: Record) -> None:
    wanted = text(request.body, "currency_id") or expense["currency_id"]
    currency = settings.CURRENCY.find(request.books, wanted) if wanted else settings.base_currency(request.books)
    if currency["currency_id"] != expense["currency_id"]:
        expense["exchange_rate"] = currency["exchange_rate"]
        for name in ("currency_id", "currency_code", "currency_symbol", "price_precision"):
            expense[name] = currency[name]
    expense["exchange_rate"] = number(request.body, "exchange_rate", expense["exchange_rate"])
    if expense["exchange_rate"] <= 0:
        raise invalid_value("exchange_rate")


def _total(expense: Record) -> None:
    precision: int = expense["price_precision"]
    line_items: list[Record] = expense["line_items"]
    if any(line["amount"] != rounded(line["amount"], precision) for line in line_items):
        raise _wrong_amount()
    lines = [
        Line(
            Decimal(1),
            Decimal(line["amount"]),
            tax=Tax(line["tax_id"], Decimal(line["tax_percentage"])) if line["tax_id"] else None,
        )
        for line in line_items
    ]
    priced = price(lines, Terms(is_inclusive_tax=expense["is_inclusive_tax"], precision=precision))
    for order, (line, result) in enumerate(zip(line_items, priced.lines, strict=True), 1):
        line |= {"item_order": order, "item_total": result.item_total, "tax_amount": result.tax_amount}
    expense |= {
        "amount": rounded(sum((line.rate for line in lines), ZERO), precision),
        "sub_total": priced.sub_total,
        "tax_amount": priced.tax_total,
        "total": priced.total,
        "taxes": [{"tax_id": each.tax.tax_id, "tax_amount": each.tax_amount} for each in priced.taxes],
    }


EXPENSE = RecordKind(
    name="expense",
    path="/expenses",
    scope="expenses",
    tables="expenses",
    word="Expense",
    listing=LISTING,
    created="The expense has been recorded.",
    updated="Expense information has been updated.",  # recorded
    deleted="The expense has been deleted.",
    fields={
        **text_fields(reference_number=100, description=100, project_id=None), "date": (day, ""),
        "is_billable": (flag, False), "is_inclusive_tax": (flag, False), "custom_fields": (custom_fields, []),
    },
    new=_new,
    write=_write,
    view=detail,
    overview=overview,
    before_change=_before_change,
    before_delete=_before_delete,
)  # fmt: skip
router = EXPENSE.router()
