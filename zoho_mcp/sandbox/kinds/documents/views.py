"""What the wire shows alike of invoices, estimates and credit notes: customer, lines, template, a list's addresses."""

from collections.abc import Callable, Iterable, Sequence

from zoho_mcp.sandbox import listing
from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts import contacts
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.wire.fields import custom_field_hash
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request

ADDRESS = ("address", "street2", "city", "state", "country", "attention", "phone", "fax")


def common(request: Request, document: Record, contact: Record) -> Record:
    """What every document says of its customer and of itself; a list's filters read it as well."""
    primary = contacts.primary_of(contact)
    return {
        "company_name": contact["company_name"],
        "email": primary["email"] if primary else "",
        "phone": primary["phone"] if primary else "",
        "item_id": "", "item_name": _line_texts(document, "name"),
        "item_description": _line_texts(document, "description"),
        "custom_field": " ".join(str(part["value"]) for part in document["custom_fields"]),
        "custom_field_hash": custom_field_hash(document["custom_fields"]),
        "created_by": request.organization["contact_name"],
        "updated_time": document["last_modified_time"],
    }  # fmt: skip


def extras(request: Request, document: Record, contact: Record, template_type: str) -> Record:
    """What only the detail of a document has besides."""
    template = settings.template(request.books, document["template_id"], template_type)
    people: list[Record] = contact["contact_persons"]
    return {
        **{name: template[name] for name in ("template_id", "template_name", "template_type")},
        "contact_persons_details": [
            person for person in people if person["contact_person_id"] in document["contact_persons"]
        ],
        "customer_default_billing_address": contact["billing_address"],
    }


def customers(request: Request) -> dict[str, Record]:
    """Every contact by its id."""
    return {contact["contact_id"]: contact for contact in request.books.all("contact")}


def respond(
    request: Request, what: Listing, read: Callable[[Request], list[Record]], row: Callable[[Record], Record]
) -> Reply:
    """The list that was asked for, of documents with lines: item_id looks into these."""
    wanted = request.query.get("item_id")

    def documents() -> list[Record]:
        if not wanted:
            return read(request)
        # Marked so that the list's own filter finds them.
        return [{**document, "item_id": wanted} for document in read(request) if _has_item(document, wanted)]

    return listing.respond_many(request, what, documents, row)


def row_of(document: Record, names: Sequence[str]) -> Record:
    """A document as a list shows it. Unlike the detail, a row's addresses spell zip as zipcode."""
    shown = {name: document[name] for name in names}
    for key in ("billing_address", "shipping_address"):
        address = document[key]
        shown[key] = {name: address.get(name, "") for name in ADDRESS} | {"zipcode": address.get("zip", "")}
    return shown


def _has_item(document: Record, item_id: str) -> bool:
    lines: Iterable[Record] = document["line_items"]
    return any(line["item_id"] == item_id for line in lines)


def _line_texts(document: Record, key: str) -> str:
    return "\n".join(str(line[key]) for line in document["line_items"])
