"""The sandbox as one ASGI app: token endpoint and API over a store. A module is added by one line in MODULES."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from zoho_mcp.sandbox import (
    contacts,
    credit_notes,
    estimates,
    expenses,
    invoices,
    items,
    lookups,
    organizations,
    payments,
    recurring_invoices,
)
from zoho_mcp.sandbox.answering import Desk
from zoho_mcp.sandbox.limits import Limits, Meter
from zoho_mcp.sandbox.moments import utc_now
from zoho_mcp.sandbox.received import Received
from zoho_mcp.sandbox.routing import RouteTable
from zoho_mcp.sandbox.store import Store

MODULES = [
    organizations.ROUTES,
    contacts.ROUTES,
    items.ROUTES,
    invoices.ROUTES,
    payments.ROUTES,
    estimates.ROUTES,
    credit_notes.ROUTES,
    expenses.ROUTES,
    recurring_invoices.ROUTES,
    lookups.ROUTES,
]


def create_app(
    store: Store,
    *,
    clock: Callable[[], datetime] = utc_now,
    limits: Limits | None = None,
    api_domain: str = "",
) -> Starlette:
    """The app over a store.

    `clock` gives aware times and is all the app knows of now. `limits` are those of Zoho's free plan unless given.
    `api_domain` is what the token endpoint names as the API's base; left out, it is the base the request came in on.
    `app.state.received` lists what was asked, `app.state.store` and `app.state.meter` are the parts in use.
    """
    received: list[Received] = []
    desk = Desk(
        store=store,
        table=RouteTable(route for routes in MODULES for route in routes),
        meter=Meter(limits or Limits()),
        clock=clock,
        api_domain=api_domain,
        received=received,
    )
    app = Starlette(
        routes=[
            Route("/oauth/v2/token", desk.token, methods=["POST"]),
            Route("/oauth/v2/token/revoke", desk.revoke, methods=["POST"]),
            Mount("/", desk.api),
        ],
        exception_handlers={Exception: _internal_error},
    )
    app.state.store = store
    app.state.meter = desk.meter
    app.state.received = received
    return app


def _internal_error(request: Request, error: Exception) -> Response:
    # A bug of the sandbox. The answer is what Zoho gives for one of its own; the server still raises it.
    return Response('{"code":1000,"message":"Internal error"}', 500, media_type="application/json;charset=UTF-8")
