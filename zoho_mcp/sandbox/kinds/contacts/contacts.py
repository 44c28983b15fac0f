"""Customers, which Zoho's API calls contacts. Their balances come from balances.py."""

from zoho_mcp.sandbox.balances import Settled, Standing, invoice_status, settled, standings
from zoho_mcp.sandbox.kinds.contacts.parts import address_from, persons_from, primary_of
from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.kinds.settings import CURRENCY, base_currency
from zoho_mcp.sandbox.listing import Listing, status_filters
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import in_words
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value
from zoho_mcp.sandbox.wire.fields import (
    custom_field_hash,
    custom_fields,
    flag,
    number,
    one_of,
    record,
    text,
    text_fields,
    whole,
)
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

LANGUAGES = {
    "": "", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pt": "Portuguese", "pt_br": "Brazilian Portuguese", "sv": "Swedish", "zh": "Chinese",
    "en_gb": "English (UK)",
}  # fmt: skip
TYPE_WORDS = {"customer": "Customer", "vendor": "Vendors"}
SUMMARY = ("currency_id", "currency_code", "currency_symbol", "price_precision", "outstanding_receivable_amount",
           "unused_credits_receivable_amount")  # fmt: skip
OF_CURRENCY = ("is_base_currency", "currency_name_formatted")
TRANSACTIONS = ("invoice", "payment", "estimate", "creditnote", "recurring_invoice", "expense")
OF_PERSONS = ("first_name", "last_name", "email", "phone")


def terms_label(days: int, label: str = "") -> str:
    """The label of payment terms of this many days, unless one was given."""
    return label or ("Due on Receipt" if days == 0 else f"Net {days}")


def _overview(request: Request) -> list[Record]:
    """Customers, unless another contact_type is asked for."""
    wanted = request.query.get("contact_type") or "customer"
    if wanted not in ("customer", "vendor"):
        raise invalid_value("contact_type")
    stand = standings(request.books)
    overdue = _overdue_customers(request) if request.query.get("filter_by") == "Invoice.OverDue" else set[str]()
    return [
        {
            **_view(request, contact, stand.get(contact["contact_id"], Standing())),
            "address": " ".join(str(contact["billing_address"][part]) for part in ("address", "street2", "city")),
            "has_overdue": contact["contact_id"] in overdue,
            **{f"every_{name}": [person[name] for person in contact["contact_persons"]] for name in OF_PERSONS},
        }
        for contact in request.books.all("contact")
        if contact["contact_type"] == wanted
    ]


def _new(request: Request) -> Record:
    # A top-level email is silently ignored, as Zoho does.
    return {
        "status": "active", "source": "api", "currency_id": base_currency(request.books)["currency_id"],
        "payment_terms": 0, "billing_address": {}, "shipping_address": {}, "contact_persons": [],
        "default_templates": {}, "created_date": request.today,
    }  # fmt: skip


def _before_delete(request: Request, contact: Record) -> None:
    if _has_transactions(request.books, contact["contact_id"]):
        raise ZohoError(3000, "This contact cannot be deleted since you have recorded transactions for it")


def _detail(request: Request, contact: Record) -> Record:
    contact_id = contact["contact_id"]
    shown = _view(request, contact, standings(request.books, contact_id).get(contact_id, Standing()))
    money = CURRENCY.find(request.books, contact["currency_id"])
    summary = {name: shown[name] for name in SUMMARY} | {name: money[name] for name in OF_CURRENCY}
    return {
        **shown,
        "has_transaction": _has_transactions(request.books, contact_id),
        "is_bcy_only_contact": money["is_base_currency"],
        "customer_currency_summaries": [summary],
        "created_date": in_words(contact["created_time"]),
    }


def _view(request: Request, contact: Record, standing: Standing) -> Record:
    """A contact with its balances; the top-level person fields are those of the primary contact person."""
    precision = contact["price_precision"]
    person = primary_of(contact)
    return {
        **contact,
        "customer_name": contact["contact_name"],
        "vendor_name": contact["contact_name"],
        "contact_type_formatted": TYPE_WORDS[contact["contact_type"]],
        "primary_contact_id": person["contact_person_id"] if person else "",
        **{name: person[name] if person else "" for name in ("first_name", "last_name", "email", "phone", "mobile")},
        "designation": person["designation"] if person else "",
        "department": person["department"] if person else "",
        "outstanding_receivable_amount": rounded(standing.outstanding, precision),
        "outstanding_receivable_amount_bcy": rounded(standing.outstanding_bcy),
        "unused_credits_receivable_amount": rounded(standing.unused, precision),
        "unused_credits_receivable_amount_bcy": rounded(standing.unused_bcy),
        "custom_field_hash": custom_field_hash(contact["custom_fields"]),
        "portal_status": "enabled" if contact["is_portal_enabled"] else "disabled",
        "portal_status_formatted": "Enabled" if contact["is_portal_enabled"] else "Disabled",
        "language_code_formatted": LANGUAGES[contact["language_code"]],
        "created_time_formatted": in_words(contact["created_time"]),
        "last_modified_time_formatted": in_words(contact["last_modified_time"]),
        "created_by_name": request.organization["contact_name"],
        "created_by_id": request.organization.get("user_id", ""),
        "last_modified_by_id": request.organization.get("user_id", ""),
    }


