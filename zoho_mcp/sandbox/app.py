"""The sandbox as one ASGI app: token endpoint and API over a store. MODULES lists its routes."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from zoho_mcp.sandbox.control import handle_control
from zoho_mcp.sandbox.dispatch import Dispatcher
from zoho_mcp.sandbox.faults import Faults
from zoho_mcp.sandbox.kinds import accounts, estimates, items, organizations, payments, projects, settings
from zoho_mcp.sandbox.kinds.contacts import addresses, contact_persons, contacts
from zoho_mcp.sandbox.kinds.contacts import mail as contact_mail
from zoho_mcp.sandbox.kinds.credit_notes import application, credit_notes
from zoho_mcp.sandbox.kinds.credit_notes import refunds as credit_note_refunds
from zoho_mcp.sandbox.kinds.expenses import expenses, receipts
from zoho_mcp.sandbox.kinds.invoices import attachments, credits, invoices, reminders
from zoho_mcp.sandbox.kinds.recurring_invoices import recurring_invoices
from zoho_mcp.sandbox.limits import Limits, Meter
from zoho_mcp.sandbox.oauth import revoke_all
from zoho_mcp.sandbox.request_log import LoggedRequest
from zoho_mcp.sandbox.store import Store
from zoho_mcp.sandbox.times import utc_now
from zoho_mcp.sandbox.wire.routing import RouteTable

MODULES = [
    organizations.ROUTES,
    contacts.router.routes,
    contact_persons.router.routes,
    contact_mail.router.routes,
    addresses.router.routes,
    items.router.routes,
    invoices.router.routes,
    credits.router.routes,
    reminders.router.routes,
    attachments.router.routes,
    payments.router.routes,
    estimates.router.routes,
    credit_notes.router.routes,
    application.router.routes,
    credit_note_refunds.router.routes,
    expenses.router.routes,
    receipts.router.routes,
    recurring_invoices.router.routes,
    projects.router.routes,
    settings.ROUTES,
    accounts.router.routes,
    accounts.categories.routes,
]


def create_app(
    store: Store,
    *,
    clock: Callable[[], datetime] = utc_now,
    limits: Limits | None = None,
    api_domain: str = "",
    control: bool = False,
) -> Starlette:
    """The app over a store.

    `clock` gives aware times and is all the app knows of now. `limits` are those of Zoho's free plan unless given.
    `api_domain` is what the token endpoint names as the API's base; left out, it is the base the request came in on.
    `control` lets other programs set faults, at /sandbox/faults.
    `app.state.request_log` lists the requests, `app.state.store`, `.meter` and `.faults` are the parts in use.
    """
    request_log: list[LoggedRequest] = []
    faults = Faults(clock, lambda: revoke_all(store))
    dispatcher = Dispatcher(
        store=store,
        table=RouteTable(route for routes in MODULES for route in routes),
        meter=Meter(limits or Limits()),
        clock=faults.clock,
        api_domain=api_domain,
        request_log=request_log,
    )
    app = _Sandbox(
        routes=[
            *([Route("/sandbox/faults", handle_control, methods=["GET", "POST", "DELETE"])] if control else []),
            Route("/oauth/v2/auth", dispatcher.auth, methods=["GET"]),
            Route("/oauth/v2/token", dispatcher.token, methods=["POST"]),
            Route("/oauth/v2/token/revoke", dispatcher.revoke, methods=["POST"]),
            Mount("/", dispatcher.api),
        ],
        exception_handlers={Exception: _internal_error},
    )
    app.state.store = store
    app.state.meter = dispatcher.meter
    app.state.request_log = request_log
    app.state.faults = faults
    return app


class _Sandbox(Starlette):
    """Faults come first: a fault that breaks a connection must not become a 500 response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.state.faults.respond(super().__call__, scope, receive, send)


def _internal_error(request: Request, error: Exception) -> Response:
    # A bug of the sandbox. The response is what Zoho sends for its own bugs; the server still raises it.
    return Response('{"code":1000,"message":"Internal error"}', 500, media_type="application/json;charset=UTF-8")
