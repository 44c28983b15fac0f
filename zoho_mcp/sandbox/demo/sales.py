"""The demo studio's quotes and credit notes, at least one in every status."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from zoho_mcp.sandbox.demo.steps import send
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

CHECKING = "982000000000000313"
VALID = 30  # days


@dataclass(frozen=True)
class Sale:
    """A quote or a credit note: its age, customer, lines and outcome."""

    days_ago: int
    customer: int
    lines: tuple[tuple[int, str], ...]  # item and quantity
    fate: str
    why: str = ""


# An unanswered quote older than VALID days shows as expired. A deal creates the quote that became its invoice.
QUOTES = (
    Sale(47, 1, ((0, "1"),), "sent"), Sale(26, 4, ((1, "1"), (2, "2")), "declined"),
    Sale(18, 2, ((2, "4"),), "accepted"), Sale(8, 7, ((3, "6"),), "sent"), Sale(3, 5, ((7, "200"),), "sent"),
    Sale(1, 3, ((0, "1"), (5, "500")), "draft"),
)  # fmt: skip
CREDIT_NOTES = (
    Sale(85, 0, ((4, "1"),), "refunded", "The month was billed twice"),
    Sale(45, 5, ((6, "2"),), "applied", "Two posters came creased"),
    Sale(33, 2, ((6, "1"),), "void", "Written for the wrong customer"),
    Sale(12, 1, ((3, "1"),), "open", "One illustration was not used"),
    Sale(1, 3, ((2, "1"),), "draft", "A day less than agreed"),
)


def write_sales(request: Request, customers: list[str], catalogue: list[str]) -> None:
    """Write the quotes and credit notes of the year that ends at the request's time."""
    for quote in QUOTES:
        at = replace(request, now=request.now - timedelta(days=quote.days_ago))
        write_quote(at, _body(quote, customers, catalogue), quote.fate)
    for note in CREDIT_NOTES:
        at = replace(request, now=request.now - timedelta(days=note.days_ago))
        _write_credit_note(at, {**_body(note, customers, catalogue), "notes": note.why}, note.fate)


def write_quote(at: Request, body: Record, fate: str) -> str:
    """Make a quote, send it unless it is a draft, and record the answer four days later. Returns its id."""
    expiry_date = (at.now + timedelta(days=VALID)).date().isoformat()
    estimate_id = str(send(at, "POST", "/estimates", {**body, "expiry_date": expiry_date})["estimate"]["estimate_id"])
    if fate != "draft":
        send(at, "POST", f"/estimates/{estimate_id}/status/sent")
    if fate in ("accepted", "declined"):
        send(replace(at, now=at.now + timedelta(days=4)), "POST", f"/estimates/{estimate_id}/status/{fate}")
    return estimate_id


def _write_credit_note(at: Request, body: Record, fate: str) -> None:
    note: Record = send(at, "POST", "/creditnotes", {**body, "is_draft": fate == "draft"})["creditnote"]
    path, later = f"/creditnotes/{note['creditnote_id']}", replace(at, now=at.now + timedelta(days=3))
    if fate == "void":
        send(later, "POST", f"{path}/status/void")
    elif fate == "refunded":
        refund = {"amount": note["total"], "refund_mode": "banktransfer", "from_account_id": CHECKING}
        send(later, "POST", f"{path}/refunds", refund)
    elif fate == "applied":
        theirs = at.books.of_customer("invoice", note["customer_id"])
        unpaid = [invoice["invoice_id"] for invoice in theirs if invoice["status"] == "sent"][-1]
        part = {"invoice_id": unpaid, "amount_applied": note["total"]}
        send(later, "POST", f"{path}/invoices", {"invoices": [part]})


def _body(sale: Sale, customers: list[str], catalogue: list[str]) -> Record:
    lines = [{"item_id": catalogue[item], "quantity": Decimal(many)} for item, many in sale.lines]
    return {"customer_id": customers[sale.customer], "line_items": lines}
