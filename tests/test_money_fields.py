"""The money fields of the real API can be given, and end up in the books."""

from typing import Any

import pytest
from conftest import Zoho, call
from test_new_state import Books

pytestmark = pytest.mark.anyio
LINES = [{"name": "A", "rate": 100}]
MORE: dict[str, dict[str, Any]] = {
    "invoice": {"customer_id": "$customer_id", "line_items": LINES},
    "estimate": {"customer_id": "$customer_id", "line_items": LINES},
    "credit_note": {"customer_id": "$customer_id", "line_items": LINES},
    "recurring_invoice": {
        "customer_id": "$customer_id", "line_items": LINES, "recurrence_name": "A", "recurrence_frequency": "months",
    },
    "customer": {"contact_name": "Nobody & Sons"},
}  # fmt: skip
FIELDS: list[tuple[str, str, Any]] = [
    ("invoice", "exchange_rate", 1.25),
    ("invoice", "is_inclusive_tax", True),
    ("invoice", "shipping_charge", 5),
    ("invoice", "adjustment", -1.5),
    ("invoice", "salesperson_name", "Ada"),
    ("estimate", "exchange_rate", 1.25),
    ("estimate", "is_inclusive_tax", True),
    ("estimate", "shipping_charge", 5),
    ("estimate", "adjustment", -1.5),
    ("credit_note", "exchange_rate", 1.25),
    ("credit_note", "is_inclusive_tax", True),
    ("credit_note", "terms", "None"),
    ("recurring_invoice", "exchange_rate", 1.25),
    ("recurring_invoice", "shipping_charge", 5),
    ("recurring_invoice", "discount", "10%"),
    ("customer", "billing_address", {"attention": "Ms Lee", "street2": "Yard", "phone": "1"}),
    ("customer", "shipping_address", {"attention": "Gate 2"}),
]


@pytest.mark.parametrize("how", ["create", "update"])
@pytest.mark.parametrize(("kind", "field", "value"), FIELDS, ids=[f"{row[0]}.{row[1]}" for row in FIELDS])
async def test_a_field_of_the_real_api_is_kept(zoho: Zoho, how: str, kind: str, field: str, value: Any) -> None:
    key, own_id = kind.replace("credit_note", "creditnote"), f"{kind.replace('credit_note', 'creditnote')}_id"
    async with zoho.client() as client:
        books = Books(client)
        await books.find_customer()
        given = {field: value}
        made = (await books.use(f"create_{kind}", **MORE[kind], **(given if how == "create" else {})))[key]
        if how == "update":
            await books.use(f"update_{kind}", **{own_id: made[own_id], **given})
        found = (await call(client, f"get_{kind}", **{own_id: made[own_id]}, all_fields=True))[key][field]
    assert {**found, **value} == found if isinstance(value, dict) else str(found) == str(value)


async def test_a_payment_has_its_fees_its_rate_and_the_tax_withheld(zoho: Zoho) -> None:
    async with zoho.client() as client:
        books = Books(client)
        await books.fill()
        more = {"bank_charges": 1.5, "exchange_rate": 1.25}
        made = await books.use("record_invoice_payment", invoice_id="$other_id", tax_amount_withheld=10, **more)
        assert (made["payment"]["amount"], made["invoice"]["balance"]) == (90, 0)
        whole = (await call(client, "get_payment", payment_id=made["payment"]["payment_id"], all_fields=True))[
            "payment"
        ]
        assert (whole["bank_charges"], whole["exchange_rate"], whole["tax_amount_withheld"]) == (1.5, 1.25, 10)
        part = [{"invoice_id": "$invoice_id", "amount_applied": 60, "tax_amount_withheld": 10}]
        made = await books.use("record_payment", customer_id="$customer_id", amount=60, invoices=part, **more)
        assert (made["payment"]["bank_charges"], made["payment"]["invoices"][0]["balance"]) == (1.5, 0)
        named = {"payment_id": made["payment"]["payment_id"]}
        await books.use("update_payment", **named, bank_charges=2, exchange_rate=1.5)
        whole = (await call(client, "get_payment", **named, all_fields=True))["payment"]
        assert (whole["bank_charges"], whole["exchange_rate"]) == (2, 1.5)


async def test_an_expense_has_its_rate_and_whether_tax_is_in_it(zoho: Zoho) -> None:
    async with zoho.client() as client:
        account = (await call(client, "list_expense_categories"))["expense_categories"][0]["account_id"]
        tax = (await call(client, "list_taxes"))["taxes"][0]["tax_id"]
        more = {"exchange_rate": 1.25, "is_inclusive_tax": True, "tax_id": tax}
        made = await call(client, "create_expense", account_id=account, date="2026-06-01", amount=10, **more)
        named = {"expense_id": made["expense"]["expense_id"]}
        await call(client, "update_expense", **named, exchange_rate=1.5, is_inclusive_tax=False)
        whole = (await call(client, "get_expense", **named, all_fields=True))["expense"]
        assert (made["expense"]["total"], whole["exchange_rate"], whole["is_inclusive_tax"]) == (10, 1.5, False)