def _write(request: Request, contact: Record) -> None:
    body = request.body
    _check_name(request, contact)
    _write_terms(request, contact)
    for key in ("billing_address", "shipping_address"):
        contact[key] = address_from(request, contact[key], record(body, key) or {})
    contact["contact_persons"] = persons_from(request, contact["contact_persons"])
    contact["default_templates"] = record(body, "default_templates") or contact["default_templates"]


def _write_terms(request: Request, contact: Record) -> None:
    wanted = text(request.body, "currency_id") or contact["currency_id"]
    money = CURRENCY.find(request.books, wanted)
    if money["currency_id"] != contact["currency_id"] and _has_transactions(request.books, contact["contact_id"]):
        # Zoho locks the currency once there are transactions; its code for that is unverified.
        raise ZohoError(9004, "The currency of a customer with transactions cannot be changed.")
    contact |= {name: money[name] for name in ("currency_id", "currency_code", "currency_symbol", "price_precision")}
    days = whole(request.body, "payment_terms", contact["payment_terms"])
    if days != contact["payment_terms"] and "payment_terms_label" not in request.body:
        contact["payment_terms_label"] = ""
    contact["payment_terms"] = days
    contact["payment_terms_label"] = terms_label(days, contact["payment_terms_label"])


def _check_name(request: Request, contact: Record) -> None:
    contact["contact_name"] = contact["contact_name"].strip()
    if not contact["contact_name"]:
        raise ZohoError(3013, "Enter a valid Contact Name")
    same = request.books.labelled("contact", contact["contact_name"])
    if any(other["contact_id"] != contact["contact_id"] for other in same):
        raise ZohoError(
            3062, f'The customer "{contact["contact_name"]}" already exists. Please specify a different name.'
        )


def _has_transactions(books: Books, contact_id: str) -> bool:
    spent = (expense["vendor_id"] == contact_id for expense in books.all("expense"))
    return any(books.of_customer(kind, contact_id) for kind in TRANSACTIONS) or any(spent)


def _overdue_customers(request: Request) -> set[str]:
    applied = settled(request.books.all("allocation"))
    return {
        invoice["customer_id"]
        for invoice in request.books.all("invoice")
        if invoice_status(invoice, applied.get(invoice["invoice_id"], Settled()), request.today) == "overdue"
    }


CONTACT = RecordKind(
    name="contact",
    path="/contacts",
    scope="contacts",
    tables="contacts",
    word="Contact",
    listing=Listing(
        key="contacts",
        report_name="Contacts",
        sortable=(
            "contact_name", "first_name", "last_name", "email", "outstanding_receivable_amount", "last_modified_time",
            "unused_credits_receivable_amount", "company_name",
        ),
        text=("contact_name", "company_name", *OF_PERSONS, "address"),
        # Documented as filters "of the contact person"; that any of them counts, not the primary one, is unverified.
        elsewhere={name: f"every_{name}" for name in OF_PERSONS},
        search=("contact_name", "company_name", *OF_PERSONS, "mobile", "contact_number"),
        filters={
            **status_filters({"Active": "active", "Inactive": "inactive"}),
            "Status.Duplicate": lambda row: False,
            "Status.PortalEnabled": lambda row: row["is_portal_enabled"],
            "Status.PortalDisabled": lambda row: not row["is_portal_enabled"],
            "Status.Crm": lambda row: False,
            "Status.CreditLimitExceed": lambda row: ZERO < row["credit_limit"] < row["outstanding_receivable_amount"],
            "Invoice.OverDue": lambda row: row["has_overdue"],
            "Invoice.Unpaid": lambda row: row["outstanding_receivable_amount"] > 0,
        },
        default_filter="Status.All",
        default_sort="contact_name",
    ),
    created="The contact has been added.",
    updated="Contact information has been saved.",
    deleted="The customer has been deleted.",
    has_activity=True,
    fields={
        **text_fields(
            contact_name=200, company_name=200, website=None, notes=None, payment_terms_label=200, contact_number=200,
            facebook=100, twitter=100, tax_id=None, tax_exemption_id=None, tax_exemption_code=None,
            tax_authority_id=None, tax_authority_name=None, owner_id=None, pricebook_id=200,
        ),
        "contact_type": (one_of("customer", "vendor"), "customer"),
        "customer_sub_type": (one_of("business", "individual"), "business"),
        "language_code": (one_of(*LANGUAGES), "en"), "credit_limit": (number, ZERO),
        "is_taxable": (flag, True), "is_portal_enabled": (flag, False), "custom_fields": (custom_fields, []),
    },
    new=_new,
    write=_write,
    view=_detail,
    overview=_overview,
    before_delete=_before_delete,
)  # fmt: skip
router = CONTACT.router()
