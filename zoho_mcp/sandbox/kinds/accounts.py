"""The chart of accounts of Zoho Books, and the same expense accounts as Zoho Invoice's expense categories."""

from collections.abc import Collection
from dataclasses import replace

from zoho_mcp.sandbox.kinds.record_kind import RecordKind, Router
from zoho_mcp.sandbox.kinds.settings import one_page
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import custom_field_hash, custom_fields, one_of, text, text_fields
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, created, done

# The types the sandbox supports, and the groups that a list's filter names.
TYPES = (
    "expense", "cost_of_goods_sold", "income", "cash", "bank", "credit_card", "accounts_receivable", "equity",
)  # fmt: skip
GROUPS = {
    "asset": ("cash", "bank", "accounts_receivable"), "liability": ("credit_card",), "equity": ("equity",),
    "expense": ("expense", "cost_of_goods_sold"), "income": ("income",),
}  # fmt: skip


def account(books: Books, account_id: str, key: str, types: Collection[str]) -> Record:
    """The account of that id, if it is of one of these types; `key` names the field in the error."""
    record = books.get("account", account_id)
    if record is None or record["account_type"] not in types:
        raise invalid_value(key)  # the code is unverified
    return record


def _new(request: Request) -> Record:
    return {"is_user_created": True, "is_system_account": False, "is_active": True}


def _before_delete(request: Request, account: Record) -> None:
    if account["is_system_account"]:
        raise invalid_value("account_id")  # the code is unverified


def _write(request: Request, record: Record) -> None:
    record["account_name"] = record["account_name"].strip()
    if not record["account_name"]:
        raise invalid_value("account_name")
    if not record["account_type"]:
        raise invalid_value("account_type")


def _view(request: Request, record: Record) -> Record:
    money = {name: request.organization[name] for name in ("currency_id", "currency_code")}
    fields: list[Record] = record.get("custom_fields", [])
    return {
        **record,
        **money,
        "account_type_formatted": record["account_type"].replace("_", " ").title(),
        "status": "active" if record["is_active"] else "inactive",
        "custom_fields": fields,
        "custom_field_hash": custom_field_hash(fields),
        "closing_balance_formatted": f"{request.organization['currency_symbol']}0.00",
    }


ACCOUNT = RecordKind(
    name="account",
    path="/chartofaccounts",
    scope="accountants",
    tables="accounts",
    word="Account",
    key="chart_of_account",
    saved="saved",
    products=("books",),
    listing=Listing(
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
    ),
    created="The account has been created.",
    updated="The details of the account have been updated.",
    deleted="The account has been deleted.",
    fields={
        **text_fields(account_name=100, account_code=500, description=500),
        "account_type": (one_of(*TYPES), ""), "custom_fields": (custom_fields, []),
    },
    new=_new,
    write=_write,
    view=_view,
    before_delete=_before_delete,
)  # fmt: skip
CATEGORY = replace(
    ACCOUNT, path="/expensecategories", scope="settings", tables="expense_categories", products=("invoice",)
)
router, categories = ACCOUNT.router(), Router(CATEGORY)


@categories.on_all("GET", "", "list")
def list_expense_categories(request: Request) -> Reply:
    """The expense accounts, in Zoho Invoice's words. The key of the list is unverified."""
    wanted = request.query.get("filter_by", "ExpenseCategories.Active")
    tests = {"All": (True, False), "Active": (True,), "Inactive": (False,)}
    if wanted.removeprefix("ExpenseCategories.") not in tests:
        raise invalid_value("filter_by")
    states = tests[wanted.removeprefix("ExpenseCategories.")]
    shown = [row for row in ACCOUNT.rows(request) if row["account_type"] == "expense" and row["is_active"] in states]
    return done(expense_categories=shown, page_context=one_page("Expense Categories", "account_name", wanted))


@categories.on_all("POST", "", "one")
def create_expense_category(request: Request) -> Reply:
    """An expense account, in Zoho Invoice's words. Body and words are unverified."""
    name = text(request.body, "account_name", limit=100).strip()
    if not name:
        raise invalid_value("account_name")
    description = text(request.body, "description", limit=500)
    record: Record = {
        "account_id": request.books.new_id(), "created_time": request.stamp, **_new(request), "account_name": name,
        "account_type": "expense", "description": description,
    }  # fmt: skip
    ACCOUNT.save(request, record)
    return created(
        "The expense category has been created.",
        f"/expensecategories/{record['account_id']}",
        expense_category={key: record[key] for key in ("account_id", "account_name", "description", "created_time")},
    )
