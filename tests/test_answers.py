"""What answers hold: the fields people read, more on request, and no more than a bound."""

import json
from typing import Any

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from large_books import fill
from mcp import Client

from zoho_mcp.server.results.projection import SHORTENED, with_records
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
BYTES_PER_TOKEN = 4.4
LINES = [
    {"name": f"Design work, part {number}", "description": "Screens and texts", "rate": 125.5, "quantity": number,
     "tax_id": "982000000000000101", "unit": "hours"}
    for number in range(1, 11)
]  # fmt: skip


async def written(client: Client, **fields: Any) -> dict[str, Any]:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    return (await call(client, "create_invoice", customer_id=customer, **{"line_items": LINES, **fields}))["invoice"]


@both_eras
async def test_an_invoice_of_ten_lines_costs_at_most_900_tokens(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = await written(client, notes="Thank you for your business!", reference_number="PO-2026-001")
        result = await client.call_tool("get_invoice", {"invoice_id": invoice["invoice_id"]})
    assert len(result.structured_content["invoice"]["line_items"]) == 10
    sent = sum(len(part.model_dump_json(exclude_none=True, by_alias=True)) for part in result.content[1:])
    assert len(text_of(result).encode()) + sent <= 900 * BYTES_PER_TOKEN


async def test_two_hundred_invoices_cost_at_most_14_000_tokens(zoho: Zoho) -> None:
    fill(zoho.store, 300, "2026-05")
    async with zoho.client(max_answer=100_000) as client:
        result = await client.call_tool("list_invoices", {})
    assert len(result.structured_content["invoices"]["rows"]) == 200
    assert len(text_of(result).encode()) <= 56_000


async def test_what_a_record_shows_is_the_same_whether_it_is_written_or_read(zoho: Zoho) -> None:
    async with zoho.client() as client:
        made = await written(client)
        read = (await call(client, "get_invoice", invoice_id=made["invoice_id"]))["invoice"]
        changed = (await call(client, "update_invoice", invoice_id=made["invoice_id"], date=made["date"]))["invoice"]
    assert made == read == changed
    assert {"line_item_id", "name", "rate", "quantity", "tax_id", "item_total"} <= set(made["line_items"][0])
    assert not {"price_precision", "page_width", "billing_address", "bcy_total", "shipping_charge"} & set(made)


async def test_an_invoice_keeps_its_addressee_when_the_customer_has_another_contact(zoho: Zoho) -> None:
    async with zoho.client() as client:
        person = {"first_name": "Ada", "email": "ada@harbour.example", "is_primary_contact": True}
        customer = (await call(client, "create_customer", contact_name="Harbour", contact_persons=[person]))["customer"]
        own = {"customer_id": customer["customer_id"]}
        [first] = customer["contact_persons"]
        invoice = (
            await call(
                client, "create_invoice", **own, line_items=[{"name": "Design", "rate": 800}],
                contact_persons=[first["contact_person_id"]],
            )
        )["invoice"]  # fmt: skip
        second = {"first_name": "Omar", "email": "omar@harbour.example", "is_primary_contact": True}
        await call(client, "update_customer", **own, contact_persons=[first | {"is_primary_contact": False}, second])
        shown = (await call(client, "get_invoice", invoice_id=invoice["invoice_id"]))["invoice"]
    assert shown["contact_persons_details"] == [{"email": "ada@harbour.example"}]


async def test_further_fields_are_shown_when_they_are_named(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await written(client))["invoice_id"]
        asked = ["billing_address", "line_items.item_order", "exchange_rate"]
        record = (await call(client, "get_invoice", invoice_id=invoice, fields=asked))["invoice"]
        rows = (await call(client, "list_invoices", per_page=2, fields=["created_time"]))["invoices"]
        customer = await call(client, "get_customer", customer_id=record["customer_id"], fields=["language_code"])
    assert record["billing_address"]["city"]
    assert [line["item_order"] for line in record["line_items"]] == list(range(1, 11))
    assert record["exchange_rate"] == 1.1
    assert all(row["created_time"] and row["invoice_number"] for row in rows)
    assert customer["customer"]["language_code"] == "en"


@pytest.mark.parametrize(
    ("tool", "asked", "there"),
    [
        ("get_invoice", ["colour"], "currency_id"),
        ("get_invoice", ["line_items.colour"], "item_total"),
        ("list_invoices", ["colour"], "reference_number"),
    ],
)
async def test_a_field_that_does_not_exist_is_refused_with_those_that_do(
    zoho: Zoho, tool: str, asked: list[str], there: str
) -> None:
    async with zoho.client() as client:
        invoice = (await written(client))["invoice_id"]
        arguments = {"invoice_id": invoice} if tool == "get_invoice" else {}
        result = await client.call_tool(tool, {**arguments, "fields": asked})
    assert kind_of(result) == "rejected"
    for name in (asked[0], there):
        assert name in text_of(result)


async def test_all_fields_gives_everything_that_holds_something(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await written(client))["invoice_id"]
        record = (await call(client, "get_invoice", invoice_id=invoice, all_fields=True))["invoice"]
    assert {"price_precision", "billing_address", "template_id", "page_width", "bcy_total"} <= set(record)
    assert "" not in record.values()
    assert [] not in record.values()


async def test_what_the_answer_is_to_hold_is_never_told_to_zoho(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await written(client))["invoice_id"]
        await call(client, "get_invoice", invoice_id=invoice, all_fields=True, fields=["notes"])
        await call(client, "list_invoices", max_records=3, fields=["email"])
    seen = {name for request in zoho.app.state.request_log for name in request.query}
    assert not seen & {"fields", "all_fields", "max_records"}


async def test_a_long_text_is_cut_with_a_mark_that_says_how_to_get_the_rest(zoho: Zoho) -> None:
    long = "a" * 1000
    lines = [{"name": "x", "rate": 1, "description": long}]
    async with zoho.client() as client:
        cut = await written(client, notes=long, line_items=lines)
        again = {"invoice_id": cut["invoice_id"]}
        notes = (await call(client, "get_invoice", **again, fields=["notes"]))["invoice"]
        whole = (await call(client, "get_invoice", **again, fields=["line_items.description"]))["invoice"]
        every = (await call(client, "get_invoice", **again, all_fields=True))["invoice"]
    more = f"{1000 - SHORTENED} more characters: get them with fields"
    assert cut["notes"] == f'{long[:SHORTENED]}… [{more} ["notes"]]'
    assert cut["line_items"][0]["description"].endswith(f'[{more} ["line_items.description"]]')
    assert notes["notes"] == whole["line_items"][0]["description"] == every["notes"] == long
    assert whole["notes"] == cut["notes"]


@pytest.mark.parametrize(("bound", "per_page"), [(4_000, None), (4_000, 7), (11_111, 200), (40_000, 150)])
async def test_rows_that_do_not_fit_come_with_the_next_call_each_once(
    zoho: Zoho, bound: int, per_page: int | None
) -> None:
    fill(zoho.store, 150, "2026-05")
    arguments: dict[str, Any] = {"sort_column": "invoice_number"} | ({"per_page": per_page} if per_page else {})
    found: list[str] = []
    async with zoho.client(max_answer=bound) as client:
        while True:
            result = await client.call_tool("list_invoices", arguments)
            assert len(text_of(result)) <= bound
            answer = with_records(result.structured_content)
            found += [row["invoice_number"] for row in answer["invoices"]]
            assert all("balance" in row for row in answer["invoices"])
            if not answer["has_more"]:
                break
            arguments |= answer["next"]
    assert len(found) == len(set(found)) == 193
    assert found == sorted(found)


async def test_a_row_is_never_cut_however_small_the_bound(zoho: Zoho) -> None:
    async with zoho.client(max_answer=10) as client:
        answer = await call(client, "list_invoices")
    assert len(answer["invoices"]) == 1
    assert answer["next"] == {"page": 2, "per_page": 1}
    assert answer["left_out"].startswith("42 rows")


async def test_a_list_without_pages_says_what_it_left_out(zoho: Zoho) -> None:
    async with zoho.client(max_answer=150) as client:
        answer = await call(client, "list_currencies")
    assert len(answer["currencies"]) == 1
    assert answer["left_out"].startswith("1 rows")
    assert "ZOHO_MAX_ANSWER" in answer["left_out"]


@both_eras
async def test_answers_come_as_text_or_structured_or_both(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era, checks=True, answer="text") as client:
        assert all(tool.output_schema is None for tool in (await client.list_tools()).tools)
        text = await client.call_tool("list_items", {})
    async with zoho.client(era, checks=True, answer="structured") as client:
        structured = await client.call_tool("list_items", {})
    async with zoho.client(era, checks=True) as client:
        both = await client.call_tool("list_items", {})
    assert text.structured_content is None
    assert structured.content == []
    assert json.loads(text_of(text)) == structured.structured_content == both.structured_content
    assert text_of(both) == text_of(text)


def linked(result: types.CallToolResult) -> dict[str, str]:
    return {str(part.uri): part.name for part in result.content if isinstance(part, types.ResourceLink)}


@both_eras
async def test_an_answer_about_one_record_links_to_the_customer_and_invoices_it_names(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = await written(client)
        invoice_id, customer = invoice["invoice_id"], f"zoho-invoice://customers/{invoice['customer_id']}"
        own = f"zoho-invoice://invoices/{invoice_id}"
        read = await client.call_tool("get_invoice", {"invoice_id": invoice_id})
        sent = await client.call_tool("mark_invoice_sent", {"invoice_id": invoice_id})
        paid = await client.call_tool("record_invoice_payment", {"invoice_id": invoice_id})
        shown = await client.call_tool("get_customer", {"customer_id": invoice["customer_id"]})
        rows = await client.call_tool("list_invoices", {"per_page": 3})
        for uri in linked(paid):
            assert (await client.read_resource(uri)).contents
    names = {own: invoice["invoice_number"], customer: invoice["customer_name"]}
    assert linked(read) == linked(paid) == names
    assert linked(sent) == {own: f"Invoice {invoice_id}"}
    assert linked(shown) == {customer: invoice["customer_name"]}
    assert linked(rows) == {}


async def test_what_is_not_offered_or_is_gone_is_not_linked(zoho: Zoho) -> None:
    async with zoho.client(exclude_tools=("get_customer",)) as client:
        invoice = (await written(client))["invoice_id"]
        result = await client.call_tool("get_invoice", {"invoice_id": invoice})
        gone = await client.call_tool("delete_invoice", {"invoice_id": invoice})
    assert list(linked(result)) == [f"zoho-invoice://invoices/{invoice}"]
    assert not gone.is_error
    assert linked(gone) == {}


def test_every_tool_that_reads_records_takes_fields_by_rule() -> None:
    for operation in load().operations.values():
        if operation.effect == "read" and operation.answer.key and not operation.handler:
            assert {"fields", "all_fields"} & set(operation.input["properties"]), operation.name
        paged = "per_page" in operation.input["properties"] and not operation.handler
        assert ("max_records" in operation.input["properties"]) == paged
        assert set(operation.view) <= set(operation.input["properties"])


def test_what_is_shown_briefly_is_still_checked_in_full() -> None:
    operation = load().operations["update_customer"]
    shown, checked = operation.published_input["properties"], operation.input["properties"]
    assert shown["contact_persons"]["items"] == {"type": "object"}
    assert "properties" not in shown["shipping_address"]
    assert checked["contact_persons"]["items"]["properties"]["email"]["format"] == "email"


def test_a_terse_list_shows_names_and_types_and_what_is_unlisted_is_still_accepted() -> None:
    operation = load().operations["update_invoice"]
    shown, checked = operation.published_input["properties"], operation.input["properties"]
    line = shown["line_items"]["items"]["properties"]
    assert line["discount"] == {"type": "string"}
    assert set(line) == set(checked["line_items"]["items"]["properties"])
    assert "pattern" in checked["line_items"]["items"]["properties"]["discount"]
    unlisted = {"discount_type", "payment_terms_label", "ignore_auto_number_generation"}
    assert unlisted <= set(checked)
    assert not unlisted & set(shown)


@pytest.mark.parametrize("length", [301, 344, 400])
async def test_a_text_is_not_cut_for_little(zoho: Zoho, length: int) -> None:
    async with zoho.client() as client:
        assert (await written(client, notes="a" * length))["notes"] == "a" * length
