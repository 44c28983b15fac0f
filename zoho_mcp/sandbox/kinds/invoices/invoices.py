"""Invoices: create, read, change, delete. Changes of status are in actions.py."""

from datetime import date, timedelta

from zoho_mcp.sandbox.balances import allocations_to, balance, settled_of
from zoho_mcp.sandbox.kinds.contacts.contacts import terms_label
from zoho_mcp.sandbox.kinds.documents import documents, mail, numbering
from zoho_mcp.sandbox.kinds.documents.document_pdf import pdf_reply
from zoho_mcp.sandbox.kinds.estimates import links as estimate_links
from zoho_mcp.sandbox.kinds.invoices.actions import ACTION_ROUTES
from zoho_mcp.sandbox.kinds.invoices.attachments import ATTACHMENT_ROUTES
from zoho_mcp.sandbox.kinds.invoices.reminders import REMINDER_ROUTES
from zoho_mcp.sandbox.kinds.invoices.views import INVOICE, detail, find
from zoho_mcp.sandbox.kinds.settings import template
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, flag, text, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

MOST_IN_A_PDF = 25
EXTRAS = ("recurring_invoice_id", "subject_content")


def bulk_pdf(request: Request) -> Reply:
    """GET /invoices/pdf?invoice_ids=a,b: all of them in one file."""
    wanted = [part.strip() for part in request.query.get("invoice_ids", "").split(",") if part.strip()]
    if not 0 < len(wanted) <= MOST_IN_A_PDF:
        raise invalid_value("invoice_ids")  # The code is unverified.
    return pdf_reply(request, "invoice", [detail(request, find(request.books, invoice_id)) for invoice_id in wanted])


def create_invoice(request: Request) -> Reply:
    """POST /invoices."""
    invoice = new_invoice(request)
    if request.wants("send"):
        mail.send_to_customer(request, "invoice", invoice, "Invoice", invoice["invoice_number"])
        invoice |= {"status": "sent", "is_emailed": True}
        request.books.put("invoice", invoice["invoice_id"], invoice)
    where = f"/invoices/{invoice['invoice_id']}"
    return created("The invoice has been created.", where, invoice=detail(request, invoice))


def new_invoice(request: Request) -> Record:
    """Create and save the invoice that the body describes. Also used to convert other documents."""
    invoice_id = request.books.new_id()
    invoice: Record = {"invoice_id": invoice_id, "invoice_number": "", "status": "draft"}
    invoice |= documents.new_document(request) | {"date": request.today, "payment_expected_date": ""}
    invoice["allow_partial_payments"] = False
    _write(request, invoice)
    invoice["invoiced_estimate_id"] = estimate_links.claim(request, invoice)
    invoice["invoice_number"] = numbering.choose_number(request, "invoice", "invoice_number", "INV-", "Invoice")
    request.books.put("invoice", invoice_id, invoice)
    return invoice


def update_invoice(request: Request) -> Reply:
    """PUT /invoices/{invoice_id}: what is sent changes, the rest stays; line_items replaces all lines."""
    invoice = find(request.books, request.path["invoice_id"])
    if invoice["status"] == "void":
        raise refused("Void invoices cannot be edited.")
    if invoice["status"] != "draft" and not text(request.body, "reason").strip():
        raise ZohoError(2, "Please enter a reason for editing this invoice.")  # the code is unverified
    _check_customer(request, invoice)
    numbering.change_number(request, "invoice", "invoice_number", "Invoice", invoice)
    _write(request, invoice)
    if balance(invoice, settled_of(request.books, invoice)) < 0:
        raise refused("The invoice total cannot be less than what has been paid already.")
    request.books.put("invoice", invoice["invoice_id"], invoice)
    return done("Invoice information has been updated.", invoice=detail(request, invoice))


def update_without_id(request: Request) -> Reply:
    """PUT /invoices: Zoho treats this as a bulk update, which it does not offer."""
    raise ZohoError(4, "Invalid value passed for bulk_update")


def delete_invoice(request: Request) -> Reply:
    """DELETE /invoices/{invoice_id}, refused once payments or credits were applied to it."""
    invoice = find(request.books, request.path["invoice_id"])
    kinds = {part["source_kind"] for part in allocations_to(request.books, invoice)}
    if "payment" in kinds:
        raise ZohoError(4001, "Payments have been recorded for these invoices.Hence they cannot be deleted")
    if kinds:
        raise ZohoError(12008, "This invoice has credits applied to it. Hence, it cannot be deleted")
    request.books.drop("invoice", invoice["invoice_id"])
    return done("The invoice has been deleted.")


def _write(request: Request, invoice: Record) -> None:
    contact = documents.write_customer(request, invoice)
    documents.write_texts(request, invoice)
    for key in EXTRAS:
        invoice[key] = text(request.body, key, str(invoice.get(key, "")))
    invoice["template_id"] = template(request.books, text(request.body, "template_id", invoice["template_id"]))[
        "template_id"
    ]
    invoice["allow_partial_payments"] = flag(request.body, "allow_partial_payments", invoice["allow_partial_payments"])
    invoice["payment_expected_date"] = day(request.body, "payment_expected_date", invoice["payment_expected_date"])
    _write_dates(request, invoice, contact)
    documents.write_pricing(request, invoice, "Invoice")
    touch(invoice, request.now)


def _write_dates(request: Request, invoice: Record, contact: Record) -> None:
    body, was = request.body, dict(invoice)
    invoice["date"] = day(body, "date", invoice["date"])
    invoice["payment_terms"] = whole(body, "payment_terms", was.get("payment_terms", contact["payment_terms"]))
    label = text(body, "payment_terms_label", limit=200)
    if not label and invoice["payment_terms"] == contact["payment_terms"]:
        label = contact["payment_terms_label"]
    invoice["payment_terms_label"] = terms_label(invoice["payment_terms"], label)
    moved = any(invoice[key] != was.get(key) for key in ("date", "payment_terms"))
    due = was.get("due_date", "")
    if moved or not due:
        try:
            due = (date.fromisoformat(invoice["date"]) + timedelta(days=invoice["payment_terms"])).isoformat()
        except OverflowError:
            raise invalid_value("Payment Terms") from None
    invoice["due_date"] = day(body, "due_date", due)
    if invoice["due_date"] < invoice["date"]:
        raise invalid_value("due_date")


def _check_customer(request: Request, invoice: Record) -> None:
    wanted = text(request.body, "customer_id")
    if not wanted or wanted == invoice["customer_id"]:
        return
    kinds = {part["source_kind"] for part in allocations_to(request.books, invoice)}
    if "payment" in kinds:
        raise ZohoError(
            3010,
            "The customer for this invoice cannot be changed because payments have been recorded for this invoice",
        )
    if kinds:
        raise ZohoError(
            3009, "The contact details of this invoice cannot be edited as the credits have been applied to it"
        )


ROUTES = [
    *INVOICE.reading_routes(),
    Route("POST", "/invoices", "invoices.CREATE", create_invoice, "invoices.saved"),
    Route("PUT", "/invoices", "invoices.UPDATE", update_without_id),
    Route("GET", "/invoices/pdf", "invoices.READ", bulk_pdf),
    Route("PUT", "/invoices/{invoice_id}", "invoices.UPDATE", update_invoice, "invoices.saved"),
    Route("DELETE", "/invoices/{invoice_id}", "invoices.DELETE", delete_invoice),
    *ACTION_ROUTES,
    *REMINDER_ROUTES,
    *ATTACHMENT_ROUTES,
]
