"""Taxes, currencies, templates and account lists: small tables that other records point into."""

from collections.abc import Collection

from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


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
        raise does_not_exist("Currency", 9004)
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


def account(books: Books, account_id: str, key: str, types: Collection[str]) -> Record:
    """The account of that id, if it is of one of these types; `key` names the field in the refusal."""
    found = books.get("account", account_id)
    if found is None or found["account_type"] not in types:
        raise invalid_value(key)  # the code is unverified
    return found


def tax_label(tax_name: str, percentage: object) -> str:
    """A tax as documents show it: Sales Tax (8.875%)."""
    return f"{tax_name} ({percentage}%)"


def list_taxes(request: Request) -> Reply:
    """GET /settings/taxes."""
    return done(taxes=request.books.all("tax"), page_context=_one_page(request))


def get_tax(request: Request) -> Reply:
    """GET /settings/taxes/{tax_id}."""
    found = request.books.get("tax", request.path["tax_id"])
    if found is None:
        raise does_not_exist("Tax")
    return done(tax=found)


def list_currencies(request: Request) -> Reply:
    """GET /settings/currencies."""
    return done(currencies=request.books.all("currency"), page_context=_one_page(request))


def get_currency(request: Request) -> Reply:
    """GET /settings/currencies/{currency_id}."""
    return done(currency=currency(request.books, request.path["currency_id"]))


def list_invoice_templates(request: Request) -> Reply:
    """GET /invoices/templates."""
    return done(templates=[found for found in request.books.all("template") if found["template_type"] == "invoice"])


def list_expense_categories(request: Request) -> Reply:
    """GET /expensecategories: the expense accounts, in Zoho Invoice's words."""
    accounts = [account for account in request.books.all("account") if account["account_type"] == "expense"]
    categories = [
        {
            "category_id": account["account_id"],
            "category_name": account["account_name"],
            # Zoho's own page calls the pair account_id and account_name elsewhere; both are given, unverified.
            "account_id": account["account_id"],
            "account_name": account["account_name"],
            "description": account["description"],
            "status": "active" if account["is_active"] else "inactive",
        }
        for account in accounts
    ]
    return done(expense_categories=categories, page_context=_one_page(request))


def list_accounts(request: Request) -> Reply:
    """GET /chartofaccounts, the Books way to the same."""
    accounts = request.books.all("account")
    wanted = request.query.get("filter_by", "AccountType.All")
    kind = wanted.removeprefix("AccountType.").lower()
    if not wanted.startswith("AccountType.") or kind not in {"all", "active", "inactive", "expense", "asset", "income"}:
        raise invalid_value("filter_by")
    if kind in ("active", "inactive"):
        accounts = [account for account in accounts if account["is_active"] == (kind == "active")]
    elif kind != "all":
        members = {"asset": ("cash", "bank"), "expense": ("expense",), "income": ("income",)}[kind]
        accounts = [account for account in accounts if account["account_type"] in members]
    return done(chartofaccounts=accounts, page_context=_one_page(request))


def _one_page(request: Request) -> Record:
    # These tables are far below a page, so they always come whole.
    return {"page": 1, "per_page": 200, "has_more_page": False, "applied_filter": request.query.get("filter_by", "")}


ROUTES = [
    Route("GET", "/settings/taxes", "settings.READ", list_taxes),
    Route("GET", "/settings/taxes/{tax_id}", "settings.READ", get_tax),
    Route("GET", "/settings/currencies", "settings.READ", list_currencies),
    Route("GET", "/settings/currencies/{currency_id}", "settings.READ", get_currency),
    Route("GET", "/invoices/templates", "invoices.READ", list_invoice_templates),
    Route("GET", "/expensecategories", "settings.READ", list_expense_categories, products=("invoice",)),
    Route("GET", "/chartofaccounts", "accountants.READ", list_accounts, products=("books",)),
]
