"""Which invoices came from which estimate. Only invoices store the link, so the two cannot disagree."""

from collections import defaultdict

from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request


def find(books: Books, estimate_id: str) -> Record:
    """The estimate of that id. Raises ZohoError 1002."""
    found = books.get("estimate", estimate_id)
    if found is None:
        raise does_not_exist("Estimate")
    return found


def invoices_by_estimate(books: Books) -> dict[str, list[str]]:
    """The ids of the invoices made from each estimate, oldest first."""
    found: dict[str, list[str]] = defaultdict(list)
    for invoice in books.all("invoice"):
        if invoice["invoiced_estimate_id"]:
            found[invoice["invoiced_estimate_id"]].append(invoice["invoice_id"])
    return found


def claim(request: Request, invoice: Record) -> str:
    """The estimate that a new invoice was created from, "" for none."""
    estimate_id = text(request.body, "invoiced_estimate_id")
    if not estimate_id:
        return ""
    estimate = find(request.books, estimate_id)
    if estimate["customer_id"] != invoice["customer_id"]:
        # That the estimate has to be the same customer's is unverified.
        raise invalid_value("invoiced_estimate_id")
    if not can_be_invoiced(estimate):
        raise not_convertible()
    documents.change(request, "estimate", estimate)
    return estimate_id


def can_be_invoiced(estimate: Record) -> bool:
    """Drafts cannot. That declined, expired and already invoiced ones can is unverified, except that fromestimates is
    known to create another invoice each time."""
    return bool(estimate["status"] != "draft")


def not_convertible() -> ZohoError:
    """fromestimates nests it in a success. Its code, and that POST /invoices returns it, are unverified."""
    return ZohoError(2, "Some of the quotes cannot be converted to Invoices")
