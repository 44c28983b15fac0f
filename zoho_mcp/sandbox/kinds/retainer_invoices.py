"""Retainer invoices: the list of an organisation that has none, as it was recorded."""

from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route

LISTING = Listing(key="retainerinvoices", report_name="Retainer Invoices", sortable=(), default_filter="Status.All")


def list_retainer_invoices(request: Request) -> Reply:
    """GET /retainerinvoices."""
    return respond(request, LISTING, [])


ROUTES = [Route("GET", "/retainerinvoices", "invoices.READ", list_retainer_invoices, "retainer_invoices.list")]
