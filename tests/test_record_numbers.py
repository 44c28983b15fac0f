"""A record's number in place of its id."""

import pytest
from conftest import ERAS, Era, Zoho, call

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_a_number_stands_for_the_one_record_that_has_it(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        row = (await call(client, "list_invoices", status="overdue"))["invoices"][0]
        number, own_id = row["invoice_number"], row["invoice_id"]
        answer = await call(client, "get_invoice", invoice_id=number.lower())
        paid = await call(client, "record_invoice_payment", invoice_id=number)
    assert answer["invoice"]["invoice_id"] == own_id
    assert answer["found_by_number"][number]["invoice_id"] == own_id
    assert paid["found_by_number"][number]["invoice_id"] == own_id


async def test_a_number_stands_for_its_record_inside_a_list_too(zoho: Zoho) -> None:
    async with zoho.client() as client:
        row = (await call(client, "list_invoices", status="overdue"))["invoices"][0]
        part = [{"invoice_id": row["invoice_number"], "amount_applied": 5}]
        paid = await call(client, "record_payment", customer_id=row["customer_id"], amount=5, invoices=part)
        assert [one["invoice_id"] for one in paid["payment"]["invoices"]] == [row["invoice_id"]]
        part[0]["invoice_id"] = "INV-999999"
        result = await client.call_tool("record_payment", {"customer_id": "1", "amount": 5, "invoices": part})
        assert result.structured_content["error"]["kind"] == "arguments"


@pytest.mark.parametrize("number", ["INV-999999", "INV", "no such\nnumber", "../invoices"])
async def test_a_number_that_no_record_has_changes_nothing(zoho: Zoho, number: str) -> None:
    async with zoho.client() as client:
        result = await client.call_tool("delete_invoice", {"invoice_id": number})
    assert result.is_error
    assert zoho.changes() == []


async def test_a_policy_that_refuses_the_list_refuses_the_number(zoho: Zoho) -> None:
    async with zoho.client(exclude_tools=("list_invoices",)) as client:
        result = await client.call_tool("get_invoice", {"invoice_id": "INV-000001"})
    assert result.is_error
    assert zoho.received("GET") == []
