"""The additional addresses of a customer. From Zoho's documentation only."""

from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.contacts.parts import address_from
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

router = Router(CONTACT)


@router.on_one("GET", "/address", shape="addresses")
def list_addresses(request: Request, contact: Record) -> Record:
    """The additional addresses."""
    return {"addresses": contact.get("addresses", [])}


@router.on_one("POST", "/address", "The address has been created.", "address")
def add_address(request: Request, contact: Record) -> Record:
    """Add the address in the body."""
    address = address_from(request, {}, request.body)
    CONTACT.save(request, contact, addresses=[*contact.get("addresses", []), address])
    return {"address_info": address}


@router.on_one("PUT", "/address/{address_id}", "The address has been updated.", "address")
def update_address(request: Request, contact: Record) -> Record:
    """What is sent changes, the rest stays."""
    was = _named(request, contact)
    address = address_from(request, was, request.body)
    CONTACT.save(request, contact, addresses=[address if part is was else part for part in contact["addresses"]])
    return {"address_info": address}


@router.on_one("DELETE", "/address/{address_id}", "The address has been deleted.")
def delete_address(request: Request, contact: Record) -> None:
    """Remove the address."""
    was = _named(request, contact)
    CONTACT.save(request, contact, addresses=[part for part in contact["addresses"] if part is not was])


def _named(request: Request, contact: Record) -> Record:
    for address in contact.get("addresses", []):
        if address["address_id"] == request.path["address_id"]:
            return address
    raise does_not_exist("Address")
