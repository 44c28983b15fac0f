"""Writes whose answer never came: found out by reading, never sent again, and never said to be more certain than so."""

from datetime import timedelta
from typing import Any

import anyio
import pytest
from conftest import Zoho, call, kind_of, text_of
from mcp import Client

pytestmark = pytest.mark.anyio

LINES = [{"name": "Logo", "rate": 450, "quantity": 1}]
DONE_ALL_THE_SAME = ("cut-after", "half", "broken", "html", "status-after=502", "status-after=500")
KIND_AFTER = [("cut-after", ""), ("cut-before", "unavailable")]
"""The kind of a call's error by whether its change was made before the connection was cut; made, it worked."""


async def first(client: Client, listing: str, key: str, **arguments: Any) -> dict[str, Any]:
    return (await call(client, listing, per_page=1, **arguments))[key][0]


async def customer_of(client: Client) -> str:
    return (await first(client, "list_customers", "customers"))["customer_id"]


async def an_invoice(client: Client, **more: Any) -> str:
    written = await call(client, "create_invoice", customer_id=await customer_of(client), line_items=LINES, **more)
    return written["invoice"]["invoice_id"]


def count(zoho: Zoho, request: str) -> int:
    return zoho.changes().count(request)


@pytest.mark.parametrize("fault", DONE_ALL_THE_SAME)
async def test_an_invoice_whose_answer_is_lost_is_found_and_given_back(zoho: Zoho, fault: str) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add(f"POST /invoices:{fault}")
        answer = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
        assert zoho.faults.hits[fault.partition("=")[0]] == 1
        shown = await call(client, "get_invoice", invoice_id=answer["invoice"]["invoice_id"])
    assert shown["invoice"]["total"] == 450
    assert count(zoho, "POST /invoice/v3/invoices") == 1


@pytest.mark.parametrize("fault", ["cut-before", "status=502", "status=500", "redirect"])
async def test_an_invoice_that_was_not_written_is_said_to_be_not_written(zoho: Zoho, fault: str) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        before = len(zoho.store.books("900000001").all("invoice"))
        zoho.faults.add(f"POST /invoices:{fault}")
        result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
        assert kind_of(result) == "unavailable"
        assert len(zoho.store.books("900000001").all("invoice")) == before
        again = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
        assert again["invoice"]["total"] == 450
    assert zoho.person.questions == []


@pytest.mark.parametrize("fault", ["status=504", "status=503"])
async def test_what_zoho_may_still_be_working_on_is_not_said_to_be_undone(zoho: Zoho, fault: str) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add(f"POST /invoices:{fault}")
        result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
    assert kind_of(result) == "unknown"
    assert "list_invoices" in text_of(result)
    assert count(zoho, "POST /invoice/v3/invoices") == 0


async def test_an_equal_invoice_of_a_minute_ago_is_not_taken_for_the_lost_one(zoho: Zoho) -> None:
    async with zoho.client(repeat_window=0) as client:
        customer = await customer_of(client)
        await call(client, "create_invoice", customer_id=customer, line_items=LINES)
        zoho.faults.add("POST /invoices:cut-before")
        lost = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
        assert kind_of(lost) == "unavailable"


async def test_two_equal_invoices_of_another_program_leave_it_unknown(zoho: Zoho) -> None:
    async with zoho.client() as client, zoho.client() as other:
        customer = await customer_of(client)
        arguments = {"customer_id": customer, "line_items": LINES}
        await call(other, "create_invoice", **arguments)
        zoho.faults.add("POST /invoices:cut-after")
        result = await client.call_tool("create_invoice", arguments)
    assert kind_of(result) == "unknown"


async def test_another_customers_invoice_of_the_same_second_is_no_match(zoho: Zoho) -> None:
    async with zoho.client() as client, zoho.client() as other:
        rows = (await call(client, "list_customers", per_page=2))["customers"]
        mine, theirs = (row["customer_id"] for row in rows)
        await call(other, "create_invoice", customer_id=theirs, line_items=LINES)
        zoho.faults.add("POST /invoices:cut-before")
        result = await client.call_tool("create_invoice", {"customer_id": mine, "line_items": LINES})
    assert kind_of(result) == "unavailable"


@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_clock_that_differs_from_zohos_does_not_mislead(zoho: Zoho, hours: int) -> None:
    async with zoho.client(repeat_window=0) as client:
        customer = await customer_of(client)
        await call(client, "create_invoice", customer_id=customer, line_items=LINES)
        zoho.clock.advance(minutes=5)
        zoho.wrong_by = hours * 3600
        zoho.faults.add("POST /invoices:cut-after", "POST /invoices:cut-before")
        done = await call(client, "create_invoice", customer_id=customer, line_items=[{"name": "x", "rate": 7}])
        assert (done["invoice"]["total"], zoho.faults.hits["cut-after"]) == (7, 1)
        undone = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
        assert kind_of(undone) == "unavailable"


