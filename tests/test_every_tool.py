"""Every tool, used once as a business would use it, on both products; and the cases that should just work."""

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types as types
import pytest
from conftest import Zoho, call, kind_of, text_of
from jsonschema import Draft202012Validator, validate
from mcp import Client
from mcp.shared.exceptions import MCPError
from stories import LINES, PNG, use_every_tool

from zoho_mcp.server.tools.local_files import LARGEST_UPLOAD
from zoho_mcp.server.tools.offered import output_schema
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("product", ["invoice", pytest.param("books", marks=pytest.mark.slow)])
async def test_every_tool_works_in_the_sandbox(zoho: Zoho, tmp_path: Path, product: str) -> None:
    uses = await use_every_tool(zoho, tmp_path, product)
    used, catalog = {use.tool for use in uses}, load(product)
    unused = set(catalog.operations) - used
    assert unused == set(), "Use these tools in a story of tests/cases/walks/."
    for use in uses:
        if catalog.operations[use.tool].effect == "read":
            keeps_the_promised_shape(catalog.operations[use.tool], use.answer)
    destroyed = [tool for tool in used if load(product).operations[tool].effect == "destroy"]
    # Updates that take something away are asked about too.
    assert len(zoho.person.questions) >= len(destroyed)


def keeps_the_promised_shape(operation: Operation, answer: dict[str, Any]) -> None:
    """The client checked the answer against the published schema. Inside, records are as `output` says."""
    assert set(answer) <= set(output_schema(operation)["properties"]), operation.name
    held: Any = answer.get(operation.tool_answer_key, [])
    records = cast("list[dict[str, Any]]", held if isinstance(held, list) else [held])
    for record in records:
        validate(record, dict(operation.output), Draft202012Validator)
    if operation.answer.columns and not operation.handler:
        # Pages are put together, and records found, by the id in the first column.
        ids = [record[operation.answer.columns[0]] for record in records]
        assert len(set(ids)) == len(ids), operation.name


