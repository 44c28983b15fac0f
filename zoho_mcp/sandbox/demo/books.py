"""The demo studio's year, written through the same handlers that answer HTTP, so that it obeys the same rules.

Everything is spelled out or counted, nothing is random: the same day gives the same books.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from zoho_mcp.sandbox.demo.expenses import write_expenses
from zoho_mcp.sandbox.demo.recurring import write_recurring_invoices
from zoho_mcp.sandbox.demo.sales import write_quote, write_sales
from zoho_mcp.sandbox.demo.steps import send
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

EURO = "982000000000000099"
SALES_TAX = "982000000000000101"
REDUCED_TAX = "982000000000000103"
# company, first name, last name, e-mail, city, state, country, payment terms in days, currency
CUSTOMERS = (
    ("Harbor Coffee Roasters", "Maya", "Okafor", "maya@harborcoffee.example", "Brooklyn", "NY", "U.S.A", 30, ""),
    ("Bluebird Books", "Thomas", "Reyes", "thomas@bluebirdbooks.example", "Albany", "NY", "U.S.A", 15, ""),
    ("Northwind Cycles", "Ingrid", "Solberg", "ingrid@northwindcycles.example", "Portland", "ME", "U.S.A", 30, ""),
    ("Fernhill Dental", "Priya", "Raman", "priya@fernhilldental.example", "Yonkers", "NY", "U.S.A", 15, ""),
    ("Atelier Moreau", "Claire", "Moreau", "claire@ateliermoreau.example", "Lyon", "", "France", 45, EURO),
    ("Copper Kettle Bakery", "Sam", "Whitfield", "sam@copperkettle.example", "Hoboken", "NJ", "U.S.A", 0, ""),
    ("Lighthouse Legal LLP", "Dana", "Brandt", "dana@lighthouselegal.example", "New York", "NY", "U.S.A", 60, ""),
    ("Grünwald & Söhne", "Jonas", "Grünwald", "jonas@gruenwald.example", "München", "", "Germany", 30, EURO),
)
# name, rate, unit, tax, product type, description
ITEMS = (
    ("Brand identity", "2400.00", "project", "", "service", "Logo, colours, type and a short guide"),
    ("Website design", "3200.00", "project", "", "service", "Design of up to eight pages"),
    ("Design day", "800.00", "day", "", "service", "A designer for a day"),
    ("Illustration", "320.00", "piece", "", "service", "One illustration, two rounds of changes"),
    ("Monthly care", "450.00", "month", "", "service", "Small changes and updates"),
    ("Business cards", "0.35", "piece", SALES_TAX, "goods", "Printed both sides, 350 g"),
    ("Poster print", "18.50", "piece", SALES_TAX, "goods", "A2, matt"),
    ("Printed booklet", "6.75", "piece", REDUCED_TAX, "goods", "24 pages, stapled"),
)
MODES = ("banktransfer", "check", "creditcard", "cash")


@dataclass(frozen=True)
class Deal:
    """One invoice of the year: its age, customer, lines and outcome."""

    days_ago: int
    customer: int
    lines: tuple[tuple[int, str], ...]  # item and quantity
    fate: str  # draft, sent, part, paid or void
    discount: str = ""
    was_quoted: bool = False


# An old unpaid invoice shows as overdue, a recent one as sent.
DEALS = (
    Deal(362, 0, ((0, "1"), (5, "500")), "paid"), Deal(355, 1, ((3, "2"),), "paid"),
    Deal(346, 2, ((2, "3"),), "paid"), Deal(338, 6, ((1, "1"),), "paid", "5%"),
    Deal(329, 3, ((5, "1000"), (6, "12")), "paid"), Deal(320, 4, ((0, "1"),), "paid"),
    Deal(311, 0, ((4, "1"),), "paid"), Deal(302, 5, ((3, "1"),), "void"),
    Deal(295, 7, ((1, "1"), (2, "2.5")), "paid"), Deal(284, 0, ((4, "1"),), "paid"),
    Deal(276, 1, ((7, "120"),), "paid"), Deal(268, 2, ((6, "40"),), "paid"),
    Deal(257, 3, ((2, "1.5"),), "paid"), Deal(249, 6, ((2, "4"),), "paid"),
    Deal(240, 0, ((4, "1"), (5, "250")), "paid"), Deal(233, 5, ((6, "25"),), "paid"),
    Deal(224, 4, ((3, "4"),), "paid"), Deal(213, 0, ((4, "1"),), "paid"),
    Deal(205, 1, ((0, "1"),), "paid", "10%"), Deal(196, 2, ((1, "1"),), "part"),
    Deal(188, 7, ((2, "2"),), "paid"), Deal(181, 0, ((4, "1"),), "paid"),
    Deal(170, 3, ((7, "300"),), "paid"), Deal(162, 6, ((3, "3"), (6, "10")), "void"),
    Deal(151, 0, ((4, "1"),), "paid"), Deal(143, 5, ((5, "500"), (7, "60")), "paid"),
    Deal(134, 4, ((1, "1"),), "sent"), Deal(120, 0, ((4, "1"),), "paid"),
    Deal(112, 2, ((2, "2"),), "paid"), Deal(101, 1, ((3, "5"),), "sent"),
    Deal(90, 0, ((4, "1"),), "paid"), Deal(82, 3, ((2, "2"), (6, "8")), "part"),
    Deal(74, 7, ((0, "1"),), "sent"), Deal(60, 0, ((4, "1"),), "paid"),
    Deal(52, 5, ((6, "30"),), "sent"), Deal(44, 6, ((1, "1"), (2, "3")), "part", "250", True),
    Deal(30, 0, ((4, "1"),), "paid"), Deal(21, 2, ((3, "2"), (7, "80")), "sent"),
    Deal(14, 6, ((2, "5"),), "sent"), Deal(9, 1, ((2, "1"),), "sent"),
    Deal(5, 4, ((3, "3"),), "sent"), Deal(2, 3, ((1, "1"),), "draft"),
    Deal(1, 0, ((4, "1"), (5, "250")), "draft"),
)  # fmt: skip


def write_books(request: Request) -> None:
    """Write the year that ends at the request's time into an organisation that has no books yet."""
    start = request.now - timedelta(days=365)
    customers = [_customer(replace(request, now=start + timedelta(minutes=n)), n) for n in range(len(CUSTOMERS))]
    catalogue = [_item(replace(request, now=start + timedelta(minutes=30 + n)), n) for n in range(len(ITEMS))]
    for index, deal in enumerate(DEALS):
        _deal(request, deal, index, customers, catalogue)
    # A payment without an invoice: an advance.
    advance = {"customer_id": customers[2], "amount": Decimal(500), "payment_mode": "banktransfer",
               "reference_number": "ADV-1", "description": "Advance for the spring catalogue"}  # fmt: skip
    send(replace(request, now=request.now - timedelta(days=3)), "POST", "/customerpayments", advance)
    write_sales(request, customers, catalogue)
    write_expenses(request, customers)
    write_recurring_invoices(request, customers, catalogue)