CHANGES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "update_invoice": ({"notes": "Thank you."}, "PUT /invoices/*", "notes", "Thank you."),
    "mark_invoice_sent": ({}, "POST /invoices/*/sent", "status", "sent"),
    "void_invoice": ({}, "POST /invoices/*/void", "status", "void"),
    "email_invoice": ({"to_mail_ids": ["a@b.example"]}, "POST /invoices/*/email", "status", "sent"),
}


@pytest.mark.parametrize("fault", ["cut-after", "status-after=504", "cut-before"])
@pytest.mark.parametrize("tool", CHANGES)
async def test_a_change_is_looked_up_on_its_record(zoho: Zoho, tool: str, fault: str) -> None:
    more, where, field, value = CHANGES[tool]
    async with zoho.client() as client:
        invoice = await an_invoice(client)
        zoho.clock.advance(minutes=1)
        zoho.faults.add(f"{where}:{fault}")
        result = await client.call_tool(tool, {"invoice_id": invoice, **more})
        shown = (await call(client, "get_invoice", invoice_id=invoice))["invoice"]
    if fault == "cut-before":
        assert kind_of(result) == "unavailable"
        assert shown.get(field) != value
    else:
        assert kind_of(result) == ""
        assert shown[field] == value


@pytest.mark.parametrize(("fault", "kind"), KIND_AFTER)
async def test_a_deletion_is_looked_up_on_its_record(zoho: Zoho, fault: str, kind: str) -> None:
    async with zoho.client() as client:
        invoice = await an_invoice(client)
        zoho.faults.add(f"DELETE /invoices/*:{fault}")
        assert kind_of(await client.call_tool("delete_invoice", {"invoice_id": invoice})) == kind
        shown = await client.call_tool("get_invoice", {"invoice_id": invoice})
    assert kind_of(shown) == ("" if kind else "not_found")
    assert zoho.faults.hits[fault] == 1


