"""A figure that differs from the request is never passed on silently."""

from typing import Any

import pytest
from conftest import Zoho, call

from zoho_mcp.server.results.remarks import remarks
from zoho_mcp.specs.load import load

OPERATION = load().operations["create_invoice"]
PLAIN = {"name": "A", "rate": 50, "quantity": 1}
LINES = [{"name": "A", "rate": 50, "quantity": 1, "discount": "10%"}]


@pytest.mark.parametrize(
    ("arguments", "record", "count"),
    [
        ({"line_items": LINES}, {"line_items": LINES, "discount_total": 5, "total": 45}, 0),
        ({"line_items": LINES}, {"line_items": LINES, "discount_total": 0, "total": 50}, 1),
        ({"discount": "10%"}, {"sub_total": 50, "discount_total": 0, "total": 50}, 1),
        ({"discount": "10%"}, {"sub_total": 50, "discount_total": 5, "total": 45}, 0),
        ({"exchange_rate": 1.2}, {"exchange_rate": 1}, 1),
        ({"shipping_charge": 5}, {"shipping_charge": 5.0}, 0),
        # A total without the shipping charge; with it.
        ({"line_items": [PLAIN], "shipping_charge": 5}, {"line_items": [PLAIN], "total": 50}, 1),
        ({"line_items": [PLAIN], "shipping_charge": 5}, {"line_items": [PLAIN], "total": 55}, 0),
        # A discount after tax, and one on rates that include tax.
        ({"line_items": [PLAIN], "discount": "10%", "is_discount_before_tax": False},
         {"line_items": [PLAIN], "tax_total": 10, "total": 54}, 0),
        ({"line_items": [PLAIN], "discount": "10%", "is_inclusive_tax": True},
         {"line_items": [PLAIN], "tax_total": 9, "total": 45}, 0),
        ({"line_items": [PLAIN], "discount": "10%"},
         {"line_items": [PLAIN], "tax_total": 9, "is_inclusive_tax": True, "total": 45}, 0),
        # Zoho has another price; a total that is rounded to whole units.
        ({"line_items": [{**PLAIN, "rate": 60}]}, {"line_items": [PLAIN], "total": 50}, 2),
        ({"line_items": [{**PLAIN, "rate": 50.4}]},
         {"line_items": [{**PLAIN, "rate": 50.4}], "roundoff_value": -0.4, "total": 50}, 0),
        # Discounts that are shown and not counted.
        ({"notes": "A"}, {"discount_type": "entity_level", "line_items": LINES, "total": 50}, 1),
        ({"notes": "A"}, {"discount_type": "item_level", "discount": "10%", "line_items": [PLAIN], "total": 50}, 1),
    ],
)  # fmt: skip
def test_what_differs_is_remarked_on(arguments: dict[str, Any], record: dict[str, Any], count: int) -> None:
    assert len(remarks(OPERATION, arguments, record)) == count


DISCOUNTS: list[tuple[dict[str, Any], float]] = [
    # In a line or on the document, and what is left of 2 x 50.
    *(({"line": given}, left) for given, left in (
        ("10%", 90), ("10 %", 90), (" 10%", 90), ("12.5%", 87.5), ("100%", 0), (10, 90), ("10", 90), (10.5, 89.5),
        (".5", 99.5), ("10.00", 90), (0, 100), ("0%", 100), (None, 100), ("", 100),
    )),
    *(({"discount": given}, left) for given, left in (
        ("10%", 90), ("12.5 %", 87.5), ("100%", 0), (10, 90), ("10", 90), (10.0, 90), (0, 100), (None, 100),
    )),
    ({"line": "10%", "discount": 0}, 90),
    ({"line": 0, "discount": "10%"}, 90),
    ({"line": None, "discount": "10%"}, 90),
    ({"line": "10%", "discount": ""}, 90),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("create_invoice", {}),
        ("create_estimate", {}),
        ("create_recurring_invoice", {"recurrence_frequency": "months", "recurrence_name": "A"}),
    ],
)
async def test_a_discount_counts_wherever_it_is_given(zoho: Zoho, tool: str, more: dict[str, Any]) -> None:
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        for number, (given, left) in enumerate(DISCOUNTS):
            line = {"name": "A", "rate": 50, "quantity": 2}
            line |= {"discount": given["line"]} if "line" in given else {}
            rest = {"discount": given["discount"]} if "discount" in given else {}
            named = {**more, "recurrence_name": f"A{number}"} if more else {"reference_number": f"A{number}"}
            made = await call(client, tool, customer_id=customer, line_items=[line], **rest, **named)
            assert made[tool.removeprefix("create_")]["total"] == left, given
            assert "remarks" not in made


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["invoice", "estimate", "recurring_invoice"])
async def test_a_discount_of_an_update_counts_and_one_that_does_not_is_remarked_on(zoho: Zoho, kind: str) -> None:
    more = {"recurrence_frequency": "months", "recurrence_name": "A"} if kind == "recurring_invoice" else {}
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        made = (await call(client, f"create_{kind}", customer_id=customer, line_items=[PLAIN], **more))[kind]
        named = {f"{kind}_id": made[f"{kind}_id"]}
        line = {"line_item_id": made["line_items"][0]["line_item_id"]}
        changed = await call(client, f"update_{kind}", **named, line_items=[{**line, "discount": "20%"}])
        assert (changed[kind]["total"], "remarks" in changed) == (40, False)
        changed = await call(client, f"update_{kind}", **named, discount="10%")
        assert (changed[kind]["total"], len(changed["remarks"])) == (45, 1)


@pytest.mark.anyio
async def test_a_recurring_invoice_is_said_to_go_on_by_itself(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        given: dict[str, Any] = {"customer_id": customer, "line_items": [PLAIN]}
        named = {"recurrence_name": "Hosting", "recurrence_frequency": "months"}
        made = await call(client, "create_recurring_invoice", **given, **named)
        assert made["recurring_invoice"]["next_invoice_date"] in made["mailed_later"]
        assert "mailed_later" not in await call(client, "create_invoice", **given)
