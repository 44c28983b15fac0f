"""The record of a contact, for every module about contacts."""

from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record


def find(books: Books, contact_id: str, what: str = "Contact") -> Record:
    """The contact of that id."""
    found = books.get("contact", contact_id)
    if found is None:
        raise does_not_exist(what)
    return found
