"""Ids, names and numbers completed from typed letters, with as few requests as it takes."""

from datetime import date

import anyio
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call
from large_books import fill
from mcp import Client

from zoho_mcp.server.completion.search import KEPT

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
CUSTOMER = types.ResourceTemplateReference(uri="zoho-invoice://customers/{customer_id}")
STATEMENT = types.ResourceTemplateReference(uri="zoho-invoice://customers/{customer_id}/statement")
INVOICE = types.ResourceTemplateReference(uri="zoho-invoice://invoices/{invoice_id}/pdf")
References = types.ResourceTemplateReference | types.PromptReference


async def typed(client: Client, ref: References, name: str, value: str) -> list[str]:
    return (await client.complete(ref, {"name": name, "value": value})).completion.values


@both_eras
async def test_three_letters_of_a_name_find_the_customer(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        rows = {row["contact_name"]: row["customer_id"] for row in (await call(client, "list_customers"))["customers"]}
        assert await typed(client, CUSTOMER, "customer_id", "har") == [rows["Harbor Coffee Roasters"]]
        assert await typed(client, STATEMENT, "customer_id", "GRÜN") == [rows["Grünwald & Söhne"]]
        assert await typed(client, CUSTOMER, "customer_id", "maya@") == [rows["Harbor Coffee Roasters"]]
        assert set(await typed(client, CUSTOMER, "customer_id", "")) == set(rows.values())
        assert await typed(client, CUSTOMER, "customer_id", "nobody") == []
        [found] = await typed(client, CUSTOMER, "customer_id", "harbor")
        assert (await client.read_resource(f"zoho-invoice://customers/{found}")).contents


@both_eras
async def test_an_invoice_is_found_by_its_number_or_its_customer(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        rows = (await call(client, "list_invoices"))["invoices"]
        wanted = {row["invoice_number"]: row["invoice_id"] for row in rows}
        assert await typed(client, INVOICE, "invoice_id", "000043") == [wanted["INV-000043"]]
        of_fernhill = {row["invoice_id"] for row in rows if row["customer_name"] == "Fernhill Dental"}
        assert set(await typed(client, INVOICE, "invoice_id", "fernhill")) == of_fernhill


async def test_typing_on_costs_one_request_where_the_first_found_everything(zoho: Zoho) -> None:
    async with zoho.client() as client:
        for letters in ("h", "ha", "har", "harb", "ha", "HAR "):
            assert await typed(client, CUSTOMER, "customer_id", letters)
    assert len(zoho.received()) == 1


async def test_each_beginning_is_searched_for_once_where_there_is_too_much_to_list(zoho: Zoho) -> None:
    fill(zoho.store, 400, "2026-05")
    async with zoho.client() as client:
        for letters in ("", "B", "BI", "BIG-1-00039", "BIG-1-000399", "BIG-1-000399", "BI", "b"):
            result = await client.complete(INVOICE, {"name": "invoice_id", "value": letters})
            assert 1 <= len(result.completion.values) <= 100
            assert result.completion.has_more == (len(letters) < 10)
    searched = [
        request.query.get("search_text", "") for request in zoho.app.state.request_log if request.method == "GET"
    ]
    assert searched == ["", "bi", "big-1-00039"]


async def test_what_is_typed_while_a_search_runs_is_searched_for_only_in_its_last_state(zoho: Zoho) -> None:
    fill(zoho.store, 400, "2026-05")
    found: dict[str, list[str]] = {}
    async with zoho.client() as client, anyio.create_task_group() as group:

        async def one(letters: str) -> None:
            found[letters] = await typed(client, INVOICE, "invoice_id", letters)

        for letters in ("bi", "big", "big-", "big-1", "big-1-00", "big-1-0003", "big-1-000399"):
            group.start_soon(one, letters)
    assert len([path for path in zoho.received() if path.endswith("/invoices")]) <= 2
    assert len(found["big-1-000399"]) == 1


async def test_a_change_empties_what_was_found(zoho: Zoho) -> None:
    async with zoho.client() as client:
        assert await typed(client, CUSTOMER, "customer_id", "harbour café") == []
        made = await call(client, "create_customer", contact_name="Harbour Café")
        assert await typed(client, CUSTOMER, "customer_id", "harbour café") == [made["customer"]["customer_id"]]


async def test_what_was_found_is_forgotten_after_seconds(zoho: Zoho) -> None:
    async with zoho.client() as client:
        await typed(client, CUSTOMER, "customer_id", "har")
        await typed(client, CUSTOMER, "customer_id", "har")
        assert len(zoho.received()) == 1
        zoho.clock.advance(seconds=KEPT + 1)
        await typed(client, CUSTOMER, "customer_id", "har")
        assert len(zoho.received()) == 2


async def test_an_id_that_is_typed_is_not_searched_for(zoho: Zoho) -> None:
    async with zoho.client() as client:
        assert await typed(client, CUSTOMER, "customer_id", "982000000000100000") == []
    assert zoho.received() == []


async def test_what_cannot_be_completed_gives_nothing(zoho: Zoho) -> None:
    async with zoho.client(exclude_tools=("list_customers",)) as client:
        assert await typed(client, CUSTOMER, "customer_id", "har") == []
        assert await typed(client, CUSTOMER, "invoice_id", "har") == []
        assert await typed(client, types.PromptReference(name="nothing"), "customer", "har") == []
    async with zoho.client(organization_id="1") as client:
        assert await typed(client, CUSTOMER, "customer_id", "har") == []
        assert await typed(client, CUSTOMER, "customer_id", "har") == []
    assert len(zoho.received()) == 1


@both_eras
async def test_arguments_of_prompts_are_completed_with_names_and_numbers_that_people_read(zoho: Zoho, era: Era) -> None:
    bill, convert = types.PromptReference(name="bill_customer"), types.PromptReference(name="convert_won_estimate")
    month = types.PromptReference(name="monthly_report")
    async with zoho.client(era) as client:
        assert await typed(client, bill, "customer", "har") == ["Harbor Coffee Roasters"]
        assert await typed(client, convert, "estimate", "000007") == ["QT-000007"]
        months = await typed(client, month, "month", "")
        assert await typed(client, bill, "what", "x") == []
    assert months[0] == date.today().isoformat()[:7]
    assert len(set(months)) == 12
    assert months == sorted(months, reverse=True)
