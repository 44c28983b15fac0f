"""Reports over many records: exact, with the least number of requests, in flat memory."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Clock, Zoho, call, kind_of
from large_books import RECEIVED_SQL, REVENUE_SQL, fill
from mcp import Client

from zoho_mcp.cli.local_sandbox import SandboxTransport, environment_for
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.demo.organization import seed
from zoho_mcp.sandbox.limits import UNLIMITED
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates

pytestmark = pytest.mark.anyio


def books(path: Path, invoices: int) -> Zoho:
    """A sandbox in a file, with so many invoices in May 2026."""
    clock, store = Clock(), Store.open(path)
    seed(store, today=clock().date())
    fill(store, invoices, "2026-05")
    app = create_app(store, clock=clock, limits=UNLIMITED)
    return Zoho(store, app, clock, from_environment(environment_for("http://127.0.0.1")))


def figures(report: dict[str, Any], amount: str, count: str) -> list[tuple[str, int, int]]:
    return [(code, part[count], round(part[amount] * 100)) for code, part in report["currencies"].items()]


async def test_monthly_revenue_is_what_sql_over_the_books_says(tmp_path: Path) -> None:
    zoho = books(tmp_path / "books.db", 450)
    async with zoho.client() as client:
        report = await call(client, "get_monthly_revenue", year=2026, month=5)
    with sqlite3.connect(tmp_path / "books.db") as connection:
        revenue = connection.execute(REVENUE_SQL, ("2026-05",)).fetchall()
        received = connection.execute(RECEIVED_SQL, ("2026-05",)).fetchall()
        invoices = connection.execute(
            "select count(*) from records where kind = 'invoice' and json_extract(body, '$.date') like '2026-05-%'"
        ).fetchone()[0]
    connection.close()
    zoho.store.close()
    assert figures(report, "revenue", "invoice_count") == revenue
    assert figures(report, "received", "payment_count") == received
    asked = [path.rpartition("/")[2] for path in zoho.received()]
    payments = sum(count for _, count, _ in received)
    assert asked.count("invoices") == -(-invoices // 200)
    assert asked.count("customerpayments") == -(-payments // 200)
    # Zoho names no currency in its rows of payments, so the customers are read too, once.
    assert asked.count("contacts") == 1
    assert len(asked) == asked.count("invoices") + asked.count("customerpayments") + 1


async def test_a_report_tells_how_far_it_is(zoho: Zoho) -> None:
    fill(zoho.store, 300, "2026-05")
    told: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async with zoho.client() as client:
        await client.call_tool("get_monthly_revenue", {"year": 2026, "month": 5}, progress_callback=note)
    assert told[0] == 200


async def test_a_month_without_invoices_has_no_figures(zoho: Zoho) -> None:
    async with zoho.client() as client:
        report = await call(client, "get_monthly_revenue", year=2001, month=2)
    assert report["message"]
    assert "currencies" not in report
    assert len(zoho.received()) == 2


async def test_a_report_over_more_pages_than_a_minute_allows_goes_on_at_that_rate(zoho: Zoho) -> None:
    fill(zoho.store, 1_000, "2026-05")
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    limiter = Limiter(Rates(3, 1_000, 5), clock=zoho.seconds, sleep=zoho.sleep)
    client = ZohoClient(zoho.settings, transport=SandboxTransport(zoho.app), clock=zoho.seconds, limiter=limiter)
    started = zoho.seconds()
    async with Client(create_server(zoho.settings, load(), client)) as client:
        result = await client.call_tool("get_monthly_revenue", {"year": 2026, "month": 5}, progress_callback=note)
        at_once = await client.call_tool("list_customers", {})
        while not at_once.is_error:
            at_once = await client.call_tool("list_customers", {})
    assert not result.is_error
    assert zoho.seconds() - started > 60 * (len(zoho.received()) // 3 - 1)
    assert any("3" in str(message).split() for _, message in told)
    assert [figure for figure, _ in told] == sorted({figure for figure, _ in told})
    # What has read nothing yet is told at once.
    assert kind_of(at_once) == "limited"


async def test_receivables_come_page_by_page_with_the_same_totals(zoho: Zoho) -> None:
    async with zoho.client() as client:
        every = await call(client, "get_receivables_aging", as_of="2026-06-15")
        pages: list[dict[str, Any]] = []
        arguments: dict[str, Any] = {"page": 1, "per_page": 2}
        while True:
            pages.append(await call(client, "get_receivables_aging", as_of="2026-06-15", **arguments))
            if not pages[-1]["has_more"]:
                break
            arguments |= {"page": arguments["page"] + 1}
    assert [row for page in pages for row in page["customers"]] == every["customers"]
    assert all(page["currencies"] == every["currencies"] for page in pages)
    owed = [(row["currency_code"], -row["total"]) for row in every["customers"]]
    assert owed == sorted(owed)


async def test_receivables_that_are_too_long_say_how_they_go_on(zoho: Zoho) -> None:
    async with zoho.client(max_answer=900) as client:
        first = await call(client, "get_receivables_aging", as_of="2026-06-15")
        rest = await call(client, "get_receivables_aging", as_of="2026-06-15", **first["next"])
    assert first["left_out"]
    assert first["currencies"] == rest["currencies"]
    shown = {row["customer_id"] for row in first["customers"]}
    assert shown.isdisjoint(row["customer_id"] for row in rest["customers"])


async def test_receivables_say_what_is_overdue_and_since_when(zoho: Zoho) -> None:
    async with zoho.client() as client:
        report = await call(client, "get_receivables_aging", as_of="2026-06-15")
        unpaid = (await call(client, "list_invoices", status="unpaid"))["invoices"]
    late = [row for row in unpaid if row["due_date"] < "2026-06-15"]
    for currency, figures in report["currencies"].items():
        rows = [row for row in late if row["currency_code"] == currency]
        assert round(figures.get("overdue", 0) * 100) == round(sum(row["balance"] for row in rows) * 100)
        assert figures.get("oldest_due_date") == min((row["due_date"] for row in rows), default=None)
    for row in report["customers"]:
        due = [one["due_date"] for one in late if one["customer_name"] == row["customer_name"]]
        assert row.get("oldest_due_date") == min(due, default=None)
    assert any(row.get("overdue") for row in report["customers"])


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_number_of_pages(tmp_path: Path) -> None:
    class Counted(httpx.AsyncBaseTransport):
        """Notes how much memory is in use while Zoho is being asked."""

        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self.inner = inner
            self.in_use: list[int] = []

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.in_use.append(sys.getallocatedblocks())
            return await self.inner.handle_async_request(request)

    zoho = books(tmp_path / "books.db", 1_500)
    transport = Counted(httpx.ASGITransport(zoho.app))
    client = ZohoClient(zoho.settings, transport=transport, clock=lambda: zoho.clock().timestamp())
    async with Client(create_server(zoho.settings, load(), client)) as client:
        await call(client, "get_monthly_revenue", year=2026, month=5)
    zoho.store.close()
    assert len(transport.in_use) > 10
    assert max(transport.in_use[6:]) < max(transport.in_use[:6]) + 10_000
