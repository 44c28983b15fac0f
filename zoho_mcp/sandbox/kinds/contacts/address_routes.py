"""The additional addresses of a customer. From Zoho's documentation only."""

from zoho_mcp.sandbox.kinds.contacts.addresses import address_from
from zoho_mcp.sandbox.kinds.contacts.records import find
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def list_addresses(request: Request) -> Reply:
    """GET /contacts/{contact_id}/address."""
    return done(addresses=find(request.books, request.path["contact_id"]).get("addresses", []))


def add_address(request: Request) -> Reply:
    """POST /contacts/{contact_id}/address."""
    contact = find(request.books, request.path["contact_id"])
    address = address_from(request, {}, request.body)
    _save(request, contact, [*contact.get("addresses", []), address])
    return done("The address has been created.", address_info=address)


def update_address(request: Request) -> Reply:
    """PUT /contacts/{contact_id}/address/{address_id}."""
    contact = find(request.books, request.path["contact_id"])
    was = _pick(request, contact)
    address = address_from(request, was, request.body)
    _save(request, contact, [address if part is was else part for part in contact["addresses"]])
    return done("The address has been updated.", address_info=address)


def delete_address(request: Request) -> Reply:
    """DELETE /contacts/{contact_id}/address/{address_id}."""
    contact = find(request.books, request.path["contact_id"])
    was = _pick(request, contact)
    _save(request, contact, [part for part in contact["addresses"] if part is not was])
    return done("The address has been deleted.")


def _pick(request: Request, contact: Record) -> Record:
    for address in contact.get("addresses", []):
        if address["address_id"] == request.path["address_id"]:
            return address
    raise does_not_exist("Address")


def _save(request: Request, contact: Record, addresses: list[Record]) -> None:
    contact["addresses"] = addresses
    touch(contact, request.now)
    request.books.put("contact", contact["contact_id"], contact)


ADDRESSES = "/contacts/{contact_id}/address"
ADDRESS_ROUTES = [
    Route("GET", ADDRESSES, "contacts.READ", list_addresses, "contacts.addresses"),
    Route("POST", ADDRESSES, "contacts.CREATE", add_address, "contacts.address"),
    Route("PUT", f"{ADDRESSES}/{{address_id}}", "contacts.UPDATE", update_address, "contacts.address"),
    Route("DELETE", f"{ADDRESSES}/{{address_id}}", "contacts.DELETE", delete_address),
]
