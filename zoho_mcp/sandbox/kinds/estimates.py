"""Estimates, which the API's messages call quotes.

The words of the messages follow the one that is known ("The quote has been created.") and are unverified.
"""

from collections import defaultdict
from collections.abc import Callable

from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind, Mail, Transition
from zoho_mcp.sandbox.kinds.documents.numbering import Numbering
from zoho_mcp.sandbox.listing import Listing, of_status, status_filters
from zoho_mcp.sandbox.pricing import HUNDRED, ZERO
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, flag, number, optional_day, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Statuses a list can filter by; the sandbox uses the first six.
STATUSES = (
    "draft", "sent", "invoiced", "accepted", "declined", "expired", "pending_approval", "approved", "viewed", "signed",
    "rejected", "partially_invoiced", "pending_signature",
)  # fmt: skip
WORDS = ("Sent", "Draft", "Invoiced", "Accepted", "Declined", "Expired", "Viewed", "Pending")


def can_be_invoiced(estimate: Record) -> bool:
    """Whether an estimate can be invoiced: a draft cannot. That declined, expired and already invoiced ones can is
    unverified, except that fromestimates creates another invoice each time."""
    return bool(estimate["status"] != "draft")


def not_convertible() -> ZohoError:
    """The refusal to invoice a draft, which fromestimates nests in a success. Its code, and that POST /invoices returns
    it, are unverified."""
    return ZohoError(2, "Some of the quotes cannot be converted to Invoices")


def _new(request: Request) -> Record:
    return {"date": request.today, "retainer_percentage": "", "accepted_date": "", "declined_date": ""}


def _write(request: Request, estimate: Record) -> None:
    body = request.body
    if estimate["expiry_date"] and estimate["expiry_date"] < estimate["date"]:
        raise invalid_value("expiry_date")  # that it is refused, and the code, are unverified
    if body.get("retainer_percentage") not in (None, ""):
        estimate["retainer_percentage"] = number(body, "retainer_percentage")
        if not ZERO < estimate["retainer_percentage"] <= HUNDRED:
            raise ZohoError(
                9526,
                "Please enter a valid retainer percentage. It should be greater than 0 and less than or equal to 100",
            )


def _before_change(request: Request, estimate: Record) -> None:
    # That no status prevents other changes is unverified.
    if text(request.body, "status") == "draft" and estimate["status"] != "draft":
        # The code is documented. The request that returns it is not: estimates have no path .../status/draft.
        raise ZohoError(4041, "Estimate status cannot be changed to Draft")


def _before_delete(request: Request, estimate: Record) -> None:
    if estimate["estimate_id"] in _invoices_by_estimate(request.books):
        raise refused("Quotes that have been converted to invoices cannot be deleted.")


def _invoices_by_estimate(books: Books) -> dict[str, list[str]]:
    """The ids of the invoices made from each estimate, oldest first. Only invoices store the link."""
    invoice_ids: dict[str, list[str]] = defaultdict(list)
    for invoice in books.all("invoice"):
        if invoice["invoiced_estimate_id"]:
            invoice_ids[invoice["invoiced_estimate_id"]].append(invoice["invoice_id"])
    return invoice_ids


def _derive(request: Request, customer_id: str | None) -> Callable[[Record], Record]:
    invoices = _invoices_by_estimate(request.books)

    def derived(estimate: Record) -> Record:
        invoice_ids = invoices.get(estimate["estimate_id"], [])
        expired = estimate["status"] == "sent" and "" < estimate["expiry_date"] < request.today
        # Once its invoices are deleted the earlier status returns: unverified.
        status = "invoiced" if invoice_ids else "expired" if expired else estimate["status"]
        return {"status": status, "current_sub_status": status, "invoice_ids": invoice_ids}

    return derived


def _status(request: Request, estimate: Record) -> str:
    return str(_derive(request, estimate["customer_id"])(estimate)["status"])


def _add_details(request: Request, shown: Record) -> Record:
    is_invoiced = bool(shown["invoice_ids"])
    return {
        "estimate_url": f"https://sandbox.invalid/portal/estimates/{shown['estimate_id']}",
        "is_transaction_created": is_invoiced,
        "sub_total_exclusive_of_discount": shown["sub_total"],
        "invoiced_amount": shown["total"] if is_invoiced else ZERO,
        "uninvoiced_amount": ZERO if is_invoiced else shown["total"],
    }


def _answer(status: str) -> Transition:
    """The customer's answer to a quote."""

    def set_date(request: Request, estimate: Record) -> None:
        estimate[f"{status}_date"] = request.today

    return Transition(
        f"/status/{status}", status, f"Quote status has been changed to {status.capitalize()}.", ("sent",),
        # That an expired one cannot be accepted or declined, and the code, are unverified.
        refusal=f"Only quotes that have been sent can be marked as {status}.",
        effect=set_date,
    )  # fmt: skip


ESTIMATE = DocumentKind(
    name="estimate",
    path="/estimates",
    scope="estimates",
    tables="estimates",
    word="Estimate",
    listing=Listing(
        key="estimates",
        report_name="Quotes",  # recorded: Zoho's messages say quote
        sortable=("customer_name", "estimate_number", "date", "total", "last_modified_time"),
        exact=("customer_id",),
        text=("estimate_number", "reference_number", "customer_name", "item_name", "item_description", "custom_field"),
        numbers=("total",),
        dates=("date", "expiry_date"),
        search=("estimate_number", "reference_number", "customer_name"),
        statuses={status: of_status(status) for status in STATUSES},
        filters=status_filters({word: word.lower() for word in WORDS}),
        default_filter="Status.All",
    ),
    created="The quote has been created.",
    updated="Quote information has been updated.",
    deleted="The quote has been deleted.",
    numbering=Numbering("estimate_number", "QT-", (1001, "Estimate Number already exist"), "Estimate"),
    template_type="estimate",
    pdf_title="QUOTE",
    fields={"date": (day, ""), "expiry_date": (optional_day, ""), "accept_retainer": (flag, False)},
    new=_new,
    write=_write,
    before_change=_before_change,
    before_delete=_before_delete,
    derive=_derive,
    add_details=_add_details,
    status=_status,
    transitions=(
        # Others stay unchanged, as for invoices; unverified.
        Transition("/status/sent", "sent", "Quote status has been changed to Sent.", ("draft",)),
        _answer("accepted"),
        _answer("declined"),
    ),
    mail=Mail("Quote", "Your quote has been sent.", on_create=True),
)
router = ESTIMATE.router()
