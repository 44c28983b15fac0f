"""The chart of accounts of Zoho Books, and the same expense accounts as Zoho Invoice's expense categories."""

from collections.abc import Collection

from zoho_mcp.sandbox.kinds.settings import one_page
from zoho_mcp.sandbox.ledger import ZERO
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import choice, custom_field_hash, custom_fields, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

# The types the sandbox supports, and the groups that a list's filter names.
TYPES = (
    "expense", "cost_of_goods_sold", "income", "cash", "bank", "credit_card", "accounts_receivable", "equity",
)  # fmt: skip
GROUPS = {
    "asset": ("cash", "bank", "accounts_receivable"), "liability": ("credit_card",), "equity": ("equity",),
    "expense": ("expense", "cost_of_goods_sold"), "income": ("income",),
}  # fmt: skip
LISTING = Listing(
    key="chartofaccounts",
    report_name="List Chart Of Accounts",
    sortable=("account_name", "account_type"),
    filters={
        "AccountType.All": lambda row: True,
        "AccountType.Active": lambda row: row["is_active"],
        "AccountType.Inactive": lambda row: not row["is_active"],
        **{
            f"AccountType.{group.capitalize()}": lambda row, types=types: row["account_type"] in types
            for group, types in GROUPS.items()
        },
    },
    default_filter="AccountType.Active",
    default_sort="account_type",
)


def account(books: Books, account_id: str, key: str, types: Collection[str]) -> Record:
    """The account of that id, if it is of one of these types; `key` names the field in the error."""
    found = books.get("account", account_id)
    if found is None or found["account_type"] not in types:
        raise invalid_value(key)  # the code is unverified
    return found


def list_accounts(request: Request) -> Reply:
    """GET /chartofaccounts. Without a filter Zoho lists the active ones."""
    return respond(request, LISTING, [_view(request, record) for record in request.books.all("account")])


def get_account(request: Request) -> Reply:
    """GET /chartofaccounts/{account_id}."""
    return done(chart_of_account=_view(request, _find(request)))


def create_account(request: Request) -> Reply:
    """POST /chartofaccounts."""
    account_id = request.books.new_id()
    record: Record = {
        "account_id": account_id, "account_name": "", "account_type": "", "is_user_created": True,
        "is_system_account": False, "is_active": True, "custom_fields": [], "created_time": request.stamp,
    }  # fmt: skip
    _write(request, record)
    shown = _view(request, record)
    return created("The account has been created.", f"/chartofaccounts/{account_id}", chart_of_account=shown)


def update_account(request: Request) -> Reply:
    """PUT /chartofaccounts/{account_id}: what is sent changes, the rest stays."""
    record = _find(request)
    _write(request, record)
    return done("The details of the account have been updated.", chart_of_account=_view(request, record))


def delete_account(request: Request) -> Reply:
    """DELETE /chartofaccounts/{account_id}, refused for accounts that Zoho made itself (the code is unverified)."""
    record = _find(request)
    if record["is_system_account"]:
        raise invalid_value("account_id")
    request.books.drop("account", record["account_id"])
    return done("The account has been deleted.")


def list_expense_categories(request: Request) -> Reply:
    """GET /expensecategories: the expense accounts, in Zoho Invoice's words. The list's key is unverified."""
    wanted = request.query.get("filter_by", "ExpenseCategories.Active")
    tests = {"All": (True, False), "Active": (True,), "Inactive": (False,)}
    if wanted.removeprefix("ExpenseCategories.") not in tests:
        raise invalid_value("filter_by")
    states = tests[wanted.removeprefix("ExpenseCategories.")]
    accounts = [_view(request, record) for record in request.books.all("account")]
    shown = [row for row in accounts if row["account_type"] == "expense" and row["is_active"] in states]
    return done(expense_categories=shown, page_context=one_page("Expense Categories", "account_name", wanted))


def create_expense_category(request: Request) -> Reply:
    """POST /expensecategories: an expense account, in Zoho Invoice's words. Body and words are unverified."""
    name = text(request.body, "account_name", limit=100).strip()
    if not name:
        raise invalid_value("account_name")
    account_id = request.books.new_id()
    record: Record = {
        "account_id": account_id, "account_name": name, "account_type": "expense", "is_active": True,
        "description": text(request.body, "description", limit=500), "custom_fields": [], "created_time": request.stamp,
    }  # fmt: skip
    touch(record, request.now)
    request.books.put("account", account_id, record)
    return created(
        "The expense category has been created.",
        f"/expensecategories/{account_id}",
        expense_category={key: record[key] for key in ("account_id", "account_name", "description", "created_time")},
    )


def _find(request: Request) -> Record:
    found = request.books.get("account", request.path["account_id"])
    if found is None:
        raise does_not_exist("Account")
    return found


def _write(request: Request, record: Record) -> None:
    body = request.body
    record["account_name"] = text(body, "account_name", record["account_name"], 100).strip()
    if not record["account_name"]:
        raise invalid_value("account_name")
    record["account_type"] = choice(body, "account_type", TYPES, record["account_type"])
    if not record["account_type"]:
        raise invalid_value("account_type")
    for key in ("account_code", "description"):
        record[key] = text(body, key, str(record.get(key, "")), 500)
    record["custom_fields"] = custom_fields(body, record["custom_fields"])
    touch(record, request.now)
    request.books.put("account", record["account_id"], record)


def _view(request: Request, record: Record) -> Record:
    money = {name: request.organization[name] for name in ("currency_id", "currency_code")}
    kept: list[Record] = record.get("custom_fields", [])
    return {
        **record,
        **money,
        "account_type_formatted": record["account_type"].replace("_", " ").title(),
        "status": "active" if record["is_active"] else "inactive",
        "custom_fields": kept,
        "custom_field_hash": custom_field_hash(kept),
        "closing_balance": ZERO,
        "closing_balance_formatted": f"{request.organization['currency_symbol']}0.00",
    }


ACCOUNTS = "/chartofaccounts"
ACCOUNT = "/chartofaccounts/{account_id}"
BOOKS = ("books",)
ROUTES = [
    Route("GET", "/expensecategories", "settings.READ", list_expense_categories, "expense_categories.list",
          ("invoice",)),
    Route("POST", "/expensecategories", "settings.CREATE", create_expense_category, "expense_categories.one",
          ("invoice",)),
    Route("GET", ACCOUNTS, "accountants.READ", list_accounts, "accounts.list", BOOKS),
    Route("POST", ACCOUNTS, "accountants.CREATE", create_account, "accounts.saved", BOOKS),
    Route("GET", ACCOUNT, "accountants.READ", get_account, "accounts.one", BOOKS),
    Route("PUT", ACCOUNT, "accountants.UPDATE", update_account, "accounts.saved", BOOKS),
    Route("DELETE", ACCOUNT, "accountants.DELETE", delete_account, products=BOOKS),
]  # fmt: skip
