"""Actions on a recurring invoice: stop, resume, change the template; its history and invoices.

The templates and history calls are documented for Zoho Books; that Zoho Invoice has them too is unverified.
"""

from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.invoices.views import INVOICE
from zoho_mcp.sandbox.kinds.recurring_invoices.views import RECURRING_INVOICE, find, history, status
from zoho_mcp.sandbox.listing import respond
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def stop(request: Request) -> Reply:
    """POST /recurringinvoices/{recurring_invoice_id}/status/stop."""
    _change_status(request, "stopped")
    return done("The recurring invoice has been stopped.")


def resume(request: Request) -> Reply:
    """POST /recurringinvoices/{recurring_invoice_id}/status/resume."""
    _change_status(request, "active")
    return done("The recurring invoice has been resumed.")


def set_template(request: Request) -> Reply:
    """PUT /recurringinvoices/{recurring_invoice_id}/templates/{template_id}, a template of invoices."""
    record = find(request.books, request.path["recurring_invoice_id"])
    template = settings.template(request.books, request.path["template_id"])
    record["template_id"] = template["template_id"]
    save(request, record, f"Recurring Invoice template changed to {template['template_name']}", "Updated")
    return done("The template of the recurring invoice has been updated.")


def list_history(request: Request) -> Reply:
    """GET /recurringinvoices/{recurring_invoice_id}/comments."""
    record = find(request.books, request.path["recurring_invoice_id"])
    message = "The complete history and comments of a recurring invoice are displayed successfully."
    return done(message, comments=history(request, record))


def list_invoices(request: Request) -> Reply:
    """GET /recurringinvoices/{recurring_invoice_id}/invoices: the invoices that name it. None are generated here."""
    own_id = RECURRING_INVOICE.named(request)["recurring_invoice_id"]
    rows = [row for row in INVOICE.overview(request) if row["recurring_invoice_id"] == own_id]
    return respond(request, INVOICE.listing, rows)


def save(request: Request, record: Record, description: str, operation: str) -> None:
    """Save a recurring invoice and an entry in its history. Wording and operation types are unverified except
    "Recurring Invoice created" and Added."""
    entry: Record = {"comment_id": request.books.new_id(), "description": description, "operation": operation}
    record["history"].append({**entry, "time": request.stamp})
    touch(record, request.now)
    request.books.put("recurring_invoice", record["recurring_invoice_id"], record)


def _change_status(request: Request, wanted: str) -> None:
    record = find(request.books, request.path["recurring_invoice_id"])
    if wanted == status(record, request.today):
        # Succeeds without a change, as for an invoice that is already sent or void: unverified for this module.
        return
    if record["end_date"] and record["end_date"] < request.today:
        # Unverified: an expired one can be neither stopped nor resumed.
        raise refused("The recurring invoice has expired.")
    record["status"] = wanted
    word = "stopped" if wanted == "stopped" else "resumed"
    save(request, record, f"Recurring Invoice {word}", word.capitalize())


RECURRING = "/recurringinvoices/{recurring_invoice_id}"
ACTION_ROUTES = [
    Route("POST", f"{RECURRING}/status/stop", "invoices.CREATE", stop),
    Route("POST", f"{RECURRING}/status/resume", "invoices.CREATE", resume),
    Route("PUT", f"{RECURRING}/templates/{{template_id}}", "invoices.UPDATE", set_template),
    Route("GET", f"{RECURRING}/comments", "invoices.READ", list_history, "recurring_invoices.comments"),
    Route("GET", f"{RECURRING}/invoices", "invoices.READ", list_invoices, "invoices.list"),
]
