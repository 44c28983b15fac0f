"""`clear` is the one way to empty a field; it works for each that it names, and the result names them."""

from typing import Any

import pytest
from conftest import Zoho, call
from test_money_fields import MORE
from test_new_state import Books

pytestmark = pytest.mark.anyio
TAX = "$tax_id"
FILLED: dict[str, dict[str, Any]] = {
    "invoice": {"notes": "A", "terms": "B", "reference_number": "C", "salesperson_name": "D", "adjustment": 1,
                "adjustment_description": "E",
                "line_items": [{"name": "A", "rate": 1, "tax_id": TAX, "description": "F", "unit": "G"}]},
    "estimate": {"notes": "A", "terms": "B", "reference_number": "C", "expiry_date": "2026-12-31",
                 "line_items": [{"name": "A", "rate": 1, "tax_id": TAX, "description": "F", "unit": "G"}]},
    "credit_note": {"notes": "A", "terms": "B", "reference_number": "C",
                    "line_items": [{"name": "A", "rate": 1, "tax_id": TAX, "description": "F"}]},
    "recurring_invoice": {"notes": "A", "reference_number": "C", "end_date": "2027-12-31",
                          "line_items": [{"name": "A", "rate": 1, "tax_id": TAX, "description": "F", "unit": "G"}]},
    "customer": {"company_name": "A", "notes": "B", "website": "www.a.example",
                 "billing_address": {"attention": "C", "city": "D"}},
    "item": {"name": "Thing", "rate": 1, "description": "A", "unit": "B", "sku": "C", "tax_id": TAX},
    "expense": {"account_id": "$account_id", "date": "2026-06-01", "amount": 5, "description": "A",
                "reference_number": "B", "tax_id": TAX, "customer_id": "$customer_id"},
}  # fmt: skip
LINES = ["line_items[0].tax_id", "line_items[0].description"]
CLEARED: dict[str, list[str]] = {
    "invoice": [
        "notes", "terms", "reference_number", "salesperson_name", "adjustment_description", *LINES,
        "line_items[0].unit",
    ],
    "estimate": ["notes", "terms", "reference_number", "expiry_date", "line_items[].tax_id"],
    "credit_note": ["notes", "terms", "reference_number", *LINES],
    "recurring_invoice": ["notes", "reference_number", "end_date", *LINES],
    "customer": ["company_name", "notes", "website", "billing_address.attention"],
    "item": ["description", "unit", "sku", "tax_id"],
    "expense": ["description", "reference_number", "tax_id", "customer_id"],
}  # fmt: skip


@pytest.mark.parametrize("kind", FILLED)
async def test_each_field_is_emptied_by_its_name_and_by_nothing_else(zoho: Zoho, kind: str) -> None:
    key = kind.replace("credit_note", "creditnote")
    async with zoho.client() as client:
        books = Books(client)
        await books.fill()
        books.ids["tax_id"] = (await call(client, "list_taxes"))["taxes"][0]["tax_id"]
        books.ids["account_id"] = (await call(client, "list_expense_categories"))["expense_categories"][0]["account_id"]
        made = (await books.use(f"create_{kind}", **{**MORE.get(kind, {}), **FILLED[kind]}))[key]
        named: dict[str, Any] = {f"{key}_id": made[f"{key}_id"]}
        kept = [{"line_item_id": line["line_item_id"]} for line in made.get("line_items", ())]
        before = await whole(client, kind, named)
        blank = {field: "" for field in CLEARED[kind] if "[" not in field and "." not in field}
        other = {"rate": 2} if kind == "item" else {"date": "2026-06-02"} if "date" in FILLED[kind] else {}
        other = other or ({"contact_name": "Anna"} if kind == "customer" else {"customer_id": "$customer_id"})
        await books.use(f"update_{kind}", **{**named, **blank, **other})
        after = await whole(client, kind, named)
        assert {field: after.get(field) for field in blank} == {field: before.get(field) for field in blank}
        lines = {"line_items": kept} if any("[" in field for field in CLEARED[kind]) else {}
        result = await books.use(f"update_{kind}", **named, **lines, clear=CLEARED[kind])
        assert result["cleared"] == CLEARED[kind]
        after = await whole(client, kind, named)
        assert [field for field in CLEARED[kind] if value_of(after, field)] == []


async def whole(client: Any, kind: str, named: dict[str, Any]) -> dict[str, Any]:
    key = kind.replace("credit_note", "creditnote")
    return (await call(client, f"get_{kind}", **named, all_fields=True))[key]


def value_of(record: dict[str, Any], path: str) -> Any:
    whole, _, part = path.partition(".")
    if "[" in whole:
        return record[whole.split("[")[0]][0].get(part)
    return record.get(whole, {}).get(part) if part else record.get(whole)


NUMBERS = [("invoice", "invoice_number"), ("estimate", "estimate_number"), ("credit_note", "creditnote_number")]


@pytest.mark.parametrize(("kind", "field"), NUMBERS)
@pytest.mark.parametrize(
    "more", [{}, {"ignore_auto_number_generation": True}, {"ignore_auto_number_generation": False}]
)
async def test_a_number_that_is_given_is_used(zoho: Zoho, kind: str, field: str, more: dict[str, Any]) -> None:
    async with zoho.client() as client:
        books = Books(client)
        await books.find_customer()
        made = await books.use(f"create_{kind}", **MORE[kind], **{field: "OWN-77"}, **more)
        assert made[kind.replace("credit_note", "creditnote")][field] == "OWN-77"
        result = await client.call_tool(f"create_{kind}", books.filled({**MORE[kind], field: "OWN-77", "notes": "B"}))
        assert result.is_error  # it is taken


@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ("update_estimate", "estimate_number"),
        ("update_credit_note", "creditnote_number"),
        ("record_payment", "payment_number"),
        ("record_invoice_payment", "payment_number"),
        ("create_recurring_invoice", "invoice_number"),
        ("create_expense", "expense_number"),
    ],
)
async def test_a_number_that_cannot_be_used_is_refused_before_anything_is_sent(
    zoho: Zoho, tool: str, field: str
) -> None:
    async with zoho.client() as client:
        result = await client.call_tool(tool, {field: "OWN-77"})
    assert result.structured_content["error"]["kind"] == "arguments"
    assert zoho.received() == []
