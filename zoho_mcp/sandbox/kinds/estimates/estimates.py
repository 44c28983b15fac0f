"""Estimates, which the API's messages call quotes: create, read, change, delete."""

from zoho_mcp.sandbox.kinds.documents import documents, mail, numbering
from zoho_mcp.sandbox.kinds.estimates.actions import ACTION_ROUTES
from zoho_mcp.sandbox.kinds.estimates.links import find, invoices_by_estimate
from zoho_mcp.sandbox.kinds.estimates.views import ESTIMATE, detail
from zoho_mcp.sandbox.kinds.settings import template
from zoho_mcp.sandbox.ledger import HUNDRED, ZERO
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, flag, number, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done


def create_estimate(request: Request) -> Reply:
    """POST /estimates."""
    estimate_id = request.books.new_id()
    estimate: Record = {"estimate_id": estimate_id, "estimate_number": "", "status": "draft"}
    estimate |= documents.new_document(request) | {"date": request.today, "expiry_date": ""}
    estimate |= {"accept_retainer": False, "retainer_percentage": "", "accepted_date": "", "declined_date": ""}
    _write(request, estimate)
    estimate["estimate_number"] = numbering.choose_number(request, "estimate", "estimate_number", "QT-", "Estimate")
    if request.wants("send"):
        mail.send_to_customer(request, "estimate", estimate, "Quote", estimate["estimate_number"])
        estimate |= {"status": "sent", "is_emailed": True}
    request.books.put("estimate", estimate_id, estimate)
    return created("The quote has been created.", f"/estimates/{estimate_id}", estimate=detail(request, estimate))


def update_estimate(request: Request) -> Reply:
    """PUT /estimates/{estimate_id}: what is sent changes, the rest stays; line_items replaces all lines.

    That the status does not stand in the way, whatever it is, is unverified.
    """
    estimate = find(request.books, request.path["estimate_id"])
    if text(request.body, "status") == "draft" and estimate["status"] != "draft":
        # The code is documented. The request that returns it is not: estimates have no path .../status/draft.
        raise ZohoError(4041, "Estimate status cannot be changed to Draft")
    numbering.change_number(request, "estimate", "estimate_number", "Estimate", estimate)
    _write(request, estimate)
    request.books.put("estimate", estimate["estimate_id"], estimate)
    return done("Quote information has been updated.", estimate=detail(request, estimate))


def delete_estimate(request: Request) -> Reply:
    """DELETE /estimates/{estimate_id}, refused while an invoice made from it exists."""
    estimate = find(request.books, request.path["estimate_id"])
    if estimate["estimate_id"] in invoices_by_estimate(request.books):
        raise refused("Quotes that have been converted to invoices cannot be deleted.")
    request.books.drop("estimate", estimate["estimate_id"])
    return done("The quote has been deleted.")


def _write(request: Request, estimate: Record) -> None:
    body = request.body
    documents.write_customer(request, estimate)
    documents.write_texts(request, estimate)
    wanted = text(body, "template_id", estimate["template_id"])
    estimate["template_id"] = template(request.books, wanted, "estimate")["template_id"]
    estimate["date"] = day(body, "date", estimate["date"])
    estimate["expiry_date"] = day(body, "expiry_date", "" if body.get("expiry_date") == "" else estimate["expiry_date"])
    if estimate["expiry_date"] and estimate["expiry_date"] < estimate["date"]:
        raise invalid_value("expiry_date")  # that it is refused, and the code, are unverified
    estimate["accept_retainer"] = flag(body, "accept_retainer", estimate["accept_retainer"])
    if body.get("retainer_percentage") not in (None, ""):
        estimate["retainer_percentage"] = number(body, "retainer_percentage")
        if not ZERO < estimate["retainer_percentage"] <= HUNDRED:
            raise ZohoError(
                9526,
                "Please enter a valid retainer percentage. It should be greater than 0 and less than or equal to 100",
            )
    documents.write_pricing(request, estimate, "Estimate")
    touch(estimate, request.now)


ROUTES = [
    *ESTIMATE.reading_routes(),
    Route("POST", "/estimates", "estimates.CREATE", create_estimate, "estimates.saved"),
    Route("PUT", "/estimates/{estimate_id}", "estimates.UPDATE", update_estimate, "estimates.saved"),
    Route("DELETE", "/estimates/{estimate_id}", "estimates.DELETE", delete_estimate),
    *ACTION_ROUTES,
]
