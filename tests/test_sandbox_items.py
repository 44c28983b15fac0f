"""Items and the small tables: taxes, currencies, templates, expense categories."""

from decimal import Decimal

import pytest
from sandbox_support import REDUCED_TAX, SALES_TAX, Json, Sandbox

pytestmark = pytest.mark.anyio


async def item(sandbox: Sandbox, name: str = "Design day", **fields: object) -> Json:
    return (await sandbox.ask("POST", "/items", {"name": name, "rate": "800.10", **fields}))["item"]


async def test_an_item_has_its_tax_spelled_out(sandbox: Sandbox) -> None:
    made = await item(sandbox, tax_id=SALES_TAX, product_type="service")
    assert (made["rate"], made["status"], made["item_type"]) == (Decimal("800.10"), "active", "sales")
    assert (made["tax_name"], made["tax_percentage"]) == ("Sales Tax", Decimal("8.875"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rate": 1}, 2),
        ({"name": "A"}, 2),
        ({"name": "A", "rate": "x"}, 2),
        ({"name": "A", "rate": 1, "item_type": "service"}, 2),
        ({"name": "A", "rate": 1, "tax_id": "982000000000999999"}, 2),
        ({"name": "x" * 101, "rate": 1}, 15),
        ({"name": "A", "rate": 1, "description": "x" * 2001}, 15),
    ],
)
async def test_a_wrong_item_is_refused(sandbox: Sandbox, body: Json, code: int) -> None:
    assert await sandbox.refusal("POST", "/items", body) == (400, code)


async def test_a_name_that_is_taken_is_refused_with_code_1000(sandbox: Sandbox) -> None:
    await item(sandbox)
    assert await sandbox.refusal("POST", "/items", {"name": "DESIGN DAY", "rate": 1}) == (500, 1000)


async def test_an_item_changes_goes_away_and_comes_back(sandbox: Sandbox) -> None:
    item_id = (await item(sandbox, description="old"))["item_id"]
    changed = (await sandbox.ask("PUT", f"/items/{item_id}", {"rate": 900, "tax_id": REDUCED_TAX}))["item"]
    assert (changed["rate"], changed["description"], changed["tax_percentage"]) == (900, "old", 4)
    await sandbox.ask("POST", f"/items/{item_id}/inactive")
    assert (await sandbox.ask("GET", "/items", filter_by="Status.Inactive"))["items"][0]["item_id"] == item_id
    await sandbox.ask("POST", f"/items/{item_id}/active")
    assert (await sandbox.ask("GET", f"/items/{item_id}"))["item"]["status"] == "active"


async def test_an_inactive_item_goes_on_no_new_line_but_stays_on_old_ones(sandbox: Sandbox) -> None:
    customer_id, made = await sandbox.customer(), await item(sandbox)
    line = {"item_id": made["item_id"]}
    invoice = (await sandbox.ask("POST", "/invoices", {"customer_id": customer_id, "line_items": [line]}))["invoice"]
    await sandbox.ask("POST", f"/items/{made['item_id']}/inactive")
    assert await sandbox.refusal("POST", "/invoices", {"customer_id": customer_id, "line_items": [line]}) == (400, 2007)
    kept = {"line_item_id": invoice["line_items"][0]["line_item_id"], "quantity": 2}
    changed = await sandbox.ask("PUT", f"/invoices/{invoice['invoice_id']}", {"line_items": [kept]})
    assert changed["invoice"]["total"] == Decimal("1600.20")


async def test_an_item_in_use_cannot_be_deleted(sandbox: Sandbox) -> None:
    customer_id, made = await sandbox.customer(), await item(sandbox)
    await sandbox.ask("POST", "/invoices", {"customer_id": customer_id, "line_items": [{"item_id": made["item_id"]}]})
    assert await sandbox.refusal("DELETE", f"/items/{made['item_id']}") == (400, 2049)
    other = await item(sandbox, "Other")
    await sandbox.ask("DELETE", f"/items/{other['item_id']}")
    assert await sandbox.refusal("GET", f"/items/{other['item_id']}") == (404, 2006)


async def test_taxes_currencies_and_templates_are_listed(sandbox: Sandbox) -> None:
    taxes = (await sandbox.ask("GET", "/settings/taxes"))["taxes"]
    assert [(tax["tax_name"], tax["tax_percentage"]) for tax in taxes] == [
        ("Sales Tax", Decimal("8.875")),
        ("Reduced Tax", 4),
    ]
    currencies = (await sandbox.ask("GET", "/settings/currencies"))["currencies"]
    assert [(each["currency_code"], each["is_base_currency"]) for each in currencies] == [("USD", True), ("EUR", False)]
    templates = (await sandbox.ask("GET", "/invoices/templates"))["templates"]
    assert [each["template_name"] for each in templates] == ["Standard Template", "Spreadsheet Template"]


async def test_expense_categories_have_another_path_in_each_product(sandbox: Sandbox) -> None:
    categories = (await sandbox.ask("GET", "/invoice/v3/expensecategories"))["expense_categories"]
    accounts = (await sandbox.ask("GET", "/books/v3/chartofaccounts", filter_by="AccountType.Expense"))[
        "chartofaccounts"
    ]
    assert [each["account_id"] for each in categories] == [each["account_id"] for each in accounts]
    assert {each["account_type"] for each in accounts} == {"expense"}
    assert await sandbox.refusal("GET", "/books/v3/expensecategories") == (404, 5)
    assert await sandbox.refusal("GET", "/invoice/v3/chartofaccounts") == (404, 5)
    assert await sandbox.refusal("GET", "/books/v3/chartofaccounts", filter_by="Expense") == (400, 2)