async def sent_estimate(client: Client) -> str:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    lines = [{"name": "App", "rate": 15000.55, "quantity": 2, "discount": "10%"}]
    written = await call(
        client, "create_estimate", customer_id=customer, line_items=lines, discount_type="item_level", notes="30 days"
    )
    await call(client, "mark_estimate_sent", estimate_id=written["estimate"]["estimate_id"])
    return written["estimate"]["estimate_id"]


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_converting_twice_gives_the_same_invoice(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        estimate = await sent_estimate(client)
        total = (await call(client, "get_estimate", estimate_id=estimate))["estimate"]["total"]
        first = await call(client, "convert_estimate_to_invoice", estimate_id=estimate)
        before = zoho.changes()
        again = await call(client, "convert_estimate_to_invoice", estimate_id=estimate)
    assert first["invoice"]["invoice_id"] == again["invoice"]["invoice_id"]
    assert first["invoice"]["total"] == total
    assert zoho.changes() == before


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_converting_at_the_same_time_makes_one_invoice(zoho: Zoho, product: str) -> None:
    found: list[str] = []
    async with zoho.client(product=product) as client:
        estimate = await sent_estimate(client)

        async def convert() -> None:
            found.append(
                (await call(client, "convert_estimate_to_invoice", estimate_id=estimate))["invoice"]["invoice_id"]
            )

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(convert)
    assert len(set(found)) == 1
    assert len([change for change in zoho.changes() if "/invoices" in change]) == 1


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_a_draft_estimate_is_not_converted_and_the_way_is_named(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        estimate = (await call(client, "create_estimate", customer_id=customer, line_items=LINES))["estimate"]
        before = zoho.changes()
        result = await client.call_tool("convert_estimate_to_invoice", {"estimate_id": estimate["estimate_id"]})
    assert result.is_error
    assert "mark_estimate_sent" in text_of(result)
    assert zoho.changes() == before


async def test_an_upsert_says_whether_it_created_or_updated(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        arguments: dict[str, Any] = {
            "unique_field": "cf_contract", "unique_value": "C-1", "upsert": True, "customer_id": customer,
            "recurrence_name": "Hosting", "recurrence_frequency": "months", "line_items": LINES,
        }  # fmt: skip
        first = await call(client, "upsert_recurring_invoice", **arguments)
        zoho.clock.advance(minutes=1)
        again = await call(client, "upsert_recurring_invoice", **arguments | {"repeat_every": 3})
    assert first["message"] == "Created recurring invoice Hosting."
    assert again["message"] == "Updated recurring invoice Hosting."
    assert first["recurring_invoice"]["recurring_invoice_id"] == again["recurring_invoice"]["recurring_invoice_id"]


@pytest.mark.parametrize("value", ["C-1\r\nX-Evil: 1", "Verträge"])
async def test_nothing_but_plain_text_goes_into_a_header(zoho: Zoho, value: str) -> None:
    async with zoho.client() as client:
        arguments = {"unique_field": "cf_contract", "unique_value": value, "repeat_every": 2}
        result = await client.call_tool("upsert_recurring_invoice", arguments)
    assert kind_of(result) == "arguments"
    assert "unique_value" in text_of(result)
    assert zoho.received() == []


async def expense(client: Client) -> str:
    return (await call(client, "list_expenses", per_page=1))["expenses"][0]["expense_id"]


async def test_a_receipt_comes_only_from_the_upload_folder(zoho: Zoho, tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret.png"
    (allowed / "inner").mkdir(parents=True)
    secret.write_bytes(PNG)
    (allowed / "link.png").symlink_to(secret)
    (allowed / "way").symlink_to(tmp_path)
    (allowed / "fake.png").write_bytes(b"#!/bin/sh")
    (allowed / "empty.pdf").write_bytes(b"")
    (allowed / "notes.txt").write_bytes(b"x")
    (allowed / "big.pdf").write_bytes(b"%PDF-" + b"0" * LARGEST_UPLOAD)
    (allowed / "inner" / "fine.pdf").write_bytes(b"%PDF-1.4")
    wrong = ["../secret.png", str(secret), "link.png", "way/secret.png", "fake.png", "empty.pdf", "notes.txt",
             "big.pdf", "missing.pdf", "inner", "", "inner/../../secret.png"]  # fmt: skip
    async with zoho.client(upload_dir=allowed) as client:
        identity = await expense(client)
        for path in wrong:
            result = await client.call_tool("upload_expense_receipt", {"expense_id": identity, "file_path": path})
            assert result.is_error, path
            assert "file_path" in text_of(result)
        assert zoho.changes() == []
        for path in ("inner/fine.pdf", str(allowed / "inner" / "fine.pdf")):
            await call(client, "upload_expense_receipt", expense_id=identity, file_path=path)
        assert len(zoho.changes()) == 2
    async with zoho.client() as client:
        result = await client.call_tool("upload_expense_receipt", {"expense_id": identity, "file_path": "a.png"})
        assert "ZOHO_UPLOAD_DIR" in text_of(result)


async def test_a_pdf_is_saved_on_request_and_overwrites_nothing(zoho: Zoho, tmp_path: Path) -> None:
    async with zoho.client(download_dir=tmp_path) as client:
        invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]
        for _ in range(2):
            await call(client, "get_invoice_pdf", invoice_id=invoice["invoice_id"], save=True)
    name = str(invoice["invoice_number"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name} (2).pdf", f"{name}.pdf"]
    assert all(path.read_bytes().startswith(b"%PDF-") for path in tmp_path.iterdir())
    async with zoho.client() as client:
        result = await client.call_tool("get_invoice_pdf", {"invoice_id": invoice["invoice_id"], "save": True})
    assert "ZOHO_DOWNLOAD_DIR" in text_of(result)


async def test_monthly_revenue_is_exact_over_all_pages(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_mcp.server.results.result.MOST_ROWS", 2)
    async with zoho.client() as client:
        rows = (await call(client, "list_invoices", date_start="2026-05-01", date_end="2026-05-31"))["invoices"]
        payments = (await call(client, "list_payments", date_start="2026-05-01", date_end="2026-05-31"))[
            "customerpayments"
        ]
        report = await call(client, "get_monthly_revenue", year=2026, month=5)
    counted = [row for row in rows if row["status"] not in ("draft", "void")]
    assert len(rows) > 2
    for currency, figures in report["currencies"].items():
        mine = [row for row in counted if row["currency_code"] == currency]
        paid = [row for row in mine if row["status"] == "paid"]
        received = [row for row in payments if row["currency_code"] == currency]
        assert figures["invoiced"] == added(mine, "total")
        assert (figures["revenue"], figures["invoice_count"]) == (added(paid, "total"), len(paid))
        assert (figures["received"], figures["payment_count"]) == (added(received, "amount"), len(received))
        assert set(report["definitions"]) - {"currencies"} == set(figures)


def added(rows: list[dict[str, Any]], name: str) -> float:
    return float(sum((Decimal(str(row[name])) for row in rows), Decimal()))


async def test_receivables_by_age_add_up_to_what_customers_owe(zoho: Zoho) -> None:
    async with zoho.client() as client:
        report = await call(client, "get_receivables_aging", as_of="2026-06-15")
        rows = (await call(client, "list_customers"))["customers"]
    owed = {row["customer_id"]: row["outstanding_receivable_amount"] for row in rows}
    for row in report["customers"]:
        assert row["total"] == owed[row["customer_id"]]
        buckets = [Decimal(str(row.get(name, 0))) for name in ("current", "1-30", "31-60", "61-90", "over 90")]
        assert sum(buckets) == Decimal(str(row["total"]))
    assert {identity for identity, amount in owed.items() if amount} == {
        row["customer_id"] for row in report["customers"]
    }


async def test_read_only_offers_reads_and_runs_nothing_else(zoho: Zoho) -> None:
    async with zoho.client(read_only=True, toolsets=("all",)) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {name for name, operation in load().operations.items() if operation.effect == "read"}
        with pytest.raises(MCPError) as caught:
            await client.call_tool("create_customer", {"contact_name": "A"})
    assert caught.value.code == types.INVALID_PARAMS
    assert zoho.changes() == []


async def test_toolsets_and_tools_choose_what_is_offered(zoho: Zoho) -> None:
    async with zoho.client(toolsets=("organizations",), tools=("get_invoice",), exclude_tools=()) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["get_invoice", "list_organizations"]
    async with zoho.client(toolsets=("payments",), exclude_tools=("delete_payment",)) as client:
        assert "delete_payment" not in [tool.name for tool in (await client.list_tools()).tools]


async def test_a_report_of_a_month_that_does_not_exist_is_refused(zoho: Zoho) -> None:
    async with zoho.client() as client:
        result: types.CallToolResult = await client.call_tool("get_monthly_revenue", {"year": 2026, "month": 13})
    assert kind_of(result) == "arguments"
    assert {"month", "12"} <= set(text_of(result).split())


@pytest.mark.parametrize(
    ("status", "tool", "meant"),
    [
        ("draft", "accept_estimate", "mark_estimate_sent"),
        ("draft", "convert_estimate_to_invoice", "mark_estimate_sent"),
        ("expired", "accept_estimate", "update_estimate"),
        ("expired", "decline_estimate", "update_estimate"),
        ("declined", "accept_estimate", "declined"),
        ("invoiced", "accept_estimate", "convert_estimate_to_invoice"),
    ],
)
async def test_the_advice_depends_on_the_status_of_the_estimate(zoho: Zoho, status: str, tool: str, meant: str) -> None:
    async with zoho.client() as client:
        estimate = (await call(client, "list_estimates", status=status))["estimates"][0]["estimate_id"]
        result = await client.call_tool(tool, {"estimate_id": estimate})
    assert kind_of(result) == "rejected"
    assert meant in text_of(result)


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_an_expired_estimate_is_converted_with_a_remark(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        estimate = (await call(client, "list_estimates", status="expired"))["estimates"][0]["estimate_id"]
        assert len((await call(client, "convert_estimate_to_invoice", estimate_id=estimate))["remarks"]) == 1