def _deal(request: Request, deal: Deal, index: int, customers: list[str], catalogue: list[str]) -> None:
    when = request.now - timedelta(days=deal.days_ago)
    at = replace(request, now=when)
    body: Record = {
        "customer_id": customers[deal.customer],
        "reference_number": f"PO-{when.year}-{index + 101}",
        "line_items": [{"item_id": catalogue[item], "quantity": Decimal(many)} for item, many in deal.lines],
        "notes": "Thank you for working with us.",
    }
    if deal.discount:
        body["discount"] = deal.discount if deal.discount.endswith("%") else Decimal(deal.discount)
    if deal.was_quoted:
        quoted = replace(at, now=when - timedelta(days=10))
        body["invoiced_estimate_id"] = write_quote(quoted, body, "accepted")
    invoice: Record = send(at, "POST", "/invoices", body)["invoice"]
    if deal.fate == "draft":
        return
    send(at, "POST", f"/invoices/{invoice['invoice_id']}/status/sent")
    if deal.fate == "void":
        send(replace(at, now=when + timedelta(days=4)), "POST", f"/invoices/{invoice['invoice_id']}/status/void")
    elif deal.fate in ("paid", "part"):
        _pay(at, deal, index, invoice, request.now)


def _pay(at: Request, deal: Deal, index: int, invoice: Record, today: datetime) -> None:
    # A part is 40 %, in whole units so that the figures stay easy to follow.
    amount = invoice["total"] if deal.fate == "paid" else Decimal(int(invoice["total"] * Decimal("0.4")))
    mode = MODES[index % len(MODES)]
    body: Record = {
        "customer_id": invoice["customer_id"],
        "amount": amount,
        "payment_mode": mode,
        "reference_number": f"{mode[:3].upper()}-{2000 + index}",
        "invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": amount}],
    }
    paid = min(at.now + timedelta(days=9 + index % 17), today - timedelta(days=1))
    send(replace(at, now=paid), "POST", "/customerpayments", body)


def _customer(at: Request, index: int) -> str:
    company, first, last, email, city, state, country, days, currency_id = CUSTOMERS[index]
    place = {"attention": f"{first} {last}", "address": f"{12 + 7 * index} Mill Road", "city": city, "state": state,
             "zip": f"{10001 + 137 * index}", "country": country}  # fmt: skip
    person = {"first_name": first, "last_name": last, "email": email, "phone": f"212-555-01{20 + index}",
              "is_primary_contact": True}  # fmt: skip
    body: Record = {"contact_name": company, "company_name": company, "payment_terms": days, "billing_address": place,
                    "shipping_address": place, "contact_persons": [person]}  # fmt: skip
    if currency_id:
        body["currency_id"] = currency_id
    return str(send(at, "POST", "/contacts", body)["contact"]["contact_id"])


def _item(at: Request, index: int) -> str:
    name, rate, unit, tax_id, kind, description = ITEMS[index]
    body: Record = {"name": name, "rate": Decimal(rate), "unit": unit, "tax_id": tax_id, "product_type": kind,
                    "description": description, "sku": f"SL-{index + 1:03d}"}  # fmt: skip
    return str(send(at, "POST", "/items", body)["item"]["item_id"])
