"""Writes the demo's books through the routes of the app, as if each request had come over HTTP on its day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request, RouteTable

TABLE = RouteTable(route for routes in MODULES for route in routes)


def send(at: Request, method: str, path: str, body: Record | None = None) -> Record:
    """The keys of the response to a request at that time; the path is below the product's base."""
    route, ids = TABLE.find(at.product, method, path.strip("/").split("/"))
    return dict(route.handler(replace(at, path=ids, body=body or {})).keys)


def change_invoices(request: Request, customer_id: str, days_ago: int, change: Callable[[Record], Record]) -> None:
    """Change a customer's invoices of that day, on that day; `change` gives the body for an invoice."""
    at = replace(request, now=request.now - timedelta(days=days_ago))
    for invoice in request.books.of_customer("invoice", customer_id):
        if invoice["date"] == at.today:
            send(at, "PUT", f"/invoices/{invoice['invoice_id']}", change(invoice))
