"""The question shows what would be lost, to the cent, and nobody is asked about what Zoho would refuse anyway."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from mcp import Client
from test_confirm import answer, question

from zoho_mcp.policy.consequences import falls_due, mail, pays_out, unapplies
from zoho_mcp.policy.display import parts, quoted, spelled_date
from zoho_mcp.policy.preview import Preview, preview
from zoho_mcp.server.app import create_server
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import LONGEST_VALUE
from zoho_mcp.zoho.client import ZohoClient

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
OPERATIONS = load().operations
HOSTILE = "Acme\r\n\x1b[2J\u202eStatus: paid\u2028" + "x" * 500


async def refused(zoho: Zoho, client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert kind_of(result) == "rejected"
    assert zoho.person.questions == []
    assert zoho.received("DELETE") == []
    return text_of(result)


@both_eras
async def test_voiding_shows_the_payments_that_come_loose_and_the_credit_that_results(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]
        for amount in (100.5, 49.25):
            await call(client, "record_invoice_payment", invoice_id=invoice["invoice_id"], amount=amount)
        rows = (await call(client, "list_invoice_payments", invoice_id=invoice["invoice_id"]))["payments"]
        await call(client, "void_invoice", invoice_id=invoice["invoice_id"])
    lines = zoho.person.questions[0].splitlines()
    currency = invoice["currency_code"]
    for row in rows:
        shown = f"{Decimal(str(row['amount'])):,.2f} {currency}"
        said = f"{row['payment_number']} of {spelled_date(row['date'])}, {shown}"
        assert any(line.endswith(said) for line in lines)
    assert any(line.endswith(f": 149.75 {currency}") for line in lines)


async def test_voiding_an_unpaid_invoice_reads_no_payments(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
        await call(client, "void_invoice", invoice_id=invoice)
    assert "payment" not in zoho.person.questions[0]
    assert not any(line.endswith("/payments") for line in zoho.received())


async def test_a_payment_that_comes_in_while_the_question_is_open_is_asked_about_again(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
        state = (await question(client, "void_invoice", invoice_id=invoice)).request_state
        await call(client, "record_invoice_payment", invoice_id=invoice, amount=10)
        asked_again = await answer(client, "void_invoice", state, invoice_id=invoice)
        assert isinstance(asked_again, types.InputRequiredResult)
        [request] = (asked_again.input_requests or {}).values()
        assert isinstance(request, types.ElicitRequest)
        assert "10.00" in request.params.message
        assert (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"] == "partially_paid"


@both_eras
async def test_nobody_is_asked_to_delete_a_customer_with_transactions(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        customer = (await call(client, "list_invoices", per_page=1))["invoices"][0]["customer_id"]
        said = await refused(zoho, client, "delete_customer", customer_id=customer)
    assert "3000" in said
    assert "deactivate_customer" in said


class Silent(httpx.AsyncBaseTransport):
    """A Zoho that does not say whether a customer has transactions, and refuses some of the lists."""

    def __init__(self, zoho: Zoho, *refused: str) -> None:
        self._inner = httpx.ASGITransport(zoho.app)
        self._refused = refused

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self._refused) and self._refused:
            return httpx.Response(401, json={"code": 57, "message": "You are not authorized"})
        response = await self._inner.handle_async_request(request)
        content = json.loads(await response.aread())
        content.get("contact", {}).pop("has_transaction", None)
        return httpx.Response(response.status_code, json=content)


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ((), "invoices"),
        (("/invoices",), "payments"),
        (("/invoices", "/customerpayments", "/estimates", "/creditnotes", "/recurringinvoices", "/expenses"), ""),
    ],
)
async def test_where_zoho_does_not_tell_transactions_are_looked_for(
    zoho: Zoho, lists: tuple[str, ...], found: str
) -> None:
    zoho_client = ZohoClient(zoho.settings, transport=Silent(zoho, *lists))
    server = create_server(zoho.settings, load(), zoho_client)
    async with zoho.client() as client:
        rows = (await call(client, "list_payments", per_page=1))["customerpayments"]
    async with Client(server, elicitation_callback=zoho.person.elicit) as client:
        result = await client.call_tool("delete_customer", {"customer_id": rows[0]["customer_id"]})
    assert kind_of(result) == "rejected"
    assert "3000" in text_of(result)
    # Where no list may be read a person is asked, and Zoho refuses by itself.
    assert found in text_of(result)
    assert len(zoho.person.questions) == (0 if found else 1)


@both_eras
async def test_a_customer_without_transactions_is_asked_about_and_deleted(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        customer = (await call(client, "create_customer", contact_name="Mistake"))["customer"]["customer_id"]
        await call(client, "delete_customer", customer_id=customer)
        assert kind_of(await client.call_tool("get_customer", {"customer_id": customer})) == "not_found"
    [question] = zoho.person.questions
    assert "Mistake" in question


@both_eras
async def test_nobody_is_asked_to_delete_an_invoice_with_payments(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = (await call(client, "list_invoices", status="partially_paid", per_page=1))["invoices"][0]
        said = await refused(zoho, client, "delete_invoice", invoice_id=invoice["invoice_id"])
    paid = Decimal(str(invoice["total"])) - Decimal(str(invoice["balance"]))
    for part in (invoice["invoice_number"], f"{paid:,.2f} {invoice['currency_code']}", "4001"):
        assert part in said
    assert "void_invoice" in said


@both_eras
async def test_deleting_a_payment_shows_what_is_owed_again(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = (await call(client, "list_invoices", status="partially_paid", per_page=1))["invoices"][0]
        [row] = (await call(client, "list_invoice_payments", invoice_id=invoice["invoice_id"]))["payments"]
        await call(client, "delete_payment", payment_id=row["payment_id"])
    amount = f"{Decimal(str(row['amount'])):,.2f} {invoice['currency_code']}"
    assert any(
        line.endswith(f"{invoice['invoice_number']}: {amount}") for line in zoho.person.questions[0].splitlines()
    )


def test_the_unused_rest_of_a_payment_is_named_as_lost() -> None:
    more = falls_due({"unused_amount": Decimal("12.5"), "currency_code": "EUR", "invoices": []})
    assert [value for _, value in more.losses] == ["12.50 EUR"]


def test_credits_come_loose_like_payments_and_long_lists_are_cut() -> None:
    record = {"currency_code": "USD", "credits_applied": Decimal("5.00")}
    payments = [{"payment_number": str(number), "date": "2026-06-01", "amount": 1} for number in range(130)]
    losses = unapplies(record, payments).losses
    assert len(losses) == 103
    rest, credits, unused = (re.findall(r"[\d.]+", value) for _, value in losses[100:])
    assert (rest, credits, unused) == (["30", "30.00"], ["5.00"], ["135.00"])


NOTE: Mapping[str, Any] = {
    "creditnote_id": "1", "creditnote_number": "CN-7", "customer_name": "Acme", "currency_code": "USD",
    "total": Decimal("80.00"), "balance": Decimal("50.25"), "last_modified_time": "2026-06-01T10:00:00-0400",
}  # fmt: skip
REFUND = Operation.model_validate(
    {"name": "refund_credit_note", "title": "Refund a credit note", "description": "x", "docs": ["POST /x"],
     "http": {"method": "POST", "path": "/creditnotes/{creditnote_id}/refunds"}, "effect": "destroy",
     "scope": "creditnotes.CREATE", "input": {"type": "object", "properties": {"amount": {"type": "number"}}},
     "confirm": {"ask": "Refund from credit note {creditnote_number}?", "subject": "get_credit_note"}}
)  # fmt: skip


def test_a_refund_shows_what_is_paid_out_from_what_and_what_stays() -> None:
    shown = preview(
        REFUND, NOTE, {"amount": 20.1, "refund_mode": "cash"}, pays_out(NOTE, {"amount": 20.1, "refund_mode": "cash"})
    )
    for part in ("20.10 USD", "CN-7", quoted("Acme")):
        assert part in shown.question
    assert {"20.10 USD", "30.15 USD"} <= {value for _, value in shown.losses}
    assert {quoted("cash"), "50.25 USD"} <= {value for _, value in shown.details}
    assert (shown.number, shown.amount, shown.currency) == ("CN-7", Decimal("20.1"), "USD")


def test_a_mail_names_strangers_first_and_says_what_goes_with_it() -> None:
    arguments = {"to_mail_ids": ["ada@x.example"], "cc_mail_ids": ["eve@y.example"], "send_attachment": False,
                 "send_customer_statement": True, "body": HOSTILE}  # fmt: skip
    more = mail({}, arguments, {"contact_persons": [{"email": "ADA@x.example"}]})
    assert [value for _, value in more.details[:2]] == [quoted("eve@y.example"), quoted("ada@x.example")]
    assert "statement" in more.details[3][1]
    assert "PDF" not in str(more.details)
    [(_, text)] = more.texts
    assert text.replace("\n", "").isprintable()
    assert text.endswith("x" * 500)


OTHERS_WRITE = ("customer_name", "contact_name", "status", "name", "reference_number", "invoice_number", "description")


def hostile(operation: Operation) -> Preview:
    lines: list[Any] = [{"name": HOSTILE, "nested": [HOSTILE, []]}]
    arguments: dict[str, Any] = {"notes": HOSTILE, "line_items": lines, "empty": [[]]}
    return preview(operation, dict.fromkeys(OTHERS_WRITE, HOSTILE), arguments)


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.effect != "read"])
def test_no_text_of_others_makes_a_line_of_its_own_or_a_long_one(name: str) -> None:
    shown = hostile(OPERATIONS[name])
    lines = shown.text().splitlines()
    assert len(lines) == 1 + len((*shown.losses, *shown.details, *shown.texts)) + shown.final
    assert "".join(lines).isprintable()
    assert all(
        len(part) <= LONGEST_VALUE for _, value in shown.details for is_quoted, part in parts(value) if is_quoted
    )


def test_the_preview_gives_number_amount_and_currency_for_the_record_and_changes_with_it() -> None:
    record: dict[str, Any] = {
        "invoice_number": "INV-1", "total": Decimal("10.00"), "balance": Decimal("4.00"), "currency_code": "USD",
        "last_modified_time": "t",
    }  # fmt: skip
    shown = preview(OPERATIONS["void_invoice"], record)
    assert (shown.number, shown.amount, shown.currency) == ("INV-1", Decimal("10.00"), "USD")
    assert preview(OPERATIONS["void_invoice"], dict(record)).version == shown.version
    for change in ({"last_modified_time": "u"}, {"balance": Decimal("3.00")}, {"customer_name": "Other"}):
        assert preview(OPERATIONS["void_invoice"], {**record, **change}).version != shown.version
