"""Invoices, the conversion of estimates, and the empty list of retainer invoices."""

from dataclasses import replace
from datetime import date, timedelta

from zoho_mcp.sandbox.balances import allocations_to, balance, settled_of, unapply
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT, terms_label
from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind, Mail, Transition
from zoho_mcp.sandbox.kinds.documents.numbering import Numbering
from zoho_mcp.sandbox.kinds.estimates import ESTIMATE, can_be_invoiced, not_convertible
from zoho_mcp.sandbox.kinds.invoices.views import LISTING, add_details, derive
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, flag, text, text_fields, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

MOST_IN_A_PDF = 25
# What an invoice copies from its estimate.
CARRIED = (
    "customer_id", "contact_persons", "exchange_rate", "billing_address", "shipping_address", "reference_number",
    "discount", "discount_type", "is_discount_before_tax", "is_inclusive_tax", "shipping_charge", "adjustment",
    "adjustment_description", "notes", "terms", "salesperson_name", "custom_fields",
)  # fmt: skip
CARRIED_LINE = (*documents.LINE_TEXTS, "item_id", "rate", "quantity", "discount", "tax_id", "item_custom_fields")


def _new(request: Request) -> Record:
    return {"date": request.today}


def _write(request: Request, invoice: Record) -> None:
    body = request.body
    if "invoiced_estimate_id" not in invoice:
        invoice["invoiced_estimate_id"] = _claim_estimate(request, invoice)
    was_due = (invoice["date"], invoice.get("payment_terms"))
    contact = CONTACT.find(request.books, invoice["customer_id"])
    invoice["date"] = day(body, "date", invoice["date"])
    invoice["payment_terms"] = whole(body, "payment_terms", invoice.get("payment_terms", contact["payment_terms"]))
    label = text(body, "payment_terms_label", limit=200)
    if not label and invoice["payment_terms"] == contact["payment_terms"]:
        label = contact["payment_terms_label"]
    invoice["payment_terms_label"] = terms_label(invoice["payment_terms"], label)
    due = invoice.get("due_date", "")
    if was_due != (invoice["date"], invoice["payment_terms"]) or not due:
        try:
            due = (date.fromisoformat(invoice["date"]) + timedelta(days=invoice["payment_terms"])).isoformat()
        except OverflowError:
            raise invalid_value("Payment Terms") from None
    invoice["due_date"] = day(body, "due_date", due)
    if invoice["due_date"] < invoice["date"]:
        raise invalid_value("due_date")


def _claim_estimate(request: Request, invoice: Record) -> str:
    """The estimate that a new invoice was created from, "" for none."""
    estimate_id = text(request.body, "invoiced_estimate_id")
    if not estimate_id:
        return ""
    estimate = ESTIMATE.find(request.books, estimate_id)
    if estimate["customer_id"] != invoice["customer_id"]:
        # That the estimate has to be the same customer's is unverified.
        raise invalid_value("invoiced_estimate_id")
    if not can_be_invoiced(estimate):
        raise not_convertible()
    ESTIMATE.save(request, estimate)
    return estimate_id


def _sources(request: Request, invoice: Record) -> set[str]:
    """The kinds of record that were applied to an invoice: "payment", "creditnote"."""
    return {part["source_kind"] for part in allocations_to(request.books, invoice)}


def _before_change(request: Request, invoice: Record) -> None:
    if invoice["status"] == "void":
        raise refused("Void invoices cannot be edited.")
    if invoice["status"] != "draft" and not text(request.body, "reason").strip():
        raise ZohoError(2, "Please enter a reason for editing this invoice.")  # the code is unverified
    if text(request.body, "customer_id") in ("", invoice["customer_id"]):
        return
    sources = _sources(request, invoice)
    if "payment" in sources:
        raise ZohoError(
            3010,
            "The customer for this invoice cannot be changed because payments have been recorded for this invoice",
        )
    if sources:
        raise ZohoError(
            3009, "The contact details of this invoice cannot be edited as the credits have been applied to it"
        )


def _after_write(request: Request, invoice: Record) -> None:
    if balance(invoice, settled_of(request.books, invoice)) < 0:
        raise refused("The invoice total cannot be less than what has been paid already.")


def _before_delete(request: Request, invoice: Record) -> None:
    sources = _sources(request, invoice)
    if "payment" in sources:
        raise ZohoError(4001, "Payments have been recorded for these invoices.Hence they cannot be deleted")
    if sources:
        raise ZohoError(12008, "This invoice has credits applied to it. Hence, it cannot be deleted")


