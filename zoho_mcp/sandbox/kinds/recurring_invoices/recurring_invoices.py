"""Recurring invoices. No job runs in the sandbox, so no invoices are generated as time passes."""

from collections.abc import Callable
from datetime import date

from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT, terms_label
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind, Transition
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.invoices.views import LISTING as INVOICES
from zoho_mcp.sandbox.kinds.invoices.views import UNPAID
from zoho_mcp.sandbox.kinds.recurring_invoices import schedule, unique_fields
from zoho_mcp.sandbox.listing import TEXT, Listing, of_status, respond, status_filters
from zoho_mcp.sandbox.pricing import ZERO
from zoho_mcp.sandbox.times import parse_stamp
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import custom_fields, day, flag, one_of, optional_day, text, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, done

STATUSES = ("active", "stopped", "expired")
LINE_FILTERS = {"item_name": "name", "item_description": "description", "item_id": "item_id", "tax_id": "tax_id",
                "line_item_id": "line_item_id"}  # fmt: skip


def _new(request: Request) -> Record:
    record: Record = {"recurrence_name": "", "status": "active", "start_date": request.today, "history": []}
    _write_name(request, record)
    return record


def _write_name(request: Request, record: Record) -> None:
    name = text(request.body, "recurrence_name", record["recurrence_name"], 100).strip()
    if not name:
        raise ZohoError(4031, "Please enter a name for this Recurring Invoice")
    same = request.books.labelled("recurring_invoice", name)
    if any(other["recurring_invoice_id"] != record.get("recurring_invoice_id") for other in same):
        # Zoho's page calls the name unique; that it is refused otherwise, and this code, are unverified.
        raise ZohoError(1001, f"A recurring invoice with the name {name} already exists.")
    record["recurrence_name"] = name


def _write(request: Request, record: Record) -> None:
    body, contact = request.body, CONTACT.find(request.books, record["customer_id"])
    _check_schedule(record)
    was = record.get("payment_terms")
    terms = whole(body, "payment_terms", contact["payment_terms"] if was is None else was)
    label = record.get("payment_terms_label", "") if terms == was else ""
    if not label and terms == contact["payment_terms"]:
        label = contact["payment_terms_label"]
    label = text(body, "payment_terms_label", limit=200) or label
    record |= {"payment_terms": terms, "payment_terms_label": terms_label(terms, label)}


def _custom_fields(request: Request, was: list[Record]) -> list[Record]:
    sent = custom_fields(request.body, "custom_fields", was)
    return unique_fields.merged(request.books, "recurring_invoice", was, sent)


def _check_schedule(record: Record) -> None:
    if not record["recurrence_frequency"]:
        raise invalid_value("recurrence_frequency")
    if not 1 <= record["repeat_every"] <= schedule.MOST:
        raise invalid_value("repeat_every")
    if record["end_date"] and record["end_date"] < record["start_date"]:
        raise invalid_value("end_date")


def _after_write(request: Request, record: Record) -> None:
    unique_fields.check_unique(request.books, "recurring_invoice", record)
    word, operation = ("updated", "Updated") if record["history"] else ("created", "Added")
    _add_history(request, record, f"Recurring Invoice {word}", operation)


def _add_history(request: Request, record: Record, description: str, operation: str) -> None:
    # The words are unverified, except "Recurring Invoice created" and Added.
    entry: Record = {"comment_id": request.books.new_id(), "description": description, "operation": operation}
    record["history"].append({**entry, "time": request.stamp})


def _status(record: Record, today: str) -> str:
    """The status that Zoho shows. The record itself has only active and stopped; a stopped one does not expire."""
    if record["status"] == "active" and record["end_date"] and record["end_date"] < today:
        return "expired"
    return str(record["status"])


def _next_invoice_date(record: Record, today: str) -> str:
    """When the next invoice is due, "" for none. Today counts, because today's invoice has not been made."""
    if _status(record, today) != "active":
        return ""  # that a stopped one has none is unverified
    start, unit = date.fromisoformat(record["start_date"]), record["recurrence_frequency"]
    due = schedule.next_date(start, unit, record["repeat_every"], date.fromisoformat(today))
    if due is None or (record["end_date"] and due.isoformat() > record["end_date"]):
        return ""
    return due.isoformat()


def _derive(request: Request, customer_id: str | None) -> Callable[[Record], Record]:
    last: dict[str, str] = {}
    for invoice in request.books.of_customer("invoice", customer_id):
        parent = invoice["recurring_invoice_id"]
        last[parent] = max(last.get(parent, ""), invoice["date"])

    def derived(record: Record) -> Record:
        return {
            "status": _status(record, request.today),
            "last_sent_date": last.get(record["recurring_invoice_id"], ""),
            "next_invoice_date": _next_invoice_date(record, request.today),
        }

    return derived


def _invoices_of(request: Request, record: Record) -> list[Record]:
    return [row for row in INVOICE.rows(request) if row["recurring_invoice_id"] == record["recurring_invoice_id"]]


def _add_details(request: Request, shown: Record) -> Record:
    own = _invoices_of(request, shown)
    return {
        "paid_invoices_total": sum((row["total"] for row in own if row["status"] == "paid"), ZERO),
        "unpaid_invoices_balance": sum((row["balance"] for row in own if row["status"] in UNPAID), ZERO),
        "customer_email": shown["email"],
        "customer_phone": shown["phone"],
    }


