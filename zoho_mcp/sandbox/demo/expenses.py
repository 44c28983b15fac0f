"""The demo studio's expenses, written through the same handlers that answer HTTP."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from zoho_mcp.sandbox.demo.steps import change_invoices, send
from zoho_mcp.sandbox.kinds.documents import pdf
from zoho_mcp.sandbox.wire.forms import Upload
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# The ids of the demo organisation's accounts.
MEALS, OFFICE, TRAVEL, SOFTWARE, ADVERTISING = (f"9820000000000003{n:02d}" for n in (1, 3, 5, 7, 9))
PETTY_CASH, CHECKING = "982000000000000311", "982000000000000313"
SALES_TAX = "982000000000000101"


@dataclass(frozen=True)
class Spent:
    """One expense, and the customer it will be billed to, if any."""

    days_ago: int
    account_id: str
    amount: str
    what: str
    paid_through: str = CHECKING
    customer: int | None = None
    tax_id: str = ""  # included in the amount
    receipt: str = ""


SPENT = (
    Spent(280, OFFICE, "486.00", "Paper and binding for 120 booklets", customer=1, receipt="paper-mill.pdf"),
    Spent(203, TRAVEL, "164.50", "Train to Albany and back", customer=1),
    Spent(176, SOFTWARE, "659.88", "Design software, one year", receipt="software-2211.pdf"),
    Spent(140, ADVERTISING, "250.00", "Portfolio listing"),
    Spent(98, OFFICE, "87.10", "Printer ink", PETTY_CASH, tax_id=SALES_TAX),
    Spent(77, TRAVEL, "412.35", "Flight to Munich, kick-off", customer=7, receipt="boarding-pass.pdf"),
    Spent(53, OFFICE, "213.40", "Print run of 30 posters", customer=5, receipt="print-shop.pdf"),
    Spent(41, MEALS, "96.80", "Lunch with Lighthouse Legal", customer=6),
    Spent(33, SOFTWARE, "24.00", "Web fonts, monthly"),
    Spent(19, MEALS, "38.25", "Team breakfast", PETTY_CASH),
    Spent(12, TRAVEL, "74.00", "Taxi to Lighthouse Legal", PETTY_CASH, customer=6, receipt="taxi.pdf"),
    Spent(3, SOFTWARE, "24.00", "Web fonts, monthly"),
)
# The expense, by its place above, and the days since the invoice of the same customer whose only line bills it.
BILLED = ((0, 276), (6, 52))


def write_expenses(request: Request, customers: list[str]) -> None:
    """Write the year's expenses, after the invoices; `customers` are the ids of the studio's customers."""
    made = [_spend(request, spent, customers) for spent in SPENT]
    for place, days_ago in BILLED:
        customer = SPENT[place].customer
        if customer is not None:
            change_invoices(request, customers[customer], days_ago, partial(_billing, made[place]))


def _spend(request: Request, spent: Spent, customers: list[str]) -> str:
    when = request.now - timedelta(days=spent.days_ago)
    body: Record = {
        "account_id": spent.account_id, "amount": Decimal(spent.amount), "date": when.date().isoformat(),
        "description": spent.what, "paid_through_account_id": spent.paid_through, "tax_id": spent.tax_id,
        "is_inclusive_tax": bool(spent.tax_id), "reference_number": f"EX-{when.year}-{spent.days_ago:03d}",
    }  # fmt: skip
    if spent.customer is not None:
        body |= {"customer_id": customers[spent.customer], "is_billable": True}
    files = {"receipt": _receipt(spent)} if spent.receipt else {}
    return str(send(replace(request, now=when, files=files), "POST", "/expenses", body)["expense"]["expense_id"])


def _receipt(spent: Spent) -> Upload:
    page = pdf.Page()
    page.text(60, 760, "Receipt", 20, bold=True)
    page.text(60, 720, spent.what)
    page.text(60, 700, f"Paid: {spent.amount} USD", bold=True)
    return Upload(spent.receipt, "application/pdf", pdf.write([page], spent.receipt))


def _billing(expense_id: str, invoice: Record) -> Record:
    lines = [{"line_item_id": line["line_item_id"], "expense_id": expense_id} for line in invoice["line_items"]]
    return {"line_items": lines, "reason": "Names the expense behind it"}
