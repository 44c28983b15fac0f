"""The main job through MCP, and what tools/list and answers look like."""

import json
import re
from decimal import Decimal

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from jsonschema import Draft202012Validator
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.results.projection import with_records
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)


def usual() -> dict[str, Operation]:
    """The operations that are offered unless settings say otherwise."""
    catalog = load()
    return {name: one for name, one in catalog.operations.items() if one.toolset not in catalog.extra}


@both_eras
@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_the_complete_invoice_workflow(zoho: Zoho, era: Era, product: str) -> None:
    async with zoho.client(era, product=product) as client:
        person = {"first_name": "Ada", "email": "ada@harbour.example", "is_primary_contact": True}
        customer = (await call(client, "create_customer", contact_name="Harbour Café", contact_persons=[person]))[
            "customer"
        ]
        lines = [{"name": "Design", "rate": 800.1, "quantity": 3}]
        written = await call(client, "create_invoice", customer_id=customer["customer_id"], line_items=lines)
        invoice = written["invoice"]
        assert (invoice["status"], invoice["total"], invoice["customer_name"]) == ("draft", 2400.3, "Harbour Café")
        await call(client, "mark_invoice_sent", invoice_id=invoice["invoice_id"])
        to = ["ada@harbour.example"]
        mailed = await call(client, "email_invoice", invoice_id=invoice["invoice_id"], to_mail_ids=to)
        assert (mailed["to_mail_ids"], mailed["is_first_email"], mailed["invoice"]["status"]) == (to, True, "sent")
        payment = (await call(client, "record_invoice_payment", invoice_id=invoice["invoice_id"]))["payment"]
        assert (payment["amount"], payment["customer_id"]) == (2400.3, customer["customer_id"])
        paid = (await call(client, "get_invoice", invoice_id=invoice["invoice_id"]))["invoice"]
        assert (paid["status"], paid["balance"]) == ("paid", 0)
        assert [
            row["amount"]
            for row in (await call(client, "list_invoice_payments", invoice_id=invoice["invoice_id"]))["payments"]
        ] == [2400.3]
    base = f"/{product}/v3"
    assert zoho.changes() == [
        f"POST {base}/contacts",
        f"POST {base}/invoices",
        f"POST {base}/invoices/{invoice['invoice_id']}/status/sent",
        f"POST {base}/invoices/{invoice['invoice_id']}/email",
        f"POST {base}/customerpayments",
    ]
    assert [mail["to"] for mail in zoho.store.outbox()][-1:] == [["ada@harbour.example"]]


@both_eras
async def test_tools_come_in_a_fixed_order_with_true_annotations(zoho: Zoho, era: Era) -> None:
    operations = usual()
    async with zoho.client(era) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == list(operations)
    for tool in tools:
        operation = operations[tool.name]
        assert tool.title
        assert tool.description
        assert tool.input_schema == operation.worded_for(operations).published_input
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint == (operation.http.method == "GET")
        assert tool.annotations.destructive_hint == (operation.effect == "destroy")
        assert tool.output_schema is not None
        Draft202012Validator.check_schema(tool.output_schema)


