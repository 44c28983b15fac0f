"""A figure that differs from the request is never passed on silently."""

from typing import Any

import pytest
from conftest import Zoho, call

from zoho_mcp.server.results.remarks import remarks
from zoho_mcp.specs.load import load

OPERATION = load().operations["create_invoice"]
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
    ],
)
def test_what_differs_is_remarked_on(arguments: dict[str, Any], record: dict[str, Any], count: int) -> None:
    assert len(remarks(OPERATION, arguments, record)) == count


@pytest.mark.anyio
@pytest.mark.parametrize(
    "arguments",
    [
        {"line_items": [{"name": "A", "rate": 50, "discount": "10%"}]},
        {"line_items": [{"name": "A", "rate": 50}], "discount": "10%"},
        {"line_items": [{"name": "A", "rate": 50}], "discount": 5},
    ],
)
@pytest.mark.parametrize("tool", ["create_invoice", "create_estimate"])
async def test_a_discount_counts_wherever_it_is_given(zoho: Zoho, tool: str, arguments: dict[str, Any]) -> None:
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        made = await call(client, tool, customer_id=customer, **arguments)
    assert made[tool.removeprefix("create_")]["total"] == 45
    assert "remarks" not in made
