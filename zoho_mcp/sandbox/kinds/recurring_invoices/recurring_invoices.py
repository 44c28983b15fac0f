"""Recurring invoices, in the scope "invoices" as in the real API: create, read, change, delete, and change by a
custom field's unique value. No job runs here, so no invoices are generated as time passes."""

from zoho_mcp.sandbox.kinds.contacts.contacts import terms_label
from zoho_mcp.sandbox.kinds.documents import documents, unique_fields
from zoho_mcp.sandbox.kinds.recurring_invoices.actions import ACTION_ROUTES, RECURRING, save
from zoho_mcp.sandbox.kinds.recurring_invoices.schedule import MOST, UNITS
from zoho_mcp.sandbox.kinds.recurring_invoices.views import RECURRING_INVOICE, detail, find
from zoho_mcp.sandbox.kinds.settings import template
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import choice, day, flag, text, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

KIND = "recurring_invoice"


def create_recurring_invoice(request: Request) -> Reply:
    """POST /recurringinvoices."""
    record = _create(request)
    where = f"/recurringinvoices/{record['recurring_invoice_id']}"
    return created("The recurring invoice has been created.", where, recurring_invoice=detail(request, record))


def update_recurring_invoice(request: Request) -> Reply:
    """PUT /recurringinvoices/{recurring_invoice_id}: what is sent changes, the rest stays."""
    record = find(request.books, request.path["recurring_invoice_id"])
    _update(request, record)
    return done(recurring_invoice=detail(request, record))


def upsert_recurring_invoice(request: Request) -> Reply:
    """PUT /recurringinvoices: update the one with the unique value in the headers; with X-Upsert, create a missing one.

    Documented for Zoho Books; that Zoho Invoice has it is unverified, and so is the status of a create, for which the
    reference shows the same words as for a change.
    """
    field = unique_fields.unique_field(request.books, KIND, request.headers.get(unique_fields.KEY, ""))
    value = request.headers.get(unique_fields.VALUE, "")
    if not value:
        raise invalid_value("X-Unique-Identifier-Value")
    for record in unique_fields.with_value(request.books, KIND, field["api_name"], value):
        _update(request, record)
        return done(recurring_invoice=detail(request, record))
    if request.headers.get(unique_fields.UPSERT, "").lower() != "true":
        raise does_not_exist("Recurring Invoice")  # code and status are unverified
    return done(recurring_invoice=detail(request, _create(request, [{**field, "value": value}])))


def delete_recurring_invoice(request: Request) -> Reply:
    """DELETE /recurringinvoices/{recurring_invoice_id}; the invoices that came from it stay."""
    record = find(request.books, request.path["recurring_invoice_id"])
    request.books.drop(KIND, record["recurring_invoice_id"])
    return done("The recurring invoice is deleted successfully.")


def _create(request: Request, fields: list[Record] | None = None) -> Record:
    """A new one. `fields` are custom fields that the body can override. That an upsert keeps the value of its
    header when the body does not repeat it is unverified."""
    record: Record = {"recurring_invoice_id": request.books.new_id(), "recurrence_name": "", "status": "active"}
    record |= documents.new_document(request) | {"start_date": request.today, "end_date": "", "repeat_every": 1}
    record |= {"recurrence_frequency": "", "allow_partial_payments": False, "history": []}
    record["custom_fields"] = unique_fields.merged(request.books, KIND, [], fields or [])
    _write(request, record)
    save(request, record, "Recurring Invoice created", "Added")
    return record


def _update(request: Request, record: Record) -> None:
    _write(request, record)
    save(request, record, "Recurring Invoice updated", "Updated")


def _write(request: Request, record: Record) -> None:
    _write_name(request, record)
    contact = documents.write_customer(request, record)
    fields = record["custom_fields"]
    documents.write_texts(request, record)
    if "custom_fields" in request.body:
        record["custom_fields"] = unique_fields.merged(request.books, KIND, fields, record["custom_fields"])
    unique_fields.check_unique(request.books, KIND, record)
    wanted = text(request.body, "template_id", record["template_id"])
    record["template_id"] = template(request.books, wanted)["template_id"]
    record["allow_partial_payments"] = flag(request.body, "allow_partial_payments", record["allow_partial_payments"])
    _write_schedule(request, record)
    _write_terms(request, record, contact)
    documents.write_pricing(request, record, "Recurring Invoice")


def _write_name(request: Request, record: Record) -> None:
    name = text(request.body, "recurrence_name", record["recurrence_name"], 100).strip()
    if not name:
        raise ZohoError(4031, "Please enter a name for this Recurring Invoice")
    own_id = record["recurring_invoice_id"]
    if any(other["recurring_invoice_id"] != own_id for other in request.books.labelled(KIND, name)):
        # Zoho's page calls the name unique; that it is refused otherwise, and this code, are unverified.
        raise ZohoError(1001, f"A recurring invoice with the name {name} already exists.")
    record["recurrence_name"] = name


def _write_schedule(request: Request, record: Record) -> None:
    body = request.body
    record["recurrence_frequency"] = choice(body, "recurrence_frequency", UNITS, record["recurrence_frequency"])
    if not record["recurrence_frequency"]:
        raise invalid_value("recurrence_frequency")
    record["repeat_every"] = whole(body, "repeat_every", record["repeat_every"])
    if not 1 <= record["repeat_every"] <= MOST:
        raise invalid_value("repeat_every")
    record["start_date"] = day(body, "start_date", record["start_date"])
    # An empty end_date removes the end date: unverified.
    record["end_date"] = day(body, "end_date", "" if body.get("end_date") == "" else record["end_date"])
    if record["end_date"] and record["end_date"] < record["start_date"]:
        raise invalid_value("end_date")


def _write_terms(request: Request, record: Record, contact: Record) -> None:
    was = record.get("payment_terms")
    terms = whole(request.body, "payment_terms", contact["payment_terms"] if was is None else was)
    label = record.get("payment_terms_label", "") if terms == was else ""
    if terms == contact["payment_terms"]:
        label = label or contact["payment_terms_label"]
    record["payment_terms"] = terms
    record["payment_terms_label"] = terms_label(terms, text(request.body, "payment_terms_label", limit=200) or label)


ROUTES = [
    *RECURRING_INVOICE.reading_routes(),
    Route("POST", "/recurringinvoices", "invoices.CREATE", create_recurring_invoice, "recurring_invoices.one"),
    Route("PUT", "/recurringinvoices", "invoices.UPDATE", upsert_recurring_invoice, "recurring_invoices.one"),
    Route("PUT", RECURRING, "invoices.UPDATE", update_recurring_invoice, "recurring_invoices.one"),
    Route("DELETE", RECURRING, "invoices.DELETE", delete_recurring_invoice),
    *ACTION_ROUTES,
]
