"""A model that repeats itself: the very same write within ten minutes is asked about before it runs."""

from typing import Any

import anyio
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from mcp import Client

from zoho_mcp.server.delivery.duplicates import MAILED_TWICE, TWO

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
NO = types.ElicitResult(action="decline")
CREATE = "POST /invoice/v3/invoices"


async def invoice_for(client: Client) -> dict[str, Any]:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    return {"customer_id": customer, "line_items": [{"name": "Logo", "rate": 450, "quantity": 1}]}


@both_eras
async def test_the_same_invoice_again_is_asked_about_with_the_first_ones_figures(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        arguments = await invoice_for(client)
        first = (await call(client, "create_invoice", **arguments))["invoice"]
        assert zoho.person.questions == []
        zoho.clock.advance(minutes=2)
        zoho.person.answer = NO
        result = await client.call_tool("create_invoice", arguments)
        assert kind_of(result) == "declined"
        assert first["invoice_number"] in text_of(result)
    [question] = zoho.person.questions
    for part in (TWO, "2 minutes ago", first["invoice_number"], "450.00"):
        assert part in question
    assert zoho.changes() == [CREATE]


@both_eras
async def test_a_yes_writes_it_once_more(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        arguments = await invoice_for(client)
        one = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_id"]
        two = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_id"]
    assert one != two
    assert len(zoho.person.questions) == 1
    assert zoho.changes() == [CREATE] * 2


async def test_numbers_written_otherwise_and_another_order_are_the_same_call(zoho: Zoho) -> None:
    async with zoho.client() as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **arguments)
        lines = [{"quantity": 1.0, "rate": 450.00, "name": "Logo"}]
        await call(client, "create_invoice", line_items=lines, customer_id=arguments["customer_id"])
    assert len(zoho.person.questions) == 1


async def test_anything_different_and_anything_after_ten_minutes_is_not_asked_about(zoho: Zoho) -> None:
    async with zoho.client() as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **arguments)
        await call(client, "create_invoice", **arguments, reference_number="2")
        zoho.clock.advance(minutes=11)
        await call(client, "create_invoice", **arguments)
    assert zoho.person.questions == []
    assert zoho.changes() == [CREATE] * 3


async def test_a_client_that_cannot_be_asked_is_refused_with_the_reason(zoho: Zoho) -> None:
    async with zoho.client(can_ask=False) as client:
        arguments = await invoice_for(client)
        number = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_number"]
        result = await client.call_tool("create_invoice", arguments)
    assert kind_of(result) == "waiting"
    assert number in text_of(result)
    assert zoho.changes() == [CREATE]


async def test_the_setting_switches_it_off(zoho: Zoho) -> None:
    async with zoho.client(can_ask=False, repeat_window=0) as client:
        arguments = await invoice_for(client)
        for _ in range(2):
            await call(client, "create_invoice", **arguments)
    assert zoho.changes() == [CREATE] * 2


async def test_what_zoho_refused_may_be_tried_again(zoho: Zoho) -> None:
    async with zoho.client() as client:
        for _ in range(2):
            result = await client.call_tool("record_payment", {"customer_id": "1", "amount": 5})
            assert result.is_error
    assert zoho.person.questions == []


async def test_two_at_the_same_time_are_not_both_written(zoho: Zoho) -> None:
    zoho.person.answer = NO
    async with zoho.client() as client:
        arguments = await invoice_for(client)
        results: list[types.CallToolResult] = []

        async def write() -> None:
            results.append(await client.call_tool("create_invoice", arguments))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(write)
    assert sorted(bool(result.is_error) for result in results) == [False, True, True]
    assert zoho.changes() == [CREATE]


async def test_one_whose_end_was_unknown_is_looked_up_again_and_found(zoho: Zoho) -> None:
    zoho.person.answer = NO
    async with zoho.client() as client:
        arguments = await invoice_for(client)
        zoho.faults.add("POST /invoices:cut-after", "GET *:cut-before:*")
        assert kind_of(await client.call_tool("create_invoice", arguments)) == "unknown"
        zoho.faults.clear()
        result = await client.call_tool("create_invoice", arguments)
        assert result.is_error
    [question] = zoho.person.questions
    assert "INV-" in question
    assert zoho.changes() == [CREATE]


async def test_one_whose_end_was_unknown_and_that_is_not_there_later_may_be_written(zoho: Zoho) -> None:
    async with zoho.client() as client:
        arguments = await invoice_for(client)
        zoho.faults.add("POST /invoices:status=504")
        assert kind_of(await client.call_tool("create_invoice", arguments)) == "unknown"
        too_soon = await client.call_tool("create_invoice", arguments)
        assert kind_of(too_soon) == "duplicate"
        zoho.clock.advance(minutes=2)
        await call(client, "create_invoice", **arguments)
    assert zoho.person.questions == []
    assert zoho.changes() == [CREATE]


async def test_a_mail_is_not_sent_twice_without_a_question(zoho: Zoho) -> None:
    async with zoho.client() as client:
        person = {"first_name": "Ada", "email": "ada@harbour.example", "is_primary_contact": True}
        made = await call(client, "create_customer", contact_name="Harbour Café", contact_persons=[person])
        zoho.clock.advance(days=2)  # a newer address would be asked about anyway
        arguments = {**await invoice_for(client), "customer_id": made["customer"]["customer_id"]}
        invoice = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_id"]
        mail = {"invoice_id": invoice, "to_mail_ids": ["ada@harbour.example"]}
        before = len(zoho.store.outbox())
        await call(client, "email_invoice", **mail)
        zoho.person.answer = NO
        assert (await client.call_tool("email_invoice", mail)).is_error
    assert len(zoho.store.outbox()) == before + 1
    assert MAILED_TWICE in zoho.person.questions[0]


async def test_states_may_be_set_as_often_as_one_likes(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "create_invoice", **await invoice_for(client)))["invoice"]["invoice_id"]
        for _ in range(3):
            await call(client, "mark_invoice_sent", invoice_id=invoice)
    assert zoho.person.questions == []


async def test_a_call_that_was_cancelled_under_way_counts_as_one_that_may_have_happened(zoho: Zoho) -> None:
    zoho.person.answer = NO
    sent, stuck = anyio.Event(), anyio.Event()

    async def hold(seconds: float) -> None:
        sent.set()
        await stuck.wait()

    zoho.faults.sleep = hold
    async with zoho.client("legacy") as client:
        arguments = await invoice_for(client)
        zoho.faults.add("POST /invoices:delay=60")
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "create_invoice", arguments)
                await sent.wait()
                group.cancel_scope.cancel()
            result = await client.call_tool("create_invoice", arguments)
    assert kind_of(result) == "duplicate"
    assert zoho.changes() == []
