"""Taxes, currencies and templates: small tables that other records refer to."""

from decimal import Decimal

from zoho_mcp.sandbox.ledger import HUNDRED, ZERO
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, no_such_currency
from zoho_mcp.sandbox.wire.fields import number, text, whole
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

MOST_DECIMALS = 6  # of a currency


def tax(books: Books, tax_id: str) -> Record:
    """The tax of that id."""
    found = books.get("tax", tax_id)
    if found is None:
        raise invalid_value("tax_id")
    return found


def currency(books: Books, currency_id: str) -> Record:
    """The currency of that id."""
    found = books.get("currency", currency_id)
    if found is None:
        raise no_such_currency()
    return found


def base_currency(books: Books) -> Record:
    """The organisation's own currency."""
    return next(found for found in books.all("currency") if found["is_base_currency"])


def template(books: Books, template_id: str, template_type: str = "invoice") -> Record:
    """The template of that id, the default one for ""."""
    templates = [found for found in books.all("template") if found["template_type"] == template_type]
    for found in templates:
        if found["template_id"] == template_id or (not template_id and found["is_default"]):
            return found
    raise invalid_value("template_id")


def tax_label(tax_name: str, percentage: object) -> str:
    """A tax as documents show it: Sales Tax (8.875%)."""
    return f"{tax_name} ({percentage}%)"


def list_taxes(request: Request) -> Reply:
    """GET /settings/taxes."""
    context = one_page("Taxes", "tax_name", request.query.get("filter_by", "Taxes.Active"))
    return done(
        taxes=request.books.all("tax"), page_context=context | {"as_of_date": request.today, "to_date": request.today}
    )


def get_tax(request: Request) -> Reply:
    """GET /settings/taxes/{tax_id}."""
    found = request.books.get("tax", request.path["tax_id"])
    if found is None:
        raise does_not_exist("Tax")
    return done(tax=found)


def create_tax(request: Request) -> Reply:
    """POST /settings/taxes."""
    tax_id = request.books.new_id()
    name = text(request.body, "tax_name", limit=100)
    percentage = number(request.body, "tax_percentage")
    if not name or not ZERO <= percentage <= HUNDRED:
        raise invalid_value("tax_name" if not name else "tax_percentage")
    record: Record = {"tax_id": tax_id, "tax_name": name, "tax_percentage": percentage, "tax_type": "tax"}
    request.books.put("tax", tax_id, record)
    return created("The tax has been added.", f"/settings/taxes/{tax_id}", tax=record)


def list_currencies(request: Request) -> Reply:
    """GET /settings/currencies."""
    return done(currencies=request.books.all("currency"), page_context=one_page("Currencies"))


def get_currency(request: Request) -> Reply:
    """GET /settings/currencies/{currency_id}."""
    return done(currency=currency(request.books, request.path["currency_id"]))


def create_currency(request: Request) -> Reply:
    """POST /settings/currencies. Its exchange rate is 1 until a document gives another."""
    currency_id, body = request.books.new_id(), request.body
    code = text(body, "currency_code", limit=100)
    if not code or any(found["currency_code"] == code for found in request.books.all("currency")):
        raise invalid_value("currency_code")
    precision = whole(body, "price_precision", 2)
    if precision > MOST_DECIMALS:
        raise invalid_value("price_precision")
    record: Record = {
        "currency_id": currency_id, "currency_code": code, "currency_name": code,
        "currency_name_formatted": f"{code}- {code}", "currency_symbol": text(body, "currency_symbol", code),
        "price_precision": precision, "currency_format": text(body, "currency_format", "1,234,567.89"),
        "is_base_currency": False, "exchange_rate": Decimal(1), "effective_date": request.today,
    }  # fmt: skip
    request.books.put("currency", currency_id, record)
    return created("The currency has been added.", f"/settings/currencies/{currency_id}", currency=record)


def list_exchange_rates(request: Request) -> Reply:
    """GET /settings/currencies/{currency_id}/exchangerates. The sandbox knows one rate: today's."""
    found = currency(request.books, request.path["currency_id"])
    rate = {name: found[name] for name in ("currency_id", "currency_code", "effective_date")}
    return done(exchange_rates=[rate | {"exchange_rate_id": found["currency_id"], "rate": found["exchange_rate"]}])


def list_users(request: Request) -> Reply:
    """GET /users: the owner; the sandbox has no other."""
    owner = {
        "user_id": request.organization["organization_id"], "name": request.organization["contact_name"],
        "email": request.organization["email"], "user_role": "admin", "status": "active", "is_current_user": True,
    }  # fmt: skip
    return done(users=[owner], page_context={"report_name": "Users", "sort_column": "name", "sort_order": "A"})


def list_invoice_templates(request: Request) -> Reply:
    """GET /invoices/templates."""
    return done(templates=[found for found in request.books.all("template") if found["template_type"] == "invoice"])


def one_page(report_name: str, sort_column: str = "", applied_filter: str = "") -> Record:
    """The page_context of a table that always fits on one page."""
    return {"report_name": report_name, "sort_column": sort_column, "sort_order": "A", "applied_filter": applied_filter}


TAXES, CURRENCIES = "/settings/taxes", "/settings/currencies"
ROUTES = [
    Route("GET", TAXES, "settings.READ", list_taxes, "taxes.list"),
    Route("POST", TAXES, "settings.CREATE", create_tax, "taxes.one"),
    Route("GET", f"{TAXES}/{{tax_id}}", "settings.READ", get_tax, "taxes.one"),
    Route("GET", CURRENCIES, "settings.READ", list_currencies, "currencies.list"),
    Route("POST", CURRENCIES, "settings.CREATE", create_currency, "currencies.one"),
    Route("GET", f"{CURRENCIES}/{{currency_id}}", "settings.READ", get_currency, "currencies.one"),
    Route(
        "GET",
        f"{CURRENCIES}/{{currency_id}}/exchangerates",
        "settings.READ",
        list_exchange_rates,
        "currencies.exchange_rates",
    ),
    Route("GET", "/users", "settings.READ", list_users, "users.list"),
    Route("GET", "/invoices/templates", "invoices.READ", list_invoice_templates, "invoices.templates"),
]