def _set_issued_date(request: Request, invoice: Record) -> None:
    invoice["issued_date"] = request.today


def _take_credits_back(request: Request, invoice: Record) -> None:
    """Applied payments and credits become unused."""
    unapply(request, allocations_to(request.books, invoice))
    invoice.update(INVOICE.find(request.books, invoice["invoice_id"]), write_off_amount=invoice["total"] * 0)


INVOICE = DocumentKind(
    name="invoice",
    path="/invoices",
    scope="invoices",
    tables="invoices",
    word="Invoice",
    listing=LISTING,
    created="The invoice has been created.",
    updated="Invoice information has been updated.",
    deleted="The invoice has been deleted.",
    numbering=Numbering("invoice_number", "INV-", (1001, "Invoice Number already exist"), "Invoice"),
    pdf_title="INVOICE",
    fields={
        **text_fields(recurring_invoice_id=None, subject_content=None), "allow_partial_payments": (flag, False),
        "payment_expected_date": (day, ""),
    },
    new=_new,
    write=_write,
    before_change=_before_change,
    after_write=_after_write,
    before_delete=_before_delete,
    derive=derive,
    add_details=add_details,
    transitions=(
        Transition(
            "/status/sent", "sent", "Invoice status has been changed to Sent.", ("draft", "approved"),
            effect=_set_issued_date,
        ),
        Transition(
            "/status/void", "void", "Invoice status has been changed to Void.",
            ("draft", "sent", "pending_approval", "approved", "rejected"), effect=_take_credits_back,
        ),
        Transition(
            "/status/draft", "draft", "Status of invoice changed from void to draft", ("void",),
            ("draft", "pending_approval", "approved", "rejected"),
            # Documented for void invoices only; that sent ones are refused, and the code, are unverified.
            "Only void invoices can be changed back to draft.",
        ),
        # Approval is a feature of Zoho Books. Paths and wording follow its documentation, except for reject.
        # That an approved invoice is owed only once it is sent is unverified.
        *(
            Transition(
                path, status, message, (before,), products=("books",),
                refusal=f"Only invoices in the {before} status can become {status}.",
            )
            for path, before, status, message in (
                ("/submit", "draft", "pending_approval",
                 "The invoice has been submitted for approval successfully."),
                ("/approve", "pending_approval", "approved", "You have approved the invoice."),
                ("/reject", "pending_approval", "rejected", "You have rejected the invoice."),
            )
        ),
    ),
    mail=Mail("Invoice", "Your invoice has been sent.", on_create=True, shape="emailed"),
)  # fmt: skip
router = INVOICE.router()


@router.on_all("PUT", "")
def update_without_id(request: Request) -> Reply:
    """Refused: Zoho treats it as a bulk update, which it does not offer."""
    raise ZohoError(4, "Invalid value passed for bulk_update")


@router.on_all("GET", "/pdf")
def bulk_pdf(request: Request) -> Reply:
    """The invoices of `invoice_ids` in one file."""
    invoice_ids = request.ids("invoice_ids", MOST_IN_A_PDF)
    return INVOICE.pdf(request, [INVOICE.find(request.books, invoice_id) for invoice_id in invoice_ids])


@router.on_all("POST", "/fromestimates", "from_estimates", products=("books",))
def make_from_estimates(request: Request) -> Reply:
    """One invoice for each of `estimate_ids`, which the response does not name. Repeating it creates more.

    A draft among them is refused inside a success; that none is created then is unverified. Known for Books only; for
    Zoho Invoice it is unverified.
    """
    estimates = [ESTIMATE.find(request.books, estimate_id) for estimate_id in request.ids("estimate_ids")]
    if not all(can_be_invoiced(estimate) for estimate in estimates):
        error = not_convertible()
        return done(data={"code": error.code, "message": error.message})
    for estimate in estimates:
        body = {name: estimate[name] for name in CARRIED}
        body["line_items"] = [{name: line[name] for name in CARRIED_LINE} for line in estimate["line_items"]]
        body["invoiced_estimate_id"] = estimate["estimate_id"]
        # The query belongs to the estimates and must not reach the invoices.
        INVOICE.make(replace(request, query={}, body=body))
    return done("", data={})


RETAINERS = Listing(key="retainerinvoices", report_name="Retainer Invoices", sortable=(), default_filter="Status.All")
router.routes.append(
    Route("GET", "/retainerinvoices", "invoices.READ", lambda request: respond(request, RETAINERS, []),
          "retainer_invoices.list")
)  # fmt: skip