def _change_of_status(path: str, status: str, before: str, word: str) -> Transition:
    def add_history(request: Request, record: Record) -> None:
        if record["end_date"] and record["end_date"] < request.today:
            raise refused(EXPIRED)
        _add_history(request, record, f"Recurring Invoice {word}", word.capitalize())

    message = f"The recurring invoice has been {word}."
    # That the status succeeds without a change when it is the same, and that an expired one can be neither stopped nor
    # resumed, are unverified.
    return Transition(path, status, message, (before,), (status,), refusal=EXPIRED, effect=add_history)


EXPIRED = "The recurring invoice has expired."
RECURRING_INVOICE = DocumentKind(
    name="recurring_invoice",
    path="/recurringinvoices",
    scope="invoices",  # as in the real API
    tables="recurring_invoices",
    word="Recurring Invoice",
    saved="one",
    listing=Listing(
        key="recurring_invoices",
        report_name="Recurring Invoices",
        # Zoho's documents name no columns: unverified.
        sortable=("recurrence_name", "customer_name", "start_date", "end_date", "next_invoice_date", "last_sent_date",
                  "reference_number", "total", "last_modified_time"),
        exact=("customer_id",),
        text=("recurrence_name", "customer_name", "notes", "reference_number"),
        dates=("start_date", "end_date"),
        search=("recurrence_name", "customer_name", "reference_number"),
        statuses={status: of_status(status) for status in STATUSES},
        filters=status_filters({status.capitalize(): status for status in STATUSES}),
        default_filter="Status.All",
    ),
    line_filters={
        f"{name}{suffix}": (key, holds) for name, key in LINE_FILTERS.items() for suffix, holds in TEXT.items()
    },
    read="Details of a recurring invoice is displayed successfully.",
    created="The recurring invoice has been created.",
    updated="success",
    deleted="The recurring invoice is deleted successfully.",
    new=_new,
    before_change=_write_name,
    fields={
        "allow_partial_payments": (flag, False), "recurrence_frequency": (one_of(*schedule.UNITS), ""),
        "repeat_every": (whole, 1), "start_date": (day, ""), "end_date": (optional_day, ""),
    },
    write=_write,
    custom_fields=_custom_fields,
    after_write=_after_write,
    derive=_derive,
    add_details=_add_details,
    status=lambda request, record: _status(record, request.today),
    transitions=(
        _change_of_status("/status/stop", "stopped", "active", "stopped"),
        _change_of_status("/status/resume", "active", "stopped", "resumed"),
    ),
)  # fmt: skip
router = RECURRING_INVOICE.router()
# The routes below are documented for Zoho Books; that Zoho Invoice has them too is unverified.


@router.on_all("PUT", "", "one")
def upsert(request: Request) -> Reply:
    """Update the one with the unique value in the headers; with X-Upsert, create a missing one.

    The status of a create is unverified: the reference shows the same words for it as for a change.
    """
    field = unique_fields.unique_field(request.books, "recurring_invoice", request.headers.get(unique_fields.KEY, ""))
    value = request.headers.get(unique_fields.VALUE, "")
    if not value:
        raise invalid_value("X-Unique-Identifier-Value")
    for record in unique_fields.with_value(request.books, "recurring_invoice", field["api_name"], value):
        RECURRING_INVOICE.change(request, record)
        return done(**RECURRING_INVOICE.shown(request, record))
    if request.headers.get(unique_fields.UPSERT, "").lower() != "true":
        raise does_not_exist("Recurring Invoice")  # code and status are unverified
    # That the value of the header is kept when the body does not repeat it is unverified.
    fields = unique_fields.merged(request.books, "recurring_invoice", [], [{**field, "value": value}])
    return done(**RECURRING_INVOICE.shown(request, RECURRING_INVOICE.make(request, custom_fields=fields)))


@router.on_one("PUT", "/templates/{template_id}", "The template of the recurring invoice has been updated.")
def set_template(request: Request, record: Record) -> None:
    """Use a template of invoices."""
    template = settings.template(request.books, request.path["template_id"])
    _add_history(request, record, f"Recurring Invoice template changed to {template['template_name']}", "Updated")
    RECURRING_INVOICE.save(request, record, template_id=template["template_id"])


@router.on_one(
    "GET", "/comments", "The complete history and comments of a recurring invoice are displayed successfully.",
    "comments",
)  # fmt: skip
def list_history(request: Request, record: Record) -> Record:
    """The history, the newest entry first (unverified)."""
    return {"comments": [_comment(request, record, entry) for entry in reversed(record["history"])]}


@router.on_one("GET", "/invoices", shape="invoices.list")
def list_invoices(request: Request, record: Record) -> Reply:
    """The invoices that name the recurring invoice; the sandbox generates none."""
    return respond(request, INVOICES, _invoices_of(request, record))


def _comment(request: Request, record: Record, entry: Record) -> Record:
    moment = parse_stamp(entry["time"]) or request.now
    days = (request.now.date() - moment.date()).days
    return {
        "comment_id": entry["comment_id"],
        "recurring_invoice_id": record["recurring_invoice_id"],
        "comment_description": entry["description"],
        "commented_by": request.organization["contact_name"],
        "comment_type": "system",
        "operation_type": entry["operation"],
        "date": moment.date().isoformat(),
        # Of these words the reference shows "yesterday" only.
        "date_description": {0: "today", 1: "yesterday"}.get(days, f"{days} days ago"),
        "time": f"{moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}",
        "transaction_id": record["recurring_invoice_id"],
        # The reference's sample says "estimate", which looks like a mistake.
        "transaction_type": "recurring_invoice",
    }
