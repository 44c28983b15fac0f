"""Nothing depends on a key that Zoho was never seen, nor documented, to send on that route.

Known of a route is what was recorded, and inside it what Zoho documents; of a route without a recording, what Zoho
documents (`zoho_mcp/sandbox/keys`).
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from recorded import keys_of

from zoho_mcp.policy import preview
from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.wire.key_tables import specimen
from zoho_mcp.server.completion.search import TARGETS
from zoho_mcp.server.resources import statement
from zoho_mcp.server.tools import composite, customer_search, figures, record_numbers
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.text import placeholders

Keys = dict[str, Any]
"""Key to what is inside it; {} where nothing is known of that."""
PRODUCTS = ("invoice", "books")
CATALOGS: Mapping[str, Catalog] = {product: load(product, "") for product in PRODUCTS}
OPERATIONS = [(product, operation) for product in PRODUCTS for operation in CATALOGS[product].operations.values()]
SANDBOX = {(route.method, re.sub(r"{\w+}", "{id}", route.pattern)): route for routes in MODULES for route in routes}
ADDED_HERE = {("list_payments", "currency_code")}
"""Columns that the server adds to rows; `server/tools/payment_currency.py` looks the currency up."""
SHOWN_BY = {"mailed": "is_emailed", "status": "status"}
"""Sign of an outcome to the field that shows it. A change is shown by what was sent and, where the record has one, by
its `last_modified_time`."""
DONE_WITHOUT = {("get_estimate", "is_emailed")}
"""What this record does not say: a lost mail of it is never called sent."""


def tree(value: Any) -> Keys:
    if isinstance(value, list):
        parts = cast("list[Any]", value)
        return tree(parts[0]) if parts else {}
    return {key.rstrip("?"): tree(part) for key, part in cast(Keys, value).items()} if isinstance(value, dict) else {}


def completed(known: Keys, more: Keys) -> Keys:
    """What is known, and inside it, where nothing is known of that, what is documented."""
    return {key: completed(known[key], more.get(key, {})) for key in known} if known else more


def wire(product: str, operation: Operation) -> Keys:
    """The keys of the operation's record or rows; empty where it has none."""
    path = re.sub(r"{\w+}", "{id}", operation.http.path.partition("?")[0])
    route = SANDBOX.get((operation.http.method, path))
    documented = tree(specimen(route.keys, product)) if route and route.keys and product in route.products else {}
    known = completed(keys_of(operation.http.method, path.replace("{id}", "1")), documented)
    return known.get(operation.answer.key, {}) if operation.answer.key else {}


def absent(operation: Operation, keys: Keys, paths: Iterator[str] | tuple[str, ...]) -> list[str]:
    """The paths, in our words, that do not lead to a key."""
    return [path for path in paths if not leads(keys, path.rstrip("?").split("."), operation)]


def must_be_sent(product: str, operation: Operation, paths: tuple[str, ...]) -> None:
    keys = wire(product, operation)
    assert absent(operation, keys, paths) == [], (
        f"{operation.name}: {operation.http.method} {operation.http.path} was not seen to send these. Known are "
        f"{', '.join(keys)}. A new fact about Zoho goes into the sandbox first (zoho_mcp/sandbox/keys/README.md)."
    )


def leads(keys: Keys, path: list[str], operation: Operation) -> bool:
    if not path or not keys:
        return True
    theirs = next((theirs for theirs, ours in operation.renames.items() if ours == path[0] and theirs in keys), path[0])
    return theirs in keys and leads(keys[theirs], path[1:], operation)


@pytest.mark.parametrize(("product", "operation"), OPERATIONS, ids=lambda one: getattr(one, "name", one))
def test_what_a_tool_shows_adds_up_asks_about_and_reconciles_by_is_on_the_wire(
    product: str, operation: Operation
) -> None:
    catalog, answer = CATALOGS[product], operation.answer
    if not operation.handler:
        added = {column for name, column in ADDED_HERE if name == operation.name}
        shown = tuple(path for path in (*answer.columns, *answer.fields, *answer.state) if path not in added)
        must_be_sent(product, operation, shown)
        must_be_sent(product, operation, answer.sums)
    if operation.confirm and operation.confirm.subject:
        read = catalog.operations[operation.confirm.subject]
        asked = (*placeholders(operation.confirm.ask), *placeholders(operation.confirm.done))
        old = tuple(replaces.field or name for name, replaces in operation.replaces.items())
        must_be_sent(product, read, (*asked, *old))
    if operation.outcome and operation.outcome.list:
        lists = catalog.operations[operation.outcome.list]
        must_be_sent(product, lists, (*operation.outcome.by, "created_time"))
    if operation.outcome and operation.outcome.sign in SHOWN_BY and operation.outcome.read:
        read, needed = catalog.operations[operation.outcome.read], SHOWN_BY[operation.outcome.sign]
        if (read.name, needed) not in DONE_WITHOUT:
            must_be_sent(product, read, (needed,))


@pytest.mark.parametrize("product", PRODUCTS)
def test_fields_that_tell_records_apart_are_on_some_wire(product: str) -> None:
    every = {
        key for name in CATALOGS[product].operations for key in flat(wire(product, CATALOGS[product].operations[name]))
    }
    assert CATALOGS[product].verbatim - every == set()


