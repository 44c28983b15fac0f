"""What invoices, estimates, credit notes and recurring invoices have in common: a customer, lines, discounts, a total.

A document is filled in this order: write_customer, the fields of its kind, write_pricing.
"""

from decimal import Decimal
from typing import Any

from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts.parts import address_from, primary_of
from zoho_mcp.sandbox.pricing import HUNDRED, ZERO, Discount, Line, Priced, Tax, Terms, price, rounded
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import as_number, choice, flag, number, record, records, text, text_fields, texts
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

FIELDS = text_fields(
    reference_number=100, notes=5000, terms=10000, salesperson_name=200, adjustment_description=None,
    custom_subject=None, custom_body=None, project_id=None,
)  # fmt: skip
LINE_TEXTS: dict[str, int | None] = {
    "name": 100, "description": 2000, "unit": 100, "product_type": None, "project_id": None, "expense_id": None,
    "hsn_or_sac": None, "account_id": None,
}  # fmt: skip


def new_document(request: Request) -> Record:
    """The fields that every document starts with."""
    return {
        "customer_id": "", "contact_persons": [], "discount": ZERO, "discount_type": "entity_level",
        "is_discount_before_tax": True, "is_inclusive_tax": False, "shipping_charge": ZERO, "adjustment": ZERO,
        "line_items": [], "custom_fields": [], "template_id": "", "is_emailed": False, "created_date": request.today,
    }  # fmt: skip


def write_customer(request: Request, document: Record) -> None:
    """Set the customer that the body names, or keep the current one."""
    customer_id = text(request.body, "customer_id") or document["customer_id"]
    if not customer_id:
        raise invalid_value("customer_id")
    contact = request.books.get("contact", customer_id)
    is_new = customer_id != document["customer_id"]
    if contact is None or (is_new and contact["status"] != "active"):
        # Recorded for an unknown customer; for an inactive one it is unverified.
        raise ZohoError(1002, "The Customer is not accessible.", 404)
    wanted = text(request.body, "currency_id")
    if wanted and wanted != contact["currency_id"]:
        settings.CURRENCY.find(request.books, wanted)
        raise invalid_value("currency_id")  # a document is in its customer's currency; the code is unverified
    if is_new:
        document["customer_id"] = customer_id
        document |= {name: contact[name] for name in ("currency_id", "currency_code", "currency_symbol")}
        document["price_precision"] = contact["price_precision"]
        document["exchange_rate"] = settings.CURRENCY.find(request.books, contact["currency_id"])["exchange_rate"]
        document["billing_address"] = contact["billing_address"]
        document["shipping_address"] = contact["shipping_address"]
        primary = primary_of(contact)
        document["contact_persons"] = [primary["contact_person_id"]] if primary else []
    # Read again at every write, so that later writes show a renamed customer.
    document["customer_name"] = contact["contact_name"]
    document["exchange_rate"] = number(request.body, "exchange_rate", document["exchange_rate"])
    if document["exchange_rate"] <= 0:
        raise invalid_value("exchange_rate")
    _write_people(request, document, contact)


def write_pricing(request: Request, document: Record, word: str) -> None:
    """Set lines, discounts and charges, and compute the totals; `word` names the document in refusals."""
    body = request.body
    sent = records(body, "line_items")
    if sent is not None:
        lines_by_id = {line["line_item_id"]: line for line in document["line_items"]}
        document["line_items"] = [_line(request, part, lines_by_id, word) for part in sent]
    if not document["line_items"]:
        raise invalid_value("line_items")
    document["discount"] = _discount(body, document["discount"])
    kinds = ("entity_level", "item_level")
    document["discount_type"] = choice(body, "discount_type", kinds, document["discount_type"])
    for key in ("is_discount_before_tax", "is_inclusive_tax"):
        document[key] = flag(body, key, document[key])
    for key in ("shipping_charge", "adjustment"):
        document[key] = rounded(number(body, key, document[key]), document["price_precision"])
    _total(document)


def _write_people(request: Request, document: Record, contact: Record) -> None:
    associated = records(request.body, "contact_persons_associated")
    chosen = texts(request.body, "contact_persons")
    if associated is not None:
        chosen = [text(part, "contact_person_id") for part in associated]
    if chosen is not None:
        if not {person["contact_person_id"] for person in contact["contact_persons"]}.issuperset(chosen):
            raise does_not_exist("Contact Person")
        document["contact_persons"] = chosen
    for key in ("billing_address", "shipping_address"):
        sent = record(request.body, key)
        if sent is not None:
            document[key] = address_from(request, document[key], sent)


