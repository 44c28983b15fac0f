"""Zoho silently ignores a filter that it does not know: no row that contradicts it is passed on, or added up."""

from collections.abc import Mapping
from typing import Any

import pytest
from conftest import Zoho, call
from large_books import fill

from zoho_mcp.errors import UnavailableError
from zoho_mcp.server.tools import filter_check
from zoho_mcp.specs.load import load

ROWS: list[dict[str, Any]] = [
    {"invoice_id": "1", "status": "draft", "customer_id": "7", "customer_name": "Ada", "date": "2026-05-01",
     "total": 5, "balance": 5, "invoice_number": "INV-1", "last_modified_time": "2026-05-01T10:00:00-0400"},
    {"invoice_id": "2", "status": "overdue", "customer_id": "8", "customer_name": "Bob", "date": "2026-05-31",
     "total": 5, "balance": 5, "invoice_number": "INV-2", "last_modified_time": "2026-05-31T10:00:00-0400"},
    {"invoice_id": "3", "status": "partially_paid", "customer_id": "8", "customer_name": "Bob", "date": "2026-06-01",
     "total": 5, "balance": 2, "invoice_number": "INV-3", "last_modified_time": "2026-06-01T10:00:00-0400"},
    {"invoice_id": "4", "status": "paid", "customer_id": "7", "customer_name": "Ada", "date": "2026-06-02",
     "total": 5, "balance": 0, "invoice_number": "INV-4", "last_modified_time": "2026-06-02T10:00:00-0400"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({"status": "unpaid"}, "23"), ({"status": "overdue"}, "2"), ({"status": "partially_paid"}, "3"),
        ({"status": "draft"}, "1"), ({"customer_id": "8"}, "23"), ({"customer_name": "ada"}, "14"),
        ({"invoice_number": "INV-4"}, "4"), ({"date_start": "2026-05-31", "date_end": "2026-06-01"}, "23"),
        ({"last_modified_time": "2026-06-01T14:00:00+0000"}, "34"), ({"search_text": "x", "per_page": 5}, "1234"),
        ({"status": "paid", "customer_id": "8"}, ""), ({"due_date_start": "2026-05-31"}, "1234"),
    ],
)  # fmt: skip
def test_rows_that_contradict_a_filter_are_left_out(arguments: Mapping[str, Any], kept: str) -> None:
    operation = load("invoice", "").operations["list_invoices"]
    places, found = filter_check.examine(operation, arguments, ROWS)
    assert "".join(ROWS[place]["invoice_id"] for place in places) == kept
    assert bool(found.ignored) == (len(places) < len(ROWS))
    assert found.left_out == len(ROWS) - len(places)


def test_the_words_of_a_status_are_compared_as_zoho_spells_them() -> None:
    operation = load("invoice", "").operations["list_expenses"]
    rows: list[dict[str, Any]] = [
        {"expense_id": "1", "status": "nonbillable"},
        {"expense_id": "2", "status": "unbilled"},
    ]
    places, found = filter_check.examine(operation, {"status": "non-billable"}, rows)
    assert (places, list(found.ignored), found.left_out) == ([0], ["status=non-billable"], 1)


@pytest.mark.anyio
async def test_sums_and_reports_are_the_same_where_zoho_filters_nothing(zoho: Zoho) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_invoices", {"status": "paid"}),
        ("list_invoices", {"date_start": "2026-05-01", "date_end": "2026-05-31"}),
        ("list_expenses", {"date_start": "2026-05-01"}),
        ("get_monthly_revenue", {"year": 2026, "month": 5}),
        ("get_receivables_aging", {}),
    ]
    async with zoho.client() as client:
        expected = [await call(client, tool, **arguments) for tool, arguments in calls]
        zoho.faults.add("GET *:ignore=status,date_start,date_end,sort_column,sort_order:*")
        found = [await call(client, tool, **arguments) for tool, arguments in calls]
    for name in ("sums", "currencies"):
        assert [answer.get(name) for answer in found] == [answer.get(name) for answer in expected]
    assert all(answer["remarks"] for answer in found)
    assert not any("remarks" in answer for answer in expected)


@pytest.mark.anyio
async def test_a_list_whose_pages_zoho_does_not_turn_is_an_error(zoho: Zoho) -> None:
    fill(zoho.store, 500, "2026-05")
    zoho.faults.add("GET /invoices:ignore=page:*")
    async with zoho.client(max_answer=1_000_000) as client:
        result = await client.call_tool("list_invoices", {"max_records": 500})
    assert result.is_error
    assert result.structured_content["error"]["kind"] == UnavailableError.kind


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [{}, {"per_page": 30}, {"max_records": 25}, {"max_records": 1000}])
async def test_rows_left_after_an_ignored_filter_go_on_where_they_were_cut(
    zoho: Zoho, arguments: dict[str, Any]
) -> None:
    fill(zoho.store, 300, "2026-05")
    wanted: dict[str, Any] = {"status": "unpaid", "sort_column": "invoice_number", "sort_order": "A"}
    async with zoho.client(max_answer=1_000_000) as client:
        expected = [row["invoice_number"] for row in (await call(client, "list_invoices", **wanted))["invoices"]]
    zoho.faults.add("GET *:ignore=status:*")
    found: list[str] = []
    asked = wanted | arguments
    async with zoho.client(max_answer=3_000) as client:
        for _ in range(100):
            answer = await call(client, "list_invoices", **asked)
            found += [row["invoice_number"] for row in answer["invoices"]]
            if not answer["has_more"]:
                break
            asked |= answer["next"]
    assert len(expected) > 5
    assert found == expected
