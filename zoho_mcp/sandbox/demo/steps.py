"""Writes the demo's books through the routes of the app, as if each request had come over HTTP on its day."""

from dataclasses import replace

from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request, RouteTable

TABLE = RouteTable(route for routes in MODULES for route in routes)


def send(at: Request, method: str, path: str, body: Record | None = None) -> Record:
    """The keys of the response to a request at that time; the path is below the product's base."""
    route, ids = TABLE.find(at.product, method, path.strip("/").split("/"))
    return dict(route.handler(replace(at, path=ids, body=body or {})).keys)
