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


def wants_pdf(request: Request) -> bool:
    """Whether a GET asks for the file: accept=pdf, or an Accept header that says so."""
    return request.query.get("accept") == "pdf" or "application/pdf" in request.headers.get("accept", "")


def pdf_reply(request: Request, kind: str, title: str, documents: list[Record]) -> Reply:
    """Documents of one kind as one PDF file, each with the title."""
    pages = [page for document in documents for page in _pages(request.organization, kind, title, document)]
    name = str(documents[0][f"{kind}_number"]) if len(documents) == 1 else f"{kind}s"
    # A header takes neither line breaks nor other alphabets, and the number may be the caller's own.
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    return Reply(content=write(pages, name), content_type="application/pdf", file_name=f"{safe}.pdf")


def _pages(organization: Record, kind: str, title: str, document: Record) -> list[Page]:
    page = Page()
    pages = [page]
    y = _head(page, organization, title, document[f"{kind}_number"], document)
    for line in document["line_items"]:
        if y < LOWEST:
            page = Page()
            pages.append(page)
            y = _columns(page, HEIGHT - 60)
        y = _line(page, line, y)
    if y < LOWEST + 16 * (6 + len(document["taxes"])):
        page = Page()
        pages.append(page)
        y = HEIGHT - 60
    _totals(page, document, y)
    for number, each in enumerate(pages, 1):
        each.right(RIGHT, 40, f"{document[f'{kind}_number']}  {number} / {len(pages)}", 8)
    return pages


def _head(page: Page, organization: Record, title: str, number: str, document: Record) -> float:
    page.text(LEFT, HEIGHT - 60, str(organization["name"]), 16, bold=True)
    page.right(RIGHT, HEIGHT - 60, title, 16, bold=True)
    facts = [
        f"# {number}",
        f"Date: {document['date']}",
        *(f"{words}: {document[name]}" for words, name in FACTS.items() if document.get(name)),
        f"Status: {document['status'].replace('_', ' ')}",
    ]
    for index, fact in enumerate(facts):
        page.right(RIGHT, HEIGHT - 82 - 14 * index, fact)
    address = document["billing_address"]
    place = " ".join(str(address.get(name, "")) for name in ("city", "state", "zip")).strip()
    lines = ["Bill to", document["customer_name"], address.get("address", ""), place, address.get("country", "")]
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


def _totals(page: Page, document: Record, y: float) -> None:
    page.rule(RATE - 90, RIGHT, y + 6)
    rows: list[tuple[str, Decimal]] = [("Sub total", document["sub_total"])]
    if document["discount_amount"]:
        rows.append(("Discount", -document["discount_amount"]))
    rows += [(tax["tax_name"], tax["tax_amount"]) for tax in document["taxes"]]
    adjustment = str(document["adjustment_description"] or "Adjustment")
    extras = [("Shipping", document["shipping_charge"]), (adjustment, document["adjustment"])]
    rows += [(words, amount) for words, amount in extras if amount]
    rows.append((f"Total {document['currency_code']}", document["total"]))
    if paid := document.get("payment_made", 0) + document.get("credits_applied", 0):
        rows.append(("Paid", -paid))
    if "balance" in document:
        rows.append(("Balance", document["balance"]))
    for words, amount in rows:
        bold = words.startswith(("Total", "Balance"))
        y -= 16
        page.text(RATE - 90, y, str(words), bold=bold)
        page.right(RIGHT, y, _money(amount), bold=bold)
    if document["notes"]:
        page.text(LEFT, max(y - 40, 60), str(document["notes"]).replace("\n", " ")[:100], 9)


def _money(amount: Decimal | int) -> str:
    return f"{amount:,.2f}" if isinstance(amount, int) else f"{amount:,f}"
