"""Postal addresses, on customers and on documents."""

from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# The parts of an address and their maximum length.
ADDRESS: dict[str, int] = {
    "attention": 100, "address": 500, "street2": 255, "city": 100, "state_code": 100, "state": 100, "zip": 50,
    "country": 100, "country_code": 100, "phone": 50, "fax": 50,
}  # fmt: skip


def address_from(request: Request, was: Record, sent: Record) -> Record:
    """The address after a write: what was sent changes, the rest stays."""
    kept = {"address_id": was.get("address_id") or request.books.new_id()}
    return kept | {name: text(sent, name, str(was.get(name, "")), limit) for name, limit in ADDRESS.items()}
