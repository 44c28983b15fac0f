"""Dates that hardly anybody means are remarked on."""

from datetime import date
from typing import Any

import pytest
from conftest import Zoho, call

from zoho_mcp.server.results.remarks import odd_dates
from zoho_mcp.specs.load import load

CATALOG = load()
TODAY = date(2026, 6, 15)
CASES: list[tuple[str, dict[str, Any], int]] = [
    ("list_invoices", {"date_start": "2026-06-01", "date_end": "2026-06-30"}, 0),
    ("list_invoices", {"date_start": "2026-06-30", "date_end": "2026-06-01"}, 1),
    ("list_invoices", {"due_date_start": "2026-06-30", "due_date_end": "2026-06-01"}, 1),
    ("list_payments", {"date_start": "2026-06-02", "date_end": "2026-06-01"}, 1),
    ("list_expenses", {"date_start": "1926-06-01", "date_end": "1926-06-30"}, 2),
    ("list_estimates", {"date_start": "2062-06-01"}, 1),
    ("list_invoices", {"date_start": "2018-01-01", "date_end": "2018-12-31"}, 0),
    ("list_invoices", {"last_modified_time": "2062-10-09T13:48:53-0400"}, 1),
    ("get_monthly_revenue", {"year": 2026, "month": 6}, 0),
    ("get_monthly_revenue", {"year": 2026, "month": 7}, 1),
    ("get_receivables_aging", {"as_of": "2226-06-15"}, 1),
    ("create_invoice", {"date": "2026-06-15", "due_date": "2026-07-15"}, 0),
    ("create_invoice", {"date": "2026-06-15", "due_date": "2026-05-15"}, 1),
    ("create_invoice", {"date": "2023-06-15"}, 1),
    ("create_invoice", {"date": "2029-06-15"}, 1),
    ("create_estimate", {"date": "2026-06-15", "expiry_date": "2026-06-01"}, 1),
    ("record_invoice_payment", {"date": "0206-06-15"}, 1),
    ("create_expense", {"date": "2025-06-15"}, 0),
    ("create_recurring_invoice", {"start_date": "2026-07-01", "end_date": "2026-06-01"}, 1),
    ("create_recurring_invoice", {"start_date": "2026-07-01", "end_date": "2030-06-01"}, 0),
]


@pytest.mark.parametrize(("tool", "arguments", "count"), CASES)
def test_an_odd_date_is_remarked_on(tool: str, arguments: dict[str, Any], count: int) -> None:
    assert len(odd_dates(CATALOG.operations[tool], arguments, TODAY)) == count


@pytest.mark.anyio
async def test_the_result_has_the_remark(zoho: Zoho) -> None:
    async with zoho.client() as client:
        for tool, arguments in (
            ("list_invoices", {"date_start": "2026-06-30", "date_end": "2026-06-01"}),
            ("get_monthly_revenue", {"year": 2030, "month": 1}),
            ("get_receivables_aging", {"as_of": "2226-06-15"}),
        ):
            assert len((await call(client, tool, **arguments))["remarks"]) == 1
