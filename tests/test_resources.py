"""Customers, invoices and the organisation as resources, in both eras."""

import json
from decimal import Decimal
from typing import Any

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call
from large_books import fill
from mcp import Client
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.results.projection import with_records

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
S = "zoho-invoice://"


async def read(client: Client, uri: str) -> dict[str, Any]:
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, types.TextResourceContents)
    assert (str(contents.uri), contents.mime_type) == (uri, "application/json")
    return with_records(json.loads(contents.text))


def own(listed: types.ListResourcesResult) -> list[str]:
    """The addresses without those of skills."""
    return [str(one.uri) for one in listed.resources if not str(one.uri).startswith("skill://")]


@both_eras
async def test_the_lists_come_first_without_a_request_and_then_the_newest_records(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        first = await client.list_resources()
        assert zoho.received() == []
        customers = await client.list_resources(cursor=first.next_cursor)
        invoices = await client.list_resources(cursor=customers.next_cursor)
        assert invoices.next_cursor is None
        assert len(zoho.received()) == 2
        for found in (customers.resources[0], invoices.resources[0]):
            assert await read(client, str(found.uri))
    assert own(first) == [f"{S}organization", f"{S}customers", f"{S}invoices", f"{S}changes"]
    names = {one.name: one.description or "" for one in (*customers.resources, *invoices.resources)}
    assert "maya@harborcoffee.example" in names["Harbor Coffee Roasters"]
    assert names["INV-000043 Harbor Coffee Roasters"] == "545.27 USD, draft, dated 2026-06-14"
    assert all(one.description for one in first.resources)


async def test_a_cursor_that_was_not_given_out_is_refused(zoho: Zoho) -> None:
    async with zoho.client() as client:
        with pytest.raises(MCPError) as caught:
            await client.list_resources(cursor="secrets")
    assert caught.value.code == types.INVALID_PARAMS


@both_eras
async def test_templates_name_every_kind_of_record(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        found = {one.uri_template: one for one in (await client.list_resource_templates()).resource_templates}
    assert set(found) == {
        f"{S}customers{{?page}}", f"{S}customers/{{customer_id}}", f"{S}customers/{{customer_id}}/statement",
        f"{S}invoices{{?page}}", f"{S}invoices/{{invoice_id}}", f"{S}invoices/{{invoice_id}}/pdf",
    }  # fmt: skip
    assert all(one.title and one.description for one in found.values())


@both_eras
async def test_a_record_reads_as_the_tool_shows_it_with_its_texts_uncut(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        lines = [{"name": "x", "rate": 1.5}]
        made = await call(client, "create_invoice", customer_id=customer, line_items=lines, notes="a" * 900)
        invoice = made["invoice"]
        shown = (await read(client, f"{S}invoices/{invoice['invoice_id']}"))["invoice"]
        assert shown.pop("notes") == "a" * 900
        del invoice["notes"]
        assert {name: value for name, value in shown.items() if name in invoice} == invoice
        record = await read(client, f"{S}customers/{customer}")
        assert record == await call(client, "get_customer", customer_id=customer)
        organization = (await read(client, f"{S}organization"))["organization"]
    assert organization["organization_id"] == zoho.settings.organization_id
    assert organization["time_zone"]
    assert organization["currency_code"]


async def test_a_list_goes_on_at_the_address_it_names(zoho: Zoho) -> None:
    fill(zoho.store, 400, "2026-05")
    uri, numbers = f"{S}invoices", list[str]()
    async with zoho.client() as client:
        while uri:
            page = await read(client, uri)
            numbers += [row["invoice_number"] for row in page["invoices"]]
            uri = page.get("next", "")
    assert len(numbers) == len(set(numbers)) == 443


@both_eras
async def test_a_statement_adds_up_to_what_the_customer_owes(zoho: Zoho, era: Era) -> None:
    fill(zoho.store, 30, "2026-05")
    async with zoho.client(era) as client:
        customers = (await call(client, "list_customers"))["customers"]
        for customer in customers:
            identity = customer["customer_id"]
            statement = await read(client, f"{S}customers/{identity}/statement")
            [figures] = statement["currencies"].values()
            totals = {name: Decimal(str(value)) for name, value in figures.items()}
            payments = (await call(client, "list_payments", customer_id=identity))["customerpayments"]
            assert totals["owed"] == Decimal(str(customer["outstanding_receivable_amount"]))
            assert totals["unused"] == Decimal(str(customer["unused_credits_receivable_amount"]))
            assert totals["balance"] == totals["owed"] - totals["unused"]
            assert totals["owed"] == added(statement.get("open_invoices", []), "balance")
            assert totals["paid"] == added(payments, "amount")
            assert statement["payment_count"] == len(payments)
            late = [row for row in statement.get("open_invoices", []) if row["due_date"] < statement["as_of"]]
            assert totals["overdue"] == added(late, "balance")


def added(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows), Decimal())


@pytest.mark.parametrize("uri", [f"{S}invoices?page=0", f"{S}invoices?page=1&x=1", f"{S}customers/1/pdf", f"{S}items"])
async def test_an_address_that_is_none_is_a_protocol_error(zoho: Zoho, uri: str) -> None:
    async with zoho.client() as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.code == types.INVALID_PARAMS
    assert zoho.received() == []


async def test_what_is_not_offered_as_a_tool_is_no_resource_either(zoho: Zoho) -> None:
    async with zoho.client(exclude_tools=("get_customer", "list_invoices")) as client:
        found = own(await client.list_resources())
        templates = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        first = await client.list_resources()
        with pytest.raises(MCPError):
            await client.read_resource(f"{S}invoices")
    assert found == [f"{S}organization", f"{S}customers", f"{S}changes"]
    assert templates == [f"{S}customers{{?page}}", f"{S}invoices/{{invoice_id}}", f"{S}invoices/{{invoice_id}}/pdf"]
    assert first.next_cursor is None


async def test_hints_let_a_client_keep_only_what_lasts(zoho: Zoho) -> None:
    async with zoho.client() as client:
        tools, prompts = await client.list_tools(), await client.list_prompts()
        fixed = await client.list_resources()
        records = await client.list_resources(cursor=fixed.next_cursor)
        templates = await client.list_resource_templates()
        organization = await client.read_resource(f"{S}organization")
        invoices = await client.read_resource(f"{S}invoices")
        pdf = await client.read_resource(str(await some_pdf(client)))
    for lasting in (tools, prompts, fixed, templates, organization):
        assert lasting.ttl_ms == 300_000
        assert lasting.cache_scope == "private"
    for passing in (records, invoices, pdf):
        assert passing.ttl_ms == 0
        assert passing.cache_scope == "private"


async def some_pdf(client: Client) -> str:
    invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]["invoice_id"]
    return f"{S}invoices/{invoice}/pdf"


@both_eras
async def test_after_a_change_nothing_old_is_read(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        invoice = (await call(client, "create_invoice", customer_id=customer, line_items=[{"name": "x", "rate": 10}]))[
            "invoice"
        ]["invoice_id"]
        for uri in (f"{S}invoices/{invoice}", f"{S}invoices", f"{S}customers/{customer}/statement"):
            await read(client, uri)
        before = (await read(client, f"{S}customers/{customer}/statement"))["currencies"]["EUR"]["owed"]
        await call(client, "mark_invoice_sent", invoice_id=invoice)
        assert (await read(client, f"{S}invoices/{invoice}"))["invoice"]["status"] == "sent"
        rows = {row["invoice_id"]: row for row in (await read(client, f"{S}invoices"))["invoices"]}
        after = (await read(client, f"{S}customers/{customer}/statement"))["currencies"]["EUR"]["owed"]
    assert rows[invoice]["status"] == "sent"
    assert Decimal(str(after)) - Decimal(str(before)) == 10