def _line(request: Request, sent: Record, lines_by_id: dict[str, Record], word: str) -> Record:
    line_item_id = text(sent, "line_item_id")
    if line_item_id and line_item_id not in lines_by_id:
        raise invalid_value("line_item_id")
    was = lines_by_id.get(line_item_id, {})
    item_id = text(sent, "item_id", str(was.get("item_id", "")))
    before = was
    if item_id and item_id != was.get("item_id"):
        item = request.books.get("item", item_id)
        if item is None or item["status"] != "active":
            # Documented for estimates; that the message names the other kinds likewise is unverified.
            raise ZohoError(2007, f"{word} cannot be raised for items that have been deleted or marked as inactive")
        before = {**was, **{name: item[name] for name in ("name", "description", "unit", "rate", "tax_id")},
                  "product_type": item["product_type"], "account_id": item["account_id"]}  # fmt: skip
    line: Record = {"line_item_id": line_item_id or request.books.new_id(), "item_id": item_id}
    line |= {name: text(sent, name, str(before.get(name, "")), limit) for name, limit in LINE_TEXTS.items()}
    if not (line["item_id"] or line["name"] or line["description"]):
        raise invalid_value("name")
    line["rate"] = number(sent, "rate", before.get("rate", ZERO))
    line["quantity"] = number(sent, "quantity", was.get("quantity", Decimal(1)))
    line["discount"] = _discount(sent, was.get("discount", ZERO))
    if "discount" not in sent and "discount_amount" in sent:
        line["discount"] = number(sent, "discount_amount", ZERO)
    line["item_custom_fields"] = records(sent, "item_custom_fields") or was.get("item_custom_fields", [])
    return line | _line_tax(request, text(sent, "tax_id", str(before.get("tax_id", ""))))


def _line_tax(request: Request, tax_id: str) -> Record:
    if not tax_id:
        return {"tax_id": "", "tax_name": "", "tax_type": "tax", "tax_percentage": ZERO}
    tax = settings.tax(request.books, tax_id)
    return {name: tax[name] for name in ("tax_id", "tax_name", "tax_type", "tax_percentage")}


def _discount(body: Record, default: Any) -> Any:
    """A discount as stored and shown: an amount, or a percentage as text ("10%")."""
    value = body.get("discount")
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.strip().endswith("%"):
        percent = as_number(value.strip().removesuffix("%").strip(), "discount")
        if not ZERO <= percent <= HUNDRED:
            raise invalid_value("discount")
        return f"{percent:f}%"
    amount = as_number(value, "discount")
    if amount < 0:
        raise invalid_value("discount")
    return amount


def _as_discount(stored: Any) -> Discount:
    if isinstance(stored, str):
        return Discount(Decimal(stored.removesuffix("%")), is_percent=True)
    return Discount(Decimal(stored))


def _total(document: Record) -> None:
    precision: int = document["price_precision"]
    lines = [
        Line(
            Decimal(line["quantity"]),
            Decimal(line["rate"]),
            _as_discount(line["discount"]),
            Tax(line["tax_id"], Decimal(line["tax_percentage"])) if line["tax_id"] else None,
        )
        for line in document["line_items"]
    ]
    terms = Terms(
        discount=_as_discount(document["discount"]),
        discount_type=document["discount_type"],
        is_discount_before_tax=document["is_discount_before_tax"],
        is_inclusive_tax=document["is_inclusive_tax"],
        shipping_charge=document["shipping_charge"],
        adjustment=document["adjustment"],
        precision=precision,
    )
    priced = price(lines, terms)
    if priced.total < 0 or priced.discount_total > sum((rounded(line.quantity * line.rate) for line in lines), ZERO):
        raise invalid_value("discount" if priced.discount_total else "total")
    _write_lines(document, priced)
    _write_totals(document, priced, terms)


def _write_lines(document: Record, priced: Priced) -> None:
    rate: Decimal = document["exchange_rate"]
    for order, (line, result) in enumerate(zip(document["line_items"], priced.lines, strict=True), 1):
        label = settings.tax_label(line["tax_name"], line["tax_percentage"])
        taxes = [{"tax_id": line["tax_id"], "tax_name": label, "tax_amount": result.tax_amount}]
        line |= {
            "item_order": order,
            "bcy_rate": rounded(line["rate"] * rate),
            "discount_amount": result.discount_amount,
            "item_total": result.item_total,
            "line_item_taxes": taxes if line["tax_id"] else [],
        }


def _write_totals(document: Record, priced: Priced, terms: Terms) -> None:
    names = {line["tax_id"]: line["tax_name"] for line in document["line_items"]}
    precision = terms.precision
    percent = terms.discount.value if terms.discount.is_percent else ZERO
    entity_discount = priced.discount_total if terms.discount_type == "entity_level" else ZERO
    base = priced.sub_total + (ZERO if terms.is_discount_before_tax else priced.tax_total)
    document |= {
        "sub_total": priced.sub_total,
        "sub_total_inclusive_of_tax": priced.sub_total + priced.tax_total if terms.is_inclusive_tax else ZERO,
        "discount_total": priced.discount_total,
        "discount_amount": entity_discount,
        "discount_percent": percent,
        "discount_applied_on_amount": base if entity_discount else ZERO,
        "tax_total": priced.tax_total,
        "taxes": [
            {
                "tax_id": tax.tax.tax_id,
                "tax_name": settings.tax_label(names[tax.tax.tax_id], tax.tax.percentage),
                "tax_amount": tax.tax_amount,
            }
            for tax in priced.taxes
        ],
        "total": priced.total,
        "bcy_sub_total": rounded(priced.sub_total * document["exchange_rate"], precision),
        "bcy_discount_total": rounded(priced.discount_total * document["exchange_rate"], precision),
        "bcy_tax_total": rounded(priced.tax_total * document["exchange_rate"], precision),
        "bcy_shipping_charge": rounded(terms.shipping_charge * document["exchange_rate"], precision),
        "bcy_adjustment": rounded(terms.adjustment * document["exchange_rate"], precision),
        "bcy_total": rounded(priced.total * document["exchange_rate"], precision),
    }
