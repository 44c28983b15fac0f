"""Every tool, used once as a business would use it, on both products; and the cases that should just work."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types as types
import pytest
from conftest import Zoho, call, text_of
from mcp import Client

from zoho_mcp.server.tools.attachments import LARGEST_UPLOAD
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
LINES = [{"name": "Design", "rate": 800, "quantity": 3}]
Use = Callable[..., Awaitable[dict[str, Any]]]
WALKS: list[list[dict[str, Any]]] = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cases" / "walks").glob("*.json"))
]


async def invoicing(use: Use, customer: str) -> None:
    invoice = (await use("create_invoice", customer_id=customer, line_items=LINES))["invoice"]["invoice_id"]
    changed = (await use("update_invoice", invoice_id=invoice, notes="Thank you"))["invoice"]
    assert changed["notes"] == "Thank you"
    await use("mark_invoice_sent", invoice_id=invoice)
    await use("email_invoice", invoice_id=invoice, to_mail_ids=["ada@harbour.example"])
    await use("record_invoice_payment", invoice_id=invoice, amount=400)
    [payment] = (await use("list_invoice_payments", invoice_id=invoice))["payments"]
    await use("update_payment", payment_id=payment["payment_id"], reference_number="CHK-1")
    assert (await use("get_payment", payment_id=payment["payment_id"]))["payment"]["reference_number"] == "CHK-1"
    assert (await use("list_payments", customer_id=customer))["customerpayments"]
    await use("delete_payment", payment_id=payment["payment_id"])
    assert (await use("get_invoice", invoice_id=invoice))["invoice"]["balance"] == 2400
    await use("record_payment", customer_id=customer, amount=100)
    assert (await use("get_invoice_pdf", invoice_id=invoice))["mime_type"] == "application/pdf"
    await use("void_invoice", invoice_id=invoice)
    assert (await use("list_invoices", customer_id=customer, status="void"))["invoices"]
    await use("delete_invoice", invoice_id=invoice)


async def estimating(use: Use, customer: str) -> None:
    made = [
        (await use("create_estimate", customer_id=customer, line_items=LINES))["estimate"]["estimate_id"]
        for _ in range(3)
    ]
    await use("update_estimate", estimate_id=made[0], notes="Valid for 30 days")
    await use("mark_estimate_sent", estimate_id=made[0])
    await use("accept_estimate", estimate_id=made[0])
    invoice = (await use("convert_estimate_to_invoice", estimate_id=made[0]))["invoice"]
    assert (invoice["total"], invoice["customer_id"]) == (2400, customer)
    assert (await use("get_estimate", estimate_id=made[0]))["estimate"]["status"] == "invoiced"
    await use("email_estimate", estimate_id=made[1], to_mail_ids=["ada@harbour.example"])
    await use("decline_estimate", estimate_id=made[1])
    assert (await use("list_estimates", customer_id=customer, status="declined"))["estimates"]
    await use("delete_estimate", estimate_id=made[2])


async def crediting(use: Use, customer: str) -> None:
    note = (await use("create_credit_note", customer_id=customer, line_items=LINES))["creditnote"]
    identity = note["creditnote_id"]
    assert (note["status"], note["balance"]) == ("open", 2400)
    await use("update_credit_note", creditnote_id=identity, notes="Sorry")
    await use(
        "email_credit_note",
        creditnote_id=identity,
        to_mail_ids=["ada@harbour.example"],
        subject="Credit",
        body="Attached.",
    )
    known = (await use("list_expenses"))["expenses"][0]["expense_id"]
    account = (await use("get_expense", expense_id=known))["expense"].get("paid_through_account_id")
    refund = {"amount": 400, "date": "2026-06-15", "refund_mode": "cash"}
    # Zoho Invoice shows no accounts, Zoho Books asks for one.
    refund |= {"from_account_id": account} if account else {}
    await use("refund_credit_note", creditnote_id=identity, **refund)
    assert (await use("get_credit_note", creditnote_id=identity))["creditnote"]["balance"] == 2000
    other = (await use("create_credit_note", customer_id=customer, line_items=LINES))["creditnote"]["creditnote_id"]
    await use("void_credit_note", creditnote_id=other)
    assert (await use("list_credit_notes", customer_id=customer))["creditnotes"]
    await use("delete_credit_note", creditnote_id=other)


async def spending(use: Use, folder: Path) -> None:
    category = (await use("list_expense_categories"))["expense_categories"][0]["account_id"]
    known = (await use("list_expenses"))["expenses"][0]["expense_id"]
    account = (await use("get_expense", expense_id=known))["expense"].get("paid_through_account_id")
    paid = {"paid_through_account_id": account} if account else {}
    made = await use("create_expense", account_id=category, date="2026-06-01", amount=12.5, **paid)
    expense = made["expense"]["expense_id"]
    await use("update_expense", expense_id=expense, description="Lunch")
    (folder / "lunch.png").write_bytes(PNG)
    await use("upload_expense_receipt", expense_id=expense, file_path="lunch.png")
    assert (await use("get_expense", expense_id=expense))["expense"]["total"] == 12.5
    assert (await use("list_expenses"))["expenses"]
    await use("delete_expense", expense_id=expense)


async def stocking(use: Use) -> None:
    item = (await use("create_item", name="Icon set", rate=120))["item"]["item_id"]
    await use("update_item", item_id=item, name="Icon set", rate=130)
    await use("deactivate_item", item_id=item)
    await use("activate_item", item_id=item)
    assert (await use("get_item", item_id=item))["item"]["rate"] == 130
    assert (await use("list_items"))["items"]
    await use("delete_item", item_id=item)


async def repeating(use: Use, customer: str) -> None:
    fields: dict[str, Any] = {"customer_id": customer, "recurrence_frequency": "months", "line_items": LINES}
    made = (await use("create_recurring_invoice", recurrence_name="Care", **fields))["recurring_invoice"]
    identity = made["recurring_invoice_id"]
    await use("update_recurring_invoice", recurring_invoice_id=identity, repeat_every=2)
    await use("stop_recurring_invoice", recurring_invoice_id=identity)
    await use("resume_recurring_invoice", recurring_invoice_id=identity)
    template = (await use("list_invoice_templates"))["templates"][0]["template_id"]
    await use("set_recurring_invoice_template", recurring_invoice_id=identity, template_id=template)
    assert len((await use("list_recurring_invoice_history", recurring_invoice_id=identity))["comments"]) >= 4
    unique = {"unique_field": "cf_contract", "unique_value": "C-77", "upsert": True}
    created = await use("upsert_recurring_invoice", recurrence_name="Hosting", **unique, **fields)
    assert created["message"].startswith("Created")
    assert (await use("get_recurring_invoice", recurring_invoice_id=identity))["recurring_invoice"][
        "status"
    ] == "active"
    assert len((await use("list_recurring_invoices", customer_id=customer))["recurring_invoices"]) == 2
    await use("delete_recurring_invoice", recurring_invoice_id=identity)


async def customers(use: Use) -> str:
    person = {"first_name": "Ada", "email": "ada@harbour.example", "is_primary_contact": True}
    spare = (await use("create_customer", contact_name="Spare"))["customer"]["customer_id"]
    await use("deactivate_customer", customer_id=spare)
    await use("activate_customer", customer_id=spare)
    await use("delete_customer", customer_id=spare)
    customer = (await use("create_customer", contact_name="Harbour Café", contact_persons=[person]))["customer"][
        "customer_id"
    ]
    assert (await use("update_customer", customer_id=customer, payment_terms=14))["customer"]["payment_terms"] == 14
    assert (await use("get_customer", customer_id=customer))["customer"]["contact_name"] == "Harbour Café"
    assert (await use("list_contact_persons", customer_id=customer))["contact_persons"][0][
        "email"
    ] == "ada@harbour.example"
    assert (await use("list_customers", contact_name_contains="Harbour"))["customers"]
    return customer


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """The value with each "$name" replaced by what an earlier step kept."""
    if isinstance(value, str) and value.startswith("$"):
        return kept[value[1:]]
    if isinstance(value, list):
        return [filled(part, kept) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: filled(part, kept) for name, part in cast("dict[str, Any]", value).items()}
    return value


def at(answer: Any, path: str) -> Any:
    """The part of an answer at a path such as `invoices.0.invoice_id`."""
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer


async def walk(zoho: Zoho, use: Use, story: list[dict[str, Any]], kept: dict[str, Any]) -> None:
    """One story of cases/walks: each step calls a tool, keeps parts of the answer and expects parts of it."""
    for step in story:
        try:
            answer = await use(step["tool"], **filled(step.get("arguments", {}), kept))
        except AssertionError:
            request = zoho.app.state.request_log[-1]
            if request.code == 5:
                pytest.fail(
                    f"{step['tool']}: the sandbox has no route {request.method} {request.path}. Add a handler and its "
                    "Route to the table of the kind in zoho_mcp/sandbox/kinds/."
                )
            raise
        kept |= {name: at(answer, path) for name, path in step.get("keep", {}).items()}
        for path, expected in step.get("expect", {}).items():
            assert at(answer, path) == filled(expected, kept), (step["tool"], path)


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_every_tool_works_on_the_embedded_zoho(zoho: Zoho, tmp_path: Path, product: str) -> None:
    used: set[str] = set()
    async with zoho.client(product=product, upload_dir=tmp_path, repeat_window=0) as client:

        async def use(tool: str, **arguments: Any) -> dict[str, Any]:
            used.add(tool)
            return await call(client, tool, **arguments)

        customer = await customers(use)
        await invoicing(use, customer)
        await estimating(use, customer)
        await crediting(use, customer)
        await spending(use, tmp_path)
        await stocking(use)
        await repeating(use, customer)
        for story in WALKS:
            await walk(zoho, use, story, {"customer": customer})
    catalog = load(product)
    # Those of the extra toolsets are used in test_receivables.
    assert {name for name, one in catalog.operations.items() if one.toolset not in catalog.extra} - used == set()
    destroyed = [tool for tool in used if load(product).operations[tool].effect == "destroy"]
    # Updates that take something away are asked about too.
    assert len(zoho.person.questions) >= len(destroyed)


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
        again = await call(client, "convert_estimate_to_invoice", estimate_id=estimate)
    assert first["invoice"]["invoice_id"] == again["invoice"]["invoice_id"]
    assert first["invoice"]["total"] == total
    assert "already has an invoice" in again["message"]


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
    assert result.is_error
    assert "unique_value goes into a header" in text_of(result)
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
        with pytest.raises(Exception, match="Unknown tool"):
            await client.call_tool("create_customer", {"contact_name": "A"})
    assert zoho.changes() == []


async def test_toolsets_and_tools_choose_what_is_offered(zoho: Zoho) -> None:
    async with zoho.client(toolsets=("organizations",), tools=("get_invoice",), exclude_tools=()) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["get_invoice", "list_organizations"]
    async with zoho.client(toolsets=("payments",), exclude_tools=("delete_payment",)) as client:
        assert "delete_payment" not in [tool.name for tool in (await client.list_tools()).tools]


async def test_a_report_of_a_month_that_does_not_exist_is_refused(zoho: Zoho) -> None:
    async with zoho.client() as client:
        result: types.CallToolResult = await client.call_tool("get_monthly_revenue", {"year": 2026, "month": 13})
    assert "month must be 12 or less" in text_of(result)