def flat(keys: Keys) -> set[str]:
    found: set[str] = set(keys)
    for part in keys.values():
        found |= flat(part)
    return found


def private(module: Any, name: str) -> Any:
    return getattr(module, name)


def tables() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Tables of keys in the code: what it is, the operation that it reads, the keys."""
    for name, operation in (
        ("_INVOICE", "list_invoices"),
        ("_CREDIT", "list_credit_notes"),
        ("_CUSTOMER", "get_customer"),
    ):
        yield f"statement {name}", operation, private(statement, name)
    payment = tuple(key for key in private(statement, "_PAYMENT") if key != "currency_code")
    yield "statement _PAYMENT", "list_payments", payment
    yield "conversion", "get_estimate", private(composite, "_OF_AN_ESTIMATE")
    yield "lines", "get_estimate", tuple(f"line_items.{key}" for key in private(composite, "_OF_A_LINE"))
    yield "contact persons", "list_contact_persons", private(customer_search, "_PERSON")
    for name, target in TARGETS.items():
        yield f"completion of {name}", target.operation, (target.value, *target.texts)
    for operation in CATALOGS["invoice"].operations.values():
        if operation.answer.number:
            shown = (operation.answer.number, *private(record_numbers, "_SHOWN"))
            yield f"number of {operation.name}", operation.name, shown
    columns = private(figures, "_COLUMNS")
    for name, kind in private(figures, "_KINDS").items():
        grouped = [
            columns[group] for group in kind.groups if group in columns and (name, group) != ("payments", "currency")
        ]
        yield f"summary of {name}", kind.list_tool, (kind.amount, "date", *grouped)
    yield "performance", "list_invoices", ("last_payment_date", "due_date", "date", "customer_id", "customer_name")
    yield "reports", "list_invoices", ("status", "total", "balance", "currency_code", "customer_id", "date", "due_date")
    yield (
        "payments",
        "list_payments",
        ("payment_id", "customer_id", "amount", "unused_amount", "bcy_amount", "bcy_unused_amount"),
    )
    yield "currency of a payment", "get_payment", ("currency_code",)
    yield "customers", "list_customers", ("contact_id", "currency_code", "outstanding_receivable_amount")
    yield "organisation", "list_organizations", ("organization_id", "time_zone", "currency_code")


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(("table", "name", "keys"), list(tables()), ids=lambda one: one if isinstance(one, str) else "")
def test_tables_of_keys_in_the_code_are_on_the_wire(product: str, table: str, name: str, keys: tuple[str, ...]) -> None:
    operation = CATALOGS[product].operations[name]
    assert absent(operation, wire(product, operation), keys) == [], table


def test_every_field_of_a_question_is_one_of_some_record() -> None:
    every = {key for product, operation in OPERATIONS for key in flat(wire(product, operation))}
    assert {field for field, _ in private(preview, "_DETAILS")} - every == set()


PACKAGE = Path(__file__).parent.parent / "zoho_mcp"
POLICY = ("consequences", "losses", "facts", "display", "preview")
READERS = [
    *(PACKAGE / "policy" / f"{name}.py" for name in POLICY),
    *(PACKAGE / "server").glob("delivery/*.py"),
    *(PACKAGE / "server" / "tools" / f"{name}.py" for name in (
        "composite", "customer_search", "figures", "filter_check", "payment_currency", "record_numbers", "reports",
    )),
    *(PACKAGE / "server" / "results" / f"{name}.py" for name in ("remarks", "totals")),
    *(PACKAGE / "server" / "resources" / f"{name}.py" for name in ("handlers", "statement")),
    PACKAGE / "server" / "completion" / "search.py",
    PACKAGE / "server" / "confirmation" / "preview_reader.py",
]  # fmt: skip
OURS = frozenset({
    # arguments of tools, keys of schemas and of our own results
    "properties", "required", "enum", "", "send_attachment", "send_customer_statement", "as_of", "month", "year", "top",
    "group_by", "records", "count", "group", "cut_off", "not_counted", "other_groups", "days_past_due", "findings",
    "found_by", "positions", "remarks", "next", "deleted", "before", "invoice_count", "invoiced", "invoiced_count",
    "outstanding", "payment_count", "received", "revenue", "oldest_due_date", "overdue", "owed", "paid", "unused",
    "not_in_sums", "of an unknown currency", "get_customer", "upsert_recurring_invoice", "sort_column", "sort_order",
    "private", "x-default",
})  # fmt: skip


def keys_read(path: Path) -> Iterator[str]:
    """The texts by which a module takes parts out of something: `row["total"]`, `row.get("total")`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key = node.args[0] if node.args else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            key = node.args[1] if node.func.id in ("amount", "required", "day", "_number", "text_of") else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_modules_read_no_key_that_is_on_no_wire(path: Path) -> None:
    every = {key for product, operation in OPERATIONS for key in flat(wire(product, operation))}
    envelopes = {"code", "message", "page_context", *("page", "per_page", "has_more_page", "rows_read")}
    keys = {operation.answer.key for _, operation in OPERATIONS} | envelopes | every | OURS
    assert set(keys_read(path)) - keys == set()
