"""The README's questions: the sandbox's demo data answers each, with the calls that a model would make."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import mcp_types as types
import pytest
from conftest import Zoho, call
from mcp import Client

import zoho_mcp

pytestmark = pytest.mark.anyio
README = (Path(zoho_mcp.__file__).parent.parent / "README.md").read_text(encoding="utf-8")
TODAY = "2026-06-15"  # The day of the fixture's clock.
Answer = Callable[[Client], Awaitable[None]]


def questions() -> list[str]:
    section = README.partition("## Eight questions")[2].partition("\n## ")[0]
    return re.findall(r"^- “(.+)”$", section, re.MULTILINE)


async def owed(client: Client) -> None:
    aging = await call(client, "get_receivables_aging", as_of=TODAY)
    overdue = {code: each["overdue"] for code, each in aging["currencies"].items()}
    assert overdue == {"EUR": 5600, "USD": 5141.12}
    assert aging["currencies"]["USD"]["oldest_due_date"] == "2025-12-31"


async def last_month(client: Client) -> None:
    revenue = await call(client, "get_monthly_revenue", year=2026, month=5)
    figures = revenue["currencies"]["USD"]
    assert (figures["invoiced"], figures["received"]) == (7001.6, 3040)


async def waiting(client: Client) -> None:
    found = await call(client, "list_estimates", status="sent")
    assert {row["customer_name"]: row["total"] for row in found["estimates"]} == {
        "Copper Kettle Bakery": 1404, "Grünwald & Söhne": 1920,
    }  # fmt: skip


async def unbilled(client: Client) -> None:
    found = await call(client, "list_expenses", status="unbilled")
    assert {row["customer_name"] for row in found["expenses"]} == {
        "Lighthouse Legal LLP", "Grünwald & Söhne", "Bluebird Books",
    }  # fmt: skip


async def draft(client: Client) -> None:
    [customer] = (await call(client, "list_customers", search_text="Bluebird Books"))["customers"]
    [item] = (await call(client, "list_items", search_text="Design day"))["items"]
    line = {"item_id": item["item_id"], "quantity": 3}
    invoice = (await call(client, "create_invoice", customer_id=customer["customer_id"], line_items=[line]))["invoice"]
    assert (invoice["status"], invoice["total"]) == ("draft", 2400)


async def quote(client: Client) -> None:
    [estimate] = (await call(client, "list_estimates", search_text="Northwind", status="accepted"))["estimates"]
    made = await call(client, "convert_estimate_to_invoice", estimate_id=estimate["estimate_id"])
    assert made["invoice"]["total"] == estimate["total"] == 3200


async def paid(client: Client) -> None:
    [row] = (await call(client, "list_invoices", search_text="INV-000036"))["invoices"]
    await call(client, "record_invoice_payment", invoice_id=row["invoice_id"], payment_mode="banktransfer")
    invoice = (await call(client, "get_invoice", invoice_id=row["invoice_id"]))["invoice"]
    assert (row["balance"], invoice["balance"], invoice["status"]) == (3210, 0, "paid")


async def void(client: Client) -> None:
    [row] = (await call(client, "list_invoices", search_text="INV-000033"))["invoices"]
    await call(client, "void_invoice", invoice_id=row["invoice_id"])
    assert (await call(client, "get_invoice", invoice_id=row["invoice_id"]))["invoice"]["status"] == "void"


ANSWERS: dict[str, Answer] = {
    "Who owes us money, and since when?": owed,
    "What did we invoice and receive last month?": last_month,
    "Which quotes are waiting for an answer?": waiting,
    "Which expenses can we still bill to a customer?": unbilled,
    "Draft an invoice for Bluebird Books: three design days.": draft,
    "Northwind Cycles accepted our quote. Turn it into an invoice.": quote,
    "Lighthouse Legal paid the rest of INV-000036 by bank transfer. Record it.": paid,
    "INV-000033 was written twice. Void it.": void,
}


def test_the_readme_offers_eight_questions_and_each_has_a_test() -> None:
    assert questions() == list(ANSWERS)
    assert len(ANSWERS) == 8


@pytest.mark.parametrize("question", ANSWERS)
async def test_the_demo_data_answers_the_question(question: str, zoho: Zoho) -> None:
    # A large loss takes the record's number as well, on every channel.
    zoho.person.answer = types.ElicitResult(action="accept", content={"confirm": True, "number": "INV-000033"})
    async with zoho.client() as client:
        await ANSWERS[question](client)
    assert len(zoho.person.questions) == (1 if ANSWERS[question] is void else 0)
