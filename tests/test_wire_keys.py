"""No figure and no column depends on a key that Zoho was never seen to send on that route."""

import json
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

ROUTES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recordings" / "responses.json").read_text(encoding="utf-8")
)["routes"]
ADDED_HERE = {("list_payments", "currency_code")}
"""Columns that the server adds to rows; `server/tools/payment_currency.py` looks the currency up."""
LISTS = [operation for operation in load("books", "").operations.values() if operation.answer.columns]


def recorded(operation: Operation) -> set[str]:
    """The keys that rows of this list have in any recording; empty without one."""
    path = operation.http.path.partition("?")[0]
    found: set[str] = set()
    for route, recording in ROUTES.items():
        if route.startswith(f"GET {path} ") and "nested" not in route:
            found |= set(recording["keys"].get(operation.answer.key) or ())
    return found


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
def test_columns_and_sums_of_a_list_are_keys_on_the_wire(operation: Operation) -> None:
    keys = recorded(operation)
    if not keys or operation.handler:
        pytest.skip("no rows of this list were recorded")
    ours = {operation.renames.get(key, key) for key in keys}
    used = {column.partition(".")[0].rstrip("?") for column in operation.answer.columns}
    added = {column for name, column in ADDED_HERE if name == operation.name}
    assert used - ours - added == set()
    assert set(operation.answer.sums) <= keys


@pytest.mark.parametrize(
    ("route", "rows", "keys"),
    [
        ("GET /invoices @books", "invoices",
         {"invoice_id", "status", "total", "balance", "currency_code", "customer_id", "date", "due_date"}),
        ("GET /customerpayments @invoice", "customerpayments",
         {"payment_id", "customer_id", "date", "amount", "unused_amount", "bcy_amount", "bcy_unused_amount"}),
        ("GET /customerpayments @books", "customerpayments", {"amount", "bcy_amount", "bcy_unused_amount"}),
        ("GET /contacts @books", "contacts", {"contact_id", "currency_code"}),
        ("GET /customerpayments/{id} @books", "payment", {"currency_code"}),
        ("GET /creditnotes @books", "creditnotes", {"status", "total", "balance", "currency_code"}),
        ("GET /organizations @books", "organizations", {"organization_id", "time_zone", "currency_code"}),
    ],
)  # fmt: skip
def test_reports_and_statements_read_recorded_keys_only(route: str, rows: str, keys: set[str]) -> None:
    assert keys <= set(ROUTES[route]["keys"][rows])