async def test_a_change_of_nothing_that_shows_is_unknown(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = await an_invoice(client)
        zoho.clock.advance(minutes=1)
        zoho.faults.add("PUT /invoices/*:cut-before")
        result = await client.call_tool("update_invoice", {"invoice_id": invoice, "reason": "because"})
    assert kind_of(result) == "unknown"
    assert "get_invoice" in text_of(result)


@pytest.mark.parametrize("fault", ["cut-after", "cut-before"])
async def test_a_payment_is_found_among_the_customers_payments(zoho: Zoho, fault: str) -> None:
    async with zoho.client() as client:
        invoice = await an_invoice(client)
        await call(client, "mark_invoice_sent", invoice_id=invoice)
        zoho.faults.add(f"POST /customerpayments:{fault}")
        result = await client.call_tool("record_invoice_payment", {"invoice_id": invoice, "amount": 100})
        shown = (await call(client, "get_invoice", invoice_id=invoice))["invoice"]
    if fault == "cut-after":
        assert kind_of(result) == ""
        assert result.structured_content["payment"]["amount"] == 100
        assert shown["balance"] == 350
    else:
        assert kind_of(result) == "unavailable"
        assert shown["balance"] == 450
    assert count(zoho, "POST /invoice/v3/customerpayments") == (fault == "cut-after")


@pytest.mark.parametrize("fault", ["cut-after", "cut-before"])
async def test_a_customer_is_found_by_its_name(zoho: Zoho, fault: str) -> None:
    async with zoho.client() as client:
        zoho.faults.add(f"POST /contacts:{fault}")
        result = await client.call_tool("create_customer", {"contact_name": "Harbour Café"})
        rows = (await call(client, "list_customers", contact_name="Harbour Café"))["customers"]
    assert kind_of(result) == ("" if fault == "cut-after" else "unavailable")
    assert len(rows) == (fault == "cut-after")


async def test_looking_it_up_may_fail_once(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add("POST /invoices:cut-after", "GET /invoices:cut-before:3", "GET /invoices/*:status=500")
        answer = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
    assert (answer["invoice"]["total"], zoho.faults.hits["cut-after"]) == (450, 1)


async def test_when_looking_it_up_fails_too_it_is_unknown_and_says_what_to_check(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add("POST /invoices:cut-after", "GET *:cut-before:*")
        with anyio.fail_after(20):
            result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
    assert kind_of(result) == "unknown"
    assert "list_invoices" in text_of(result)


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_an_estimate_whose_conversion_is_not_answered_is_converted_once(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        customer = await customer_of(client)
        made = await call(client, "create_estimate", customer_id=customer, line_items=LINES)
        estimate = made["estimate"]["estimate_id"]
        await call(client, "mark_estimate_sent", estimate_id=estimate)
        zoho.faults.add("POST /invoices*:cut-after")
        first = await call(client, "convert_estimate_to_invoice", estimate_id=estimate)
        again = await call(client, "convert_estimate_to_invoice", estimate_id=estimate)
    assert first["invoice"]["invoice_id"] == again["invoice"]["invoice_id"]
    assert len([request for request in zoho.changes() if "/invoices" in request]) == 1


OTHERS: dict[str, dict[str, Any]] = {
    "create_estimate": {"line_items": LINES},
    "create_credit_note": {"line_items": LINES},
    "create_recurring_invoice": {
        "recurrence_name": "Care", "line_items": LINES, "start_date": "2026-07-01", "recurrence_frequency": "months",
        "repeat_every": 1,
    },
    "record_payment": {"amount": 12.5},
}  # fmt: skip


@pytest.mark.parametrize(("fault", "kind"), KIND_AFTER)
@pytest.mark.parametrize("tool", OTHERS)
async def test_whatever_is_made_for_a_customer_is_found_or_not(zoho: Zoho, tool: str, fault: str, kind: str) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add(f"POST *:{fault}")
        result = await client.call_tool(tool, {"customer_id": customer, **OTHERS[tool]})
    assert kind_of(result) == kind
    assert len(zoho.changes()) == (fault == "cut-after")


@pytest.mark.parametrize(("fault", "kind"), KIND_AFTER)
async def test_an_item_is_found_by_its_name_and_deactivated_by_its_status(zoho: Zoho, fault: str, kind: str) -> None:
    async with zoho.client() as client:
        zoho.faults.add(f"POST /items:{fault}")
        assert kind_of(await client.call_tool("create_item", {"name": "Icon set", "rate": 120})) == kind
        item = await first(client, "list_items", "items")
        zoho.faults.clear()
        zoho.faults.add(f"POST /items/*/inactive:{fault}")
        assert kind_of(await client.call_tool("deactivate_item", {"item_id": item["item_id"]})) == kind
    assert zoho.faults.hits[fault] == 2


@pytest.mark.parametrize("minutes", [-2, 2])
@pytest.mark.parametrize("whose", ["zoho", "ours"])
async def test_a_clock_that_is_set_while_an_answer_is_awaited_does_not_hide_the_record(
    zoho: Zoho, whose: str, minutes: int
) -> None:
    def jump() -> None:
        if whose == "zoho":
            zoho.faults.skew = timedelta(minutes=minutes)
        else:
            zoho.wrong_by = minutes * 60

    async with zoho.client() as client:
        customer = await customer_of(client)
        zoho.faults.add("POST /invoices:cut-after")
        zoho.on_sleep = jump
        answer = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
    assert (answer["invoice"]["total"], zoho.faults.hits["cut-after"]) == (450, 1)


def a_burst(zoho: Zoho, count: int) -> None:
    """As many other invoices for the same customer as `count`, made a moment after the newest one by other programs."""
    books = zoho.store.books("900000001")
    newest = max(books.all("invoice"), key=lambda one: (one["created_time"], one["invoice_id"]))
    for number in range(count):
        other = f"77{number:05}"
        line = {**newest["line_items"][0], "line_item_id": f"88{number:05}", "rate": 1 + number}
        books.put("invoice", other, {**newest, "invoice_id": other, "line_items": [line]})


@pytest.mark.parametrize("others", [30, 60])
async def test_a_lost_invoice_is_found_among_many_others_of_the_same_second(zoho: Zoho, others: int) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        left = [others]
        zoho.on_sleep = lambda: a_burst(zoho, left.pop()) if left else None
        zoho.faults.add("POST /invoices:cut-after")
        answer = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
    assert answer["invoice"]["total"] == 450


async def test_with_more_candidates_than_can_be_checked_nothing_is_said_to_be_absent(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customer = await customer_of(client)
        await call(client, "create_invoice", customer_id=customer, line_items=[{"name": "Other", "rate": 3}])
        left = [90]
        zoho.on_sleep = lambda: a_burst(zoho, left.pop()) if left else None
        zoho.faults.add("POST /invoices:cut-before")
        result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
    assert kind_of(result) == "unknown"
