"""Recurring invoices, in the scope "invoices" as in the real API: create, read, change, delete, and change by a
custom field's unique value. No job runs here: time passing makes no invoices."""

from dataclasses import replace

from zoho_mcp.sandbox import documents, unique_fields
from zoho_mcp.sandbox.contacts import terms_label
from zoho_mcp.sandbox.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.fields import choice, day, flag, text, whole
from zoho_mcp.sandbox.listing import answer
from zoho_mcp.sandbox.lookups import template
from zoho_mcp.sandbox.recurring_actions import ACTION_ROUTES, RECURRING, save
from zoho_mcp.sandbox.recurring_views import LISTING, detail, find, overview, row
from zoho_mcp.sandbox.routing import Call, Reply, Route, created, done
from zoho_mcp.sandbox.schedule import MOST, UNITS
from zoho_mcp.sandbox.wire import Record

KIND = "recurring_invoice"


def list_recurring_invoices(call: Call) -> Reply:
    """GET /recurringinvoices."""
    # The reference has the words of a single one here.
    message = "Details of a recurring invoice is displayed successfully."
    return replace(answer(call, LISTING, overview(call), row), message=message)


def get_recurring_invoice(call: Call) -> Reply:
    """GET /recurringinvoices/{recurring_invoice_id}."""
    record = find(call.books, call.path["recurring_invoice_id"])
    return done("Details of a recurring invoice is displayed successfully.", recurring_invoice=detail(call, record))


def create_recurring_invoice(call: Call) -> Reply:
    """POST /recurringinvoices."""
    record = _create(call)
    where = f"/recurringinvoices/{record['recurring_invoice_id']}"
    return created("The recurring invoice has been created.", where, recurring_invoice=detail(call, record))


def update_recurring_invoice(call: Call) -> Reply:
    """PUT /recurringinvoices/{recurring_invoice_id}: what is sent changes, the rest stays."""
    record = find(call.books, call.path["recurring_invoice_id"])
    _update(call, record)
    return done(recurring_invoice=detail(call, record))


def upsert_recurring_invoice(call: Call) -> Reply:
    """PUT /recurringinvoices: the one with the unique value of the headers; with X-Upsert a new one if there is none.

    Documented for Zoho Books; that Zoho Invoice has it is unverified, and so is the status of a create, for which the
    reference shows the same words as for a change.
    """
    field = unique_fields.unique_field(call.books, KIND, call.headers.get(unique_fields.KEY, ""))
    value = call.headers.get(unique_fields.VALUE, "")
    if not value:
        raise invalid_value("X-Unique-Identifier-Value")
    for record in unique_fields.with_value(call.books, KIND, field["api_name"], value):
        _update(call, record)
        return done(recurring_invoice=detail(call, record))
    if call.headers.get(unique_fields.UPSERT, "").lower() != "true":
        raise does_not_exist("Recurring Invoice")  # code and status are unverified
    return done(recurring_invoice=detail(call, _create(call, [{**field, "value": value}])))


def delete_recurring_invoice(call: Call) -> Reply:
    """DELETE /recurringinvoices/{recurring_invoice_id}; the invoices that came from it stay."""
    record = find(call.books, call.path["recurring_invoice_id"])
    call.books.drop(KIND, record["recurring_invoice_id"])
    return done("The recurring invoice is deleted successfully.")


def _create(call: Call, fields: list[Record] | None = None) -> Record:
    """A new one. `fields` are custom fields that the body can overrule: that the value of an upsert's header is kept
    without being in the body as well is unverified."""
    record: Record = {"recurring_invoice_id": call.books.new_id(), "recurrence_name": "", "status": "active"}
    record |= documents.new_document(call) | {"start_date": call.today, "end_date": "", "repeat_every": 1}
    record |= {"recurrence_frequency": "", "allow_partial_payments": False, "history": []}
    record["custom_fields"] = unique_fields.merged(call.books, KIND, [], fields or [])
    _write(call, record)
    save(call, record, "Recurring Invoice created", "Added")
    return record


def _update(call: Call, record: Record) -> None:
    _write(call, record)
    save(call, record, "Recurring Invoice updated", "Updated")


def _write(call: Call, record: Record) -> None:
    _write_name(call, record)
    contact = documents.write_customer(call, record)
    fields = record["custom_fields"]
    documents.write_texts(call, record)
    if "custom_fields" in call.body:
        record["custom_fields"] = unique_fields.merged(call.books, KIND, fields, record["custom_fields"])
    unique_fields.check_unique(call.books, KIND, record)
    wanted = text(call.body, "template_id", record["template_id"])
    record["template_id"] = template(call.books, wanted)["template_id"]
    record["allow_partial_payments"] = flag(call.body, "allow_partial_payments", record["allow_partial_payments"])
    _write_schedule(call, record)
    _write_terms(call, record, contact)
    documents.write_pricing(call, record)


def _write_name(call: Call, record: Record) -> None:
    name = text(call.body, "recurrence_name", record["recurrence_name"], 100).strip()
    if not name:
        raise ZohoError(4031, "Please enter a name for this Recurring Invoice")
    own_id = record["recurring_invoice_id"]
    if any(other["recurring_invoice_id"] != own_id for other in call.books.labelled(KIND, name)):
        # Zoho's page calls the name unique; that it is refused otherwise, and this code, are unverified.
        raise ZohoError(1001, f"A recurring invoice with the name {name} already exists.")
    record["recurrence_name"] = name


def _write_schedule(call: Call, record: Record) -> None:
    body = call.body
    record["recurrence_frequency"] = choice(body, "recurrence_frequency", UNITS, record["recurrence_frequency"])
    if not record["recurrence_frequency"]:
        raise invalid_value("recurrence_frequency")
    record["repeat_every"] = whole(body, "repeat_every", record["repeat_every"])
    if not 1 <= record["repeat_every"] <= MOST:
        raise invalid_value("repeat_every")
    record["start_date"] = day(body, "start_date", record["start_date"])
    # An empty end_date takes the end away, which no other field could do: unverified.
    record["end_date"] = day(body, "end_date", "" if body.get("end_date") == "" else record["end_date"])
    if record["end_date"] and record["end_date"] < record["start_date"]:
        raise invalid_value("end_date")


def _write_terms(call: Call, record: Record, contact: Record) -> None:
    was = record.get("payment_terms")
    terms = whole(call.body, "payment_terms", contact["payment_terms"] if was is None else was)
    label = record.get("payment_terms_label", "") if terms == was else ""
    if terms == contact["payment_terms"]:
        label = label or contact["payment_terms_label"]
    record["payment_terms"] = terms
    record["payment_terms_label"] = terms_label(terms, text(call.body, "payment_terms_label", limit=200) or label)


ROUTES = [
    Route("GET", "/recurringinvoices", "invoices.READ", list_recurring_invoices),
    Route("POST", "/recurringinvoices", "invoices.CREATE", create_recurring_invoice),
    Route("PUT", "/recurringinvoices", "invoices.UPDATE", upsert_recurring_invoice),
    Route("GET", RECURRING, "invoices.READ", get_recurring_invoice),
    Route("PUT", RECURRING, "invoices.UPDATE", update_recurring_invoice),
    Route("DELETE", RECURRING, "invoices.DELETE", delete_recurring_invoice),
    *ACTION_ROUTES,
]
