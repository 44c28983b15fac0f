"""A fictitious design studio with a year of books, and the empty organisation that tests start from.

The credentials are open knowledge: they open the sandbox and nothing else.
"""

from datetime import date, datetime, time
from decimal import Decimal

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo.books import write_books
from zoho_mcp.sandbox.store import Books, Store
from zoho_mcp.sandbox.times import zone
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

TIME_ZONE = "America/New_York"


SCOPES = ("ZohoInvoice.fullaccess.all", "ZohoBooks.fullaccess.all")
# currency_id, code, name, symbol, exchange rate to the base currency
CURRENCIES = (
    ("982000000000000097", "USD", "US Dollar", "$", Decimal(1)),
    ("982000000000000099", "EUR", "Euro", "€", Decimal("1.10")),
)
TAXES = (
    ("982000000000000101", "Sales Tax", Decimal("8.875")),
    ("982000000000000103", "Reduced Tax", Decimal("4")),
)
TEMPLATES = (
    ("982000000000000201", "Standard Template", "invoice", True),
    ("982000000000000203", "Spreadsheet Template", "invoice", False),
    ("982000000000000205", "Standard Template", "estimate", True),
    ("982000000000000207", "Standard Template", "creditnote", True),
)
ACCOUNTS = (
    ("982000000000000301", "Meals and Entertainment", "expense"),
    ("982000000000000303", "Office Supplies", "expense"),
    ("982000000000000305", "Travel Expense", "expense"),
    ("982000000000000307", "Software Subscriptions", "expense"),
    ("982000000000000309", "Advertising And Marketing", "expense"),
    ("982000000000000311", "Petty Cash", "cash"),
    ("982000000000000313", "Checking Account", "bank"),
    ("982000000000000315", "Sales", "income"),
    ("982000000000000317", "Business Card", "credit_card"),
)
# customfield_id, module, label, api_name: unique fields
UNIQUE_FIELDS = (("982000000000000401", "recurring_invoice", "Contract", "cf_contract"),)


def seed(store: Store, *, today: date) -> None:
    """Fill an empty store with the studio's last year, up to today; a store that holds anything stays unchanged."""
    with store.transaction():
        if store.is_empty():
            _organization(store, today)
            write_books(request_at(store, today))


def today_there(now: datetime) -> date:
    """The demo organisation's date at that time: its books are dated by its own day."""
    return now.astimezone(zone(TIME_ZONE)).date()


def empty(store: Store, *, today: date | None = None) -> None:
    """Fill an empty store with the organisation, its currencies, taxes, templates, accounts and credentials only."""
    with store.transaction():
        if store.is_empty():
            _organization(store, today or date(2026, 1, 1))


def add_organization(store: Store, organization_id: str, name: str, *, today: date) -> None:
    """One more organisation of the same account, with nothing in its books yet."""
    with store.transaction():
        record = {"name": name, "is_default_org": False}
        _organization(store, today, organization_id, **record)


def request_at(store: Store, day: date, product: str = "invoice") -> Request:
    """A request as a handler gets it, at noon of that day, for writing records without HTTP."""
    organization_id = CREDENTIALS.organization_id
    organization = store.shared.get("organization", organization_id) or {}
    now = datetime.combine(day, time(12), zone(TIME_ZONE))
    return Request(store.books(organization_id), organization, now, product)


def _organization(
    store: Store, today: date, organization_id: str = CREDENTIALS.organization_id, **more: object
) -> None:
    store.shared.put("organization", organization_id, _organization_record(organization_id, today) | more)
    oauth.add_client(store, CREDENTIALS.client_id, CREDENTIALS.client_secret)
    oauth.add_refresh_token(store, CREDENTIALS.client_id, SCOPES, CREDENTIALS.refresh_token)
    books = store.books(organization_id)
    _money(books, today)
    for template_id, name, kind, is_default in TEMPLATES:
        template = {"template_id": template_id, "template_name": name, "template_type": kind, "is_default": is_default}
        books.put("template", template_id, template)
    for account_id, name, kind in ACCOUNTS:
        account = {"account_id": account_id, "account_name": name, "account_code": "", "account_type": kind}
        details = {"is_user_created": False, "is_system_account": True, "is_active": True, "description": ""}
        times = {name: f"{today.isoformat()}T09:00:00-0500" for name in ("created_time", "last_modified_time")}
        books.put("account", account_id, account | details | times)
    for field_id, module, label, api_name in UNIQUE_FIELDS:
        names = {"customfield_id": field_id, "module": module, "label": label, "api_name": api_name}
        books.put("customfield", field_id, {**names, "index": 1, "data_type": "string", "is_unique": True})


def _money(books: Books, today: date) -> None:
    for currency_id, code, name, symbol, rate in CURRENCIES:
        currency = {
            "currency_id": currency_id, "currency_code": code, "currency_name": name,
            "currency_name_formatted": f"{code}- {name}", "auto_exchange_rate_enabled": False,
            "currency_symbol": symbol, "price_precision": 2, "currency_format": "1,234,567.89",
            "is_base_currency": rate == 1, "exchange_rate": rate, "effective_date": today.isoformat(),
        }  # fmt: skip
        books.put("currency", currency_id, currency)
    for tax_id, name, percentage in TAXES:
        books.put("tax", tax_id, {"tax_id": tax_id, "tax_name": name, "tax_percentage": percentage, "tax_type": "tax"})


def _organization_record(organization_id: str, today: date) -> Record:
    base = CURRENCIES[0]
    address = {"street_address1": "48 Linden Street", "street_address2": "Floor 2", "city": "New York", "state": "NY",
               "country": "U.S.A", "zip": "10013"}  # fmt: skip
    return {
        "organization_id": organization_id, "user_id": "982000000000000001", "name": CREDENTIALS.organization_name,
        "contact_name": "Robin Linden",
        "email": "robin@studio-linden.example", "phone": "212-555-0148", "fax": "", "website": "",
        "is_default_org": True, "language_code": "en", "fiscal_year_start_month": "january",
        "account_created_date": today.replace(year=today.year - 2, day=1).isoformat(), "time_zone": TIME_ZONE,
        "is_org_active": True, "currency_id": base[0], "currency_code": base[1], "currency_symbol": base[3],
        "currency_format": "1,234,567.89", "price_precision": 2, "date_format": "dd MMM yyyy", "field_separator": " ",
        "industry_type": "Design", "industry_size": "1-10", "company_id_label": "Company ID", "company_id_value": "",
        "tax_id_label": "", "tax_id_value": "", "plan_type": 0, "plan_name": "FREE", "plan_period": "",
        "country_code": "US", "country_name": "U.S.A", "portal_name": "studiolinden", "user_role": "admin",
        "user_status": "active", "address": address,
    }  # fmt: skip
