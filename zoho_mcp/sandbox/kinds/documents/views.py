"""What responses with invoices, estimates and credit notes share: customer, lines, template, addresses."""

from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts.parts import primary_of
from zoho_mcp.sandbox.wire.fields import custom_field_hash
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

ADDRESSES = ("billing_address", "shipping_address")


def common(request: Request, document: Record, contact: Record) -> Record:
    """Values that every document shows of its customer and itself; list filters use them too."""
    primary = primary_of(contact)
    return {
        "company_name": contact["company_name"],
        "email": primary["email"] if primary else "",
        "phone": primary["phone"] if primary else "",
        "item_name": _line_texts(document, "name"),
        "item_description": _line_texts(document, "description"),
        "custom_field": " ".join(str(part["value"]) for part in document["custom_fields"]),
        "custom_field_hash": custom_field_hash(document["custom_fields"]),
        "created_by": request.organization["contact_name"],
        "created_by_name": request.organization["contact_name"],
        "created_by_id": request.organization.get("user_id", ""),
        "last_modified_by_id": request.organization.get("user_id", ""),
        "updated_time": document["last_modified_time"],
        "country": document["billing_address"].get("country", ""),
        **{key: _address(document[key]) for key in ADDRESSES},
    }  # fmt: skip


def extras(request: Request, document: Record, contact: Record, template_type: str) -> Record:
    """Additional values of the detail of a document."""
    template = settings.template(request.books, document["template_id"], template_type)
    people = [person for person in contact["contact_persons"]
              if person["contact_person_id"] in document["contact_persons"]]  # fmt: skip
    currency = settings.CURRENCY.find(request.books, document["currency_id"])
    symbol, precision = document["currency_symbol"], document["price_precision"]
    shipping = document["shipping_charge"]
    return {
        **{name: template[name] for name in ("template_id", "template_name")},
        "contact_persons_details": people,
        "contact_persons_associated": [_associated(person) for person in people],
        "currency_name_formatted": currency["currency_name_formatted"],
        "customer_default_billing_address": contact["billing_address"],
        "customer_custom_fields": contact["custom_fields"],
        "customer_custom_field_hash": custom_field_hash(contact["custom_fields"]),
        **{f"shipping_charge_{kind}_of_tax": shipping for kind in ("exclusive", "inclusive")},
        **{f"shipping_charge_{kind}_of_tax_formatted": f"{symbol}{shipping:,.{precision}f}"
           for kind in ("exclusive", "inclusive")},
    }  # fmt: skip


def _address(address: Record) -> Record:
    # Rows of lists spell zip as zipcode; an invoice's own address has its street twice.
    return {**address, "zipcode": address.get("zip", ""), "street": address.get("address", "")}


def _associated(person: Record) -> Record:
    return {
        **person,
        "contact_person_name": f"{person['first_name']} {person['last_name']}".strip(),
        "contact_person_email": person["email"],
    }


def _line_texts(document: Record, key: str) -> str:
    return "\n".join(str(line[key]) for line in document["line_items"])
