"""Estimates, which the API's messages call quotes: create, read, change, delete. Their statuses, their mail and their
way into invoices are in estimate_actions.py."""

from zoho_mcp.sandbox import document_views, documents, mail, numbering
from zoho_mcp.sandbox.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.estimate_actions import ACTION_ROUTES
from zoho_mcp.sandbox.estimate_links import find, invoices_by_estimate
from zoho_mcp.sandbox.estimate_views import LISTING, detail, overview, row
from zoho_mcp.sandbox.fields import day, flag, number, text
from zoho_mcp.sandbox.ledger import HUNDRED, ZERO
from zoho_mcp.sandbox.lookups import template
from zoho_mcp.sandbox.moments import touch
from zoho_mcp.sandbox.routing import Call, Reply, Route, created, done
from zoho_mcp.sandbox.wire import Record


def list_estimates(call: Call) -> Reply:
    """GET /estimates."""
    return document_views.answer(call, LISTING, overview, row)


def get_estimate(call: Call) -> Reply:
    """GET /estimates/{estimate_id}."""
    return done(estimate=detail(call, find(call.books, call.path["estimate_id"])))


def create_estimate(call: Call) -> Reply:
    """POST /estimates."""
    estimate_id = call.books.new_id()
    estimate: Record = {"estimate_id": estimate_id, "estimate_number": "", "status": "draft"}
    estimate |= documents.new_document(call) | {"date": call.today, "expiry_date": ""}
    estimate |= {"accept_retainer": False, "retainer_percentage": "", "accepted_date": "", "declined_date": ""}
    _write(call, estimate)
    estimate["estimate_number"] = numbering.choose_number(call, "estimate", "estimate_number", "EST-", "Estimate")
    if call.asks("send"):
        mail.send_to_customer(call, "estimate", estimate, "Quote", estimate["estimate_number"])
        estimate |= {"status": "sent", "is_emailed": True}
    call.books.put("estimate", estimate_id, estimate)
    return created("The quote has been created.", f"/estimates/{estimate_id}", estimate=detail(call, estimate))


def update_estimate(call: Call) -> Reply:
    """PUT /estimates/{estimate_id}: what is sent changes, the rest stays; line_items replaces all lines.

    That the status does not stand in the way, whatever it is, is unverified.
    """
    estimate = find(call.books, call.path["estimate_id"])
    if text(call.body, "status") == "draft" and estimate["status"] != "draft":
        # The code is documented. Which call gives it is not: there is no path .../status/draft for estimates.
        raise ZohoError(4041, "Estimate status cannot be changed to Draft")
    numbering.change_number(call, "estimate", "estimate_number", "Estimate", estimate)
    _write(call, estimate)
    call.books.put("estimate", estimate["estimate_id"], estimate)
    return done("The quote has been updated.", estimate=detail(call, estimate))  # the words are unverified


def delete_estimate(call: Call) -> Reply:
    """DELETE /estimates/{estimate_id}, refused while an invoice made from it is there."""
    estimate = find(call.books, call.path["estimate_id"])
    if estimate["estimate_id"] in invoices_by_estimate(call.books):
        raise refused("Quotes that have been converted to invoices cannot be deleted.")
    call.books.drop("estimate", estimate["estimate_id"])
    return done("The quote has been deleted.")  # the words are unverified


def _write(call: Call, estimate: Record) -> None:
    body = call.body
    documents.write_customer(call, estimate)
    documents.write_texts(call, estimate)
    wanted = text(body, "template_id", estimate["template_id"])
    estimate["template_id"] = template(call.books, wanted, "estimate")["template_id"]
    estimate["date"] = day(body, "date", estimate["date"])
    estimate["expiry_date"] = day(body, "expiry_date", estimate["expiry_date"])
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
    documents.write_pricing(call, estimate)
    touch(estimate, call.now)


ROUTES = [
    Route("GET", "/estimates", "estimates.READ", list_estimates),
    Route("POST", "/estimates", "estimates.CREATE", create_estimate),
    Route("GET", "/estimates/{estimate_id}", "estimates.READ", get_estimate),
    Route("PUT", "/estimates/{estimate_id}", "estimates.UPDATE", update_estimate),
    Route("DELETE", "/estimates/{estimate_id}", "estimates.DELETE", delete_estimate),
    *ACTION_ROUTES,
]
