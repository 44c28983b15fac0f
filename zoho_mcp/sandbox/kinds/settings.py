"""Taxes, currencies and templates: small tables that other records refer to."""

from decimal import Decimal

from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.pricing import HUNDRED, ZERO
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import limited, number, text, text_fields, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

MOST_DECIMALS = 6  # of a currency


def tax(books: Books, tax_id: str) -> Record:
    """The tax of that id."""
    record = books.get("tax", tax_id)
    if record is None:
        raise invalid_value("tax_id")
    return record


def base_currency(books: Books) -> Record:
    """The organisation's own currency."""
    return next(record for record in books.all("currency") if record["is_base_currency"])


def template(books: Books, template_id: str, template_type: str = "invoice") -> Record:
    """The template of that id, the default one for ""."""
    templates = [record for record in books.all("template") if record["template_type"] == template_type]
    for record in templates:
        if record["template_id"] == template_id or (not template_id and record["is_default"]):
            return record
    raise invalid_value("template_id")


def tax_label(tax_name: str, percentage: object) -> str:
    """A tax as documents show it: Sales Tax (8.875%)."""
    return f"{tax_name} ({percentage}%)"


def one_page(report_name: str, sort_column: str = "", applied_filter: str = "") -> Record:
    """The page_context of a table that always fits on one page."""
    return {"report_name": report_name, "sort_column": sort_column, "sort_order": "A", "applied_filter": applied_filter}


def _write_tax(request: Request, record: Record) -> None:
    if not record["tax_name"] or not ZERO <= record["tax_percentage"] <= HUNDRED:
        raise invalid_value("tax_percentage" if record["tax_name"] else "tax_name")


def _write_currency(request: Request, record: Record) -> None:
    code = record["currency_code"]
    if not code or any(other["currency_code"] == code for other in request.books.all("currency")):
        raise invalid_value("currency_code")
    if record["price_precision"] > MOST_DECIMALS:
        raise invalid_value("price_precision")
    record |= {
        "currency_name": code, "currency_name_formatted": f"{code}- {code}",
        "currency_symbol": text(request.body, "currency_symbol", code), "is_base_currency": False,
        "exchange_rate": Decimal(1), "effective_date": request.today,  # until a document gives another rate
    }  # fmt: skip


TAX = RecordKind(
    name="tax",
    path="/settings/taxes",
    scope="settings",
    tables="taxes",
    word="Tax",
    created="The tax has been added.",
    fields={"tax_name": (limited(100), ""), "tax_percentage": (number, None)},
    new=lambda request: {"tax_type": "tax"},
    write=_write_tax,
)
CURRENCY = RecordKind(
    name="currency",
    path="/settings/currencies",
    scope="settings",
    tables="currencies",
    word="Currency",
    refusal=(9004, "This currency does not exist. Please choose a valid currency", 400),
    created="The currency has been added.",
    fields={
        **text_fields(currency_code=100), "price_precision": (whole, 2), "currency_format": (text, "1,234,567.89"),
    },
    write=_write_currency,
)  # fmt: skip
taxes, currencies = TAX.router(), CURRENCY.router()


@taxes.on_all("GET", "", "list")
def list_taxes(request: Request) -> Reply:
    """All taxes, on one page."""
    context = one_page("Taxes", "tax_name", request.query.get("filter_by", "Taxes.Active"))
    context |= {"as_of_date": request.today, "to_date": request.today}
    return done(taxes=request.books.all("tax"), page_context=context)


@currencies.on_all("GET", "", "list")
def list_currencies(request: Request) -> Reply:
    """All currencies, on one page."""
    return done(currencies=request.books.all("currency"), page_context=one_page("Currencies"))


@currencies.on_one("GET", "/exchangerates", shape="exchange_rates")
def list_exchange_rates(request: Request, currency: Record) -> Record:
    """The sandbox has one rate: today's."""
    rate = {name: currency[name] for name in ("currency_id", "currency_code", "effective_date")}
    return {"exchange_rates": [rate | {"exchange_rate_id": currency["currency_id"], "rate": currency["exchange_rate"]}]}


def list_users(request: Request) -> Reply:
    """The owner; the sandbox has no other user."""
    owner = {
        "user_id": request.organization["organization_id"], "name": request.organization["contact_name"],
        "email": request.organization["email"], "user_role": "admin", "status": "active", "is_current_user": True,
    }  # fmt: skip
    return done(users=[owner], page_context={"report_name": "Users", "sort_column": "name", "sort_order": "A"})


def list_invoice_templates(request: Request) -> Reply:
    """The templates of invoices."""
    return done(templates=[record for record in request.books.all("template") if record["template_type"] == "invoice"])


ROUTES = [
    *taxes.routes,
    *currencies.routes,
    Route("GET", "/users", "settings.READ", list_users, "users.list"),
    Route("GET", "/invoices/templates", "invoices.READ", list_invoice_templates, "invoices.templates"),
]
