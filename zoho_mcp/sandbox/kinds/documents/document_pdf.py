"""The page a customer gets: an invoice, estimate or credit note drawn with pdf.py."""

from decimal import Decimal

from zoho_mcp.sandbox.kinds.documents.pdf import HEIGHT, WIDTH, Page, write
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request

LEFT, RIGHT = 50, WIDTH - 50
QUANTITY, RATE = 360, 450
LOWEST = 90
NAME_LENGTH = 52


FACTS = {"Terms": "payment_terms_label", "Due date": "due_date", "Expiry date": "expiry_date"}
KINDS = {"invoice": "INVOICE", "estimate": "QUOTE", "creditnote": "CREDIT NOTE"}


def wants_pdf(request: Request) -> bool:
    """Whether a GET asks for the file: accept=pdf, or an Accept header that says so."""
    return request.query.get("accept") == "pdf" or "application/pdf" in request.headers.get("accept", "")


def pdf_reply(request: Request, kind: str, found: list[Record]) -> Reply:
    """The documents of one kind as one PDF file."""
    pages = [page for one in found for page in _pages(request.organization, kind, one)]
    name = str(found[0][f"{kind}_number"]) if len(found) == 1 else f"{kind}s"
    # A header takes neither line breaks nor other alphabets, and the number may be the caller's own.
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    return Reply(content=write(pages, name), content_type="application/pdf", file_name=f"{safe}.pdf")


def _pages(organization: Record, kind: str, invoice: Record) -> list[Page]:
    page = Page()
    pages = [page]
    y = _head(page, organization, kind, invoice)
    for line in invoice["line_items"]:
        if y < LOWEST:
            page = Page()
            pages.append(page)
            y = _columns(page, HEIGHT - 60)
        y = _line(page, line, y)
    if y < LOWEST + 16 * (6 + len(invoice["taxes"])):
        page = Page()
        pages.append(page)
        y = HEIGHT - 60
    _totals(page, invoice, y)
    for number, each in enumerate(pages, 1):
        each.right(RIGHT, 40, f"{invoice[f'{kind}_number']}  {number} / {len(pages)}", 8)
    return pages


def _head(page: Page, organization: Record, kind: str, invoice: Record) -> float:
    page.text(LEFT, HEIGHT - 60, str(organization["name"]), 16, bold=True)
    page.right(RIGHT, HEIGHT - 60, KINDS[kind], 16, bold=True)
    facts = [
        f"# {invoice[f'{kind}_number']}",
        f"Date: {invoice['date']}",
        *(f"{words}: {invoice[name]}" for words, name in FACTS.items() if invoice.get(name)),
        f"Status: {invoice['status'].replace('_', ' ')}",
    ]
    for index, fact in enumerate(facts):
        page.right(RIGHT, HEIGHT - 82 - 14 * index, fact)
    address = invoice["billing_address"]
    place = " ".join(str(address.get(name, "")) for name in ("city", "state", "zip")).strip()
    lines = ["Bill to", invoice["customer_name"], address.get("address", ""), place, address.get("country", "")]
    y = HEIGHT - 110.0
    for index, words in enumerate(words for words in lines if words):
        page.text(LEFT, y, str(words), bold=index == 1)
        y -= 14
    return _columns(page, HEIGHT - 200)


def _columns(page: Page, y: float) -> float:
    page.text(LEFT, y, "Item", bold=True)
    page.right(QUANTITY, y, "Quantity", bold=True)
    page.right(RATE, y, "Rate", bold=True)
    page.right(RIGHT, y, "Amount", bold=True)
    page.rule(LEFT, RIGHT, y - 6)
    return y - 22


def _line(page: Page, line: Record, y: float) -> float:
    page.text(LEFT, y, str(line["name"] or line["description"])[:NAME_LENGTH])
    page.right(QUANTITY, y, f"{line['quantity']:f}" if isinstance(line["quantity"], Decimal) else str(line["quantity"]))
    page.right(RATE, y, _money(line["rate"]))
    page.right(RIGHT, y, _money(line["item_total"]))
    if line["name"] and line["description"]:
        y -= 12
        page.text(LEFT, y, str(line["description"]).replace("\n", " ")[:90], 8)
    return y - 18


def _totals(page: Page, invoice: Record, y: float) -> None:
    page.rule(RATE - 90, RIGHT, y + 6)
    rows: list[tuple[str, Decimal]] = [("Sub total", invoice["sub_total"])]
    if invoice["discount_amount"]:
        rows.append(("Discount", -invoice["discount_amount"]))
    rows += [(tax["tax_name"], tax["tax_amount"]) for tax in invoice["taxes"]]
    adjustment = str(invoice["adjustment_description"] or "Adjustment")
    extras = [("Shipping", invoice["shipping_charge"]), (adjustment, invoice["adjustment"])]
    rows += [(words, amount) for words, amount in extras if amount]
    rows.append((f"Total {invoice['currency_code']}", invoice["total"]))
    if paid := invoice.get("payment_made", 0) + invoice.get("credits_applied", 0):
        rows.append(("Paid", -paid))
    if "balance" in invoice:
        rows.append(("Balance", invoice["balance"]))
    for words, amount in rows:
        bold = words.startswith(("Total", "Balance"))
        y -= 16
        page.text(RATE - 90, y, str(words), bold=bold)
        page.right(RIGHT, y, _money(amount), bold=bold)
    if invoice["notes"]:
        page.text(LEFT, max(y - 40, 60), str(invoice["notes"]).replace("\n", " ")[:100], 9)


def _money(amount: Decimal | int) -> str:
    return f"{amount:,.2f}" if isinstance(amount, int) else f"{amount:,f}"