@both_eras
async def test_an_unknown_tool_is_a_protocol_error(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("drop_everything", {})
    assert caught.value.code == types.INVALID_PARAMS
    assert zoho.received() == []


@both_eras
async def test_wrong_arguments_are_an_answer_that_names_them_all_and_nothing_is_sent(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        result = await client.call_tool("create_invoice", {"customer": "Acme", "line_items": []})
    assert kind_of(result) == "arguments"
    for name in ("customer", "customer_id", "line_items"):
        assert re.search(rf"\b{name}\b", text_of(result))
    assert zoho.received() == []


async def test_text_and_structured_content_say_the_same_without_empty_values(zoho: Zoho) -> None:
    async with zoho.client() as client:
        result = await client.call_tool("list_customers", {"per_page": 3})
    assert json.loads(text_of(result)) == result.structured_content
    assert ": " not in text_of(result)
    assert result.structured_content["has_more"] is True
    for row in with_records(result.structured_content)["customers"]:
        assert set(row) <= set(load().operations["list_customers"].answer.columns)
        assert "" not in row.values()


async def test_customers_are_called_customers_everywhere(zoho: Zoho) -> None:
    async with zoho.client() as client:
        row = (await call(client, "list_customers", per_page=1))["customers"][0]
        answer = await call(client, "get_customer", customer_id=row["customer_id"])
    assert answer["customer"]["customer_id"] == row["customer_id"]
    assert '"contact_id"' not in json.dumps(answer)


async def test_a_figure_comes_back_to_the_digit(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        lines = [{"name": "x", "rate": 0.1, "quantity": 3}, {"name": "y", "rate": 1234567.89, "quantity": 1}]
        result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": lines})
    assert '"total":1234568.19,' in text_of(result)


async def test_what_zoho_refuses_is_quoted_and_nothing_is_said_to_have_changed(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoices = (await call(client, "list_invoices", status="paid", per_page=1))["invoices"]
        result = await client.call_tool("delete_invoice", {"invoice_id": invoices[0]["invoice_id"]})
    assert kind_of(result) == "rejected"
    assert "4001" in text_of(result)


async def test_paying_more_than_the_balance_is_refused_by_zoho(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]
        result = await client.call_tool(
            "record_invoice_payment", {"invoice_id": invoice["invoice_id"], "amount": invoice["balance"] + 1}
        )
    assert kind_of(result) == "rejected"
    assert "24016" in text_of(result)


async def test_a_paid_invoice_takes_no_further_payment_by_default(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "list_invoices", status="paid", per_page=1))["invoices"][0]["invoice_id"]
        result = await client.call_tool("record_invoice_payment", {"invoice_id": invoice})
    assert kind_of(result) == "rejected"
    assert zoho.changes() == []


async def test_the_books_add_up(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customers = (await call(client, "list_customers"))["customers"]
        for customer in customers:
            owed = Decimal(str(customer.get("outstanding_receivable_amount", 0)))
            rows = (await call(client, "list_invoices", customer_id=customer["customer_id"]))["invoices"]
            open_ones = [row for row in rows if row["status"] in ("sent", "overdue", "partially_paid")]
            assert sum((Decimal(str(row["balance"])) for row in open_ones), Decimal()) == owed


@both_eras
async def test_a_pdf_is_a_link_whose_bytes_come_only_when_it_is_read(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]
        result = await client.call_tool("get_invoice_pdf", {"invoice_id": invoice["invoice_id"]})
        [link] = [part for part in result.content if isinstance(part, types.ResourceLink)]
        assert (link.name, link.mime_type) == (f"{invoice['invoice_number']}.pdf", "application/pdf")
        assert len(text_of(result)) < 200
        [contents] = (await client.read_resource(link.uri)).contents
        assert isinstance(contents, types.BlobResourceContents)
        assert contents.blob.startswith("JVBER")


@both_eras
async def test_customers_and_invoices_are_resources(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        uris = {str(found.uri) for found in (await client.list_resources()).resources}
        assert {f"zoho-invoice://{name}" for name in ("organization", "customers", "invoices")} <= uris
        templates = [found.uri_template for found in (await client.list_resource_templates()).resource_templates]
        assert "zoho-invoice://invoices/{invoice_id}/pdf" in templates
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        [contents] = (await client.read_resource(f"zoho-invoice://customers/{customer}")).contents
        assert isinstance(contents, types.TextResourceContents)
        assert json.loads(contents.text)["customer"]["customer_id"] == customer


@pytest.mark.parametrize(
    "uri",
    [
        "zoho-invoice://invoices/1/void",
        "zoho-invoice://invoices/..",
        "zoho-invoice://invoices/999",
        "file:///etc/passwd",
    ],
)
async def test_a_resource_that_does_not_exist_is_a_protocol_error(zoho: Zoho, uri: str) -> None:
    async with zoho.client() as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.code == types.INVALID_PARAMS
    assert zoho.changes() == []


async def test_a_bug_is_a_protocol_error_with_a_traceback_in_the_log(
    zoho: Zoho, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("zoho_mcp.zoho.client.build", broken)
    async with zoho.client() as client:
        with pytest.raises((MCPError, ZeroDivisionError)):
            await client.call_tool("list_invoices", {})
    assert "list_invoices" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_tool_of_an_organisation_that_is_not_ours_is_refused_by_name_of_the_setting(zoho: Zoho) -> None:
    async with zoho.client(organization_id="1") as client:
        result = await client.call_tool("list_invoices", {})
        assert kind_of(result) == "auth"
        assert "ZOHO_ORGANIZATION_ID" in text_of(result)
        organizations = (await call(client, "list_organizations"))["organizations"]
    assert organizations[0]["organization_id"] == zoho.settings.organization_id
