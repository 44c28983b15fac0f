"""One definition of what is owed: sent invoices only, in lists, reports, statements, summaries and on the customer."""

from datetime import date
from typing import Any

import pytest
from conftest import Zoho, call
from sandbox_support import Json

from zoho_mcp.sandbox.demo.organization import request_at
from zoho_mcp.sandbox.demo.steps import send

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ACTIONS: dict[str, tuple[str, ...]] = {
    "draft": (), "pending_approval": ("submit",), "approved": ("submit", "approve"), "rejected": ("submit", "reject"),
    "void": ("status/sent", "status/void"), "sent": ("status/sent",),
}  # fmt: skip


def act(zoho: Zoho, invoice: str, status: str) -> None:
    at = request_at(zoho.store, date(2026, 6, 15), "books")
    for action in ACTIONS[status]:
        with zoho.store.transaction():
            send(at, "POST", f"/invoices/{invoice}/{action}")


async def test_only_what_was_sent_is_owed_wherever_it_is_added_up(zoho: Zoho) -> None:
    async with zoho.client(product="books", toolsets=("all",)) as client:
        before = await figures(client)
        customer = (await call(client, "create_customer", contact_name="Sum"))["customer"]["customer_id"]
        for power, status in enumerate(ACTIONS):
            lines = [{"name": "Work", "rate": 10**power}]
            made = await call(client, "create_invoice", customer_id=customer, date="2026-06-01", due_date="2026-06-30",
                              line_items=lines)  # fmt: skip
            act(zoho, made["invoice"]["invoice_id"], status)
        rows = (await call(client, "list_invoices", customer_id=customer))["invoices"]
        assert {row["status"] for row in rows} == set(ACTIONS)
        listed = await call(client, "list_invoices", customer_id=customer)
        statement = await call(client, "get_customer_statement", customer_id=customer)
        shown = (await call(client, "get_customer", customer_id=customer))["customer"]
        after = await figures(client)
    owed = 10**5
    assert listed["sums"]["USD"] == {"count": 1, "total": owed, "balance": owed}
    assert listed["not_in_sums"] == "1 approved, 1 draft, 1 pending_approval, 1 rejected, 1 void"
    assert statement["currencies"]["USD"]["owed"] == statement["currencies"]["USD"]["balance"] == owed
    assert len(statement["open_invoices"]) == 1
    assert shown["outstanding_receivable_amount"] == owed
    assert {name: round(after[name] - before[name], 2) for name in after} == dict.fromkeys(after, owed)


async def figures(client: Any) -> dict[str, float]:
    """What the reports say in US dollars."""
    month: Json = (await call(client, "get_monthly_revenue", year=2026, month=6))["currencies"]["USD"]
    aging: Json = (await call(client, "get_receivables_aging", as_of="2026-06-15"))["currencies"]["USD"]
    summary: Json = (await call(client, "summarize_records", records="invoices", group_by="month"))["currencies"]["USD"]
    return {
        "invoiced": month["invoiced"], "outstanding": month["outstanding"], "current": aging.get("current", 0),
        "total": aging["total"], "summary": summary["amount"],
    }  # fmt: skip
