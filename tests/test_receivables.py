"""The tools beyond the references, used as an owner would: credits, reminders, refunds, people, look-ups."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Zoho, call
from mcp import Client

from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
EXTRA = "credits,reminders,refunds,people,setup"


async def invoice_of(client: Client, customer: str, rate: int) -> str:
    lines = [{"name": "Work", "rate": rate}]
    invoice = (await call(client, "create_invoice", customer_id=customer, line_items=lines))["invoice"]["invoice_id"]
    await call(client, "mark_invoice_sent", invoice_id=invoice)
    return invoice


async def customer_of(client: Client) -> str:
    people = [{"first_name": "Ada", "email": "ada@example.com"}]
    made = await call(client, "create_customer", contact_name="Harbour", contact_persons=people)
    return made["customer"]["customer_id"]


async def balance(client: Client, invoice: str) -> Any:
    return (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["balance"]


def everything(zoho: Zoho, **changes: Any) -> Any:
    return zoho.client(toolsets=("all",), repeat_window=0, **changes)


def rows_of(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The rows of a list, whichever way they are written."""
    found: Any = answer[key]
    if "columns" in found:
        names: list[str] = found["columns"]
        rows: list[list[Any]] = found["rows"]
        return [dict(zip(names, row, strict=True)) for row in rows]
    return found


async def test_the_extra_tools_are_offered_only_when_asked_for(zoho: Zoho) -> None:
    async with zoho.client() as client:
        usual = {tool.name for tool in (await client.list_tools()).tools}
    async with everything(zoho) as client:
        every = {tool.name for tool in (await client.list_tools()).tools}
    catalog = load()
    assert every - usual == {name for name, one in catalog.operations.items() if one.toolset in catalog.extra}


async def test_credit_is_applied_and_taken_back_from_either_side(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        invoice = await invoice_of(client, customer, 100)
        lines = [{"name": "Return", "rate": 60}]
        made = await call(client, "create_credit_note", customer_id=customer, line_items=lines, is_draft=True)
        note = made["creditnote"]["creditnote_id"]
        await call(client, "open_credit_note", creditnote_id=note)
        applied = [{"invoice_id": invoice, "amount_applied": 25}]
        await call(client, "apply_credit_note", creditnote_id=note, invoices=applied)
        assert await balance(client, invoice) == 75
        listed = await call(client, "list_credit_note_applications", creditnote_id=note)
        [row] = rows_of(listed, "invoices_credited")
        part = {"creditnote_id": note, "creditnote_invoice_id": row["creditnote_invoice_id"]}
        await call(client, "remove_credit_note_application", **part)
        assert await balance(client, invoice) == 100
        credits = [{"creditnote_id": note, "amount_applied": 10}]
        await call(client, "apply_credits_to_invoice", invoice_id=invoice, apply_creditnotes=credits)
        [row] = rows_of(await call(client, "list_invoice_credits", invoice_id=invoice), "credits")
        taken = {"invoice_id": invoice, "creditnotes_invoice_id": row["creditnotes_invoice_id"]}
        await call(client, "remove_invoice_credit", **taken)
        assert await balance(client, invoice) == 100
        await call(client, "record_invoice_payment", invoice_id=invoice, amount=40)
        [row] = rows_of(await call(client, "list_invoice_payments", invoice_id=invoice), "payments")
        taken = {"invoice_id": invoice, "invoice_payment_id": row["invoice_payment_id"]}
        await call(client, "remove_invoice_payment", **taken)
        assert await balance(client, invoice) == 100
    # Each of the three that took something back was asked about.
    assert len(zoho.person.questions) == 3


async def test_refunds_of_credit_notes_and_payments_are_seen_and_deleted(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        lines = [{"name": "Return", "rate": 60}]
        made = await call(client, "create_credit_note", customer_id=customer, line_items=lines)
        note = made["creditnote"]["creditnote_id"]
        await call(client, "refund_credit_note", creditnote_id=note, amount=20, date="2026-06-15")
        listed = rows_of(await call(client, "list_credit_note_refunds", creditnote_id=note), "creditnote_refunds")
        one = {"creditnote_id": note, "creditnote_refund_id": listed[0]["creditnote_refund_id"]}
        assert (await call(client, "get_credit_note_refund", **one))["creditnote_refund"]["amount"] == 20
        await call(client, "delete_credit_note_refund", **one)
        assert (await call(client, "get_credit_note", creditnote_id=note))["creditnote"]["balance"] == 60
        paid = (await call(client, "record_payment", customer_id=customer, amount=50))["payment"]["payment_id"]
        await call(client, "refund_payment", payment_id=paid, amount=30, date="2026-06-15")
        [row] = rows_of(await call(client, "list_payment_refunds", payment_id=paid), "payment_refunds")
        one = {"payment_id": paid, "payment_refund_id": row["payment_refund_id"]}
        assert rows_of(await call(client, "get_payment_refund", **one), "payment_refunds")[0]["amount"] == 30
        await call(client, "delete_payment_refund", **one)
        assert (await call(client, "get_payment", payment_id=paid))["payment"]["unused_amount"] == 50
    assert len(zoho.person.questions) == 4


async def test_reminders_and_write_off(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        zoho.clock.advance(days=2)  # a newer address is asked about
        invoice = await invoice_of(client, customer, 100)
        assert "ada@example.com" in str(await call(client, "get_payment_reminder", invoice_id=invoice))
        assert "ada@example.com" in str(await call(client, "get_invoice_email", invoice_id=invoice))
        await call(client, "send_payment_reminder", invoice_id=invoice, to_mail_ids=["ada@example.com"])
        await call(client, "disable_payment_reminders", invoice_id=invoice)
        await call(client, "enable_payment_reminders", invoice_id=invoice)
        await call(client, "disable_customer_reminders", customer_id=customer)
        await call(client, "enable_customer_reminders", customer_id=customer)
        link = await call(client, "create_payment_link", invoice_id=invoice, expiry_time="2026-12-31")
        assert link["data"]["share_link"].startswith("https://")
        await call(client, "add_invoice_comment", invoice_id=invoice, description="Called")
        comments = await call(client, "list_invoice_comments", invoice_id=invoice)
        assert rows_of(comments, "comments")[0]["description"] == "Called"
        await call(client, "write_off_invoice", invoice_id=invoice)
        assert await balance(client, invoice) == 0
        await call(client, "cancel_invoice_write_off", invoice_id=invoice)
        assert await balance(client, invoice) == 100
        await call(client, "void_invoice", invoice_id=invoice)
        await call(client, "mark_invoice_draft", invoice_id=invoice)
        assert (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"] == "draft"
    assert [mail["to"] for mail in zoho.store.outbox()][-1] == ["ada@example.com"]
    assert len(zoho.person.questions) == 2


async def test_several_mails_at_once_go_to_the_customers_own_people(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        zoho.clock.advance(days=2)  # a newer address is asked about
        invoices = [await invoice_of(client, customer, rate) for rate in (10, 20)]
        before = len(zoho.store.outbox())
        await call(client, "email_invoices", invoice_ids=",".join(invoices))
        info = (await call(client, "send_payment_reminders", invoice_ids=",".join(invoices)))["info"]
        assert info["email_success_info"]["sent_count"] == 2
    assert len(zoho.store.outbox()) - before == 4
    # They go to people on the customers' records, as the shipped policy allows.
    assert zoho.person.questions == []


async def test_people_addresses_mail_and_statements(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        person = {"customer_id": customer, "first_name": "Ben", "email": "ben@example.com"}
        made = (await call(client, "create_contact_person", **person))["contact_person"]["contact_person_id"]
        await call(client, "update_contact_person", contact_person_id=made, **{**person, "last_name": "Baker"})
        await call(client, "set_primary_contact_person", contact_person_id=made)
        listed = rows_of(await call(client, "list_contact_persons", customer_id=customer), "contact_persons")
        assert [row["email"] for row in listed if row.get("is_primary_contact")] == ["ben@example.com"]
        await call(client, "delete_contact_person", contact_person_id=made, customer_id=customer)
        assert "body" in (await call(client, "get_statement_email", customer_id=customer))["data"]
        zoho.clock.advance(days=2)  # a newer address is asked about
        mail = {"customer_id": customer, "to_mail_ids": ["ada@example.com"], "subject": "S", "body": "B"}
        await call(client, "email_customer_statement", **mail)
        await call(client, "email_customer", **mail)
        added = await call(client, "add_customer_address", customer_id=customer, city="Graz")
        one = {"customer_id": customer, "address_id": added["address_info"]["address_id"]}
        await call(client, "update_customer_address", **one, city="Linz")
        addresses = rows_of(await call(client, "list_customer_addresses", customer_id=customer), "addresses")
        assert addresses[0]["city"] == "Linz"
        await call(client, "delete_customer_address", **one)
    assert len(zoho.person.questions) == 2


@pytest.mark.parametrize(("tool", "figure"), [("email_invoices", "total"), ("send_payment_reminders", "balance")])
async def test_the_question_of_several_mails_shows_each_invoice_and_recipient(
    zoho: Zoho, tmp_path: Path, tool: str, figure: str
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[defaults]\nsend = "ask"\n')
    async with everything(zoho, policy_file=str(policy)) as client:
        people = [{"first_name": name, "email": f"{name}@example.com"} for name in ("ada", "ben")]
        ids: list[str] = []
        for person, rate in zip(people, (10, 20), strict=True):
            made = await call(client, "create_customer", contact_name=person["first_name"], contact_persons=[person])
            ids.append(await invoice_of(client, made["customer"]["customer_id"], rate))
        await call(client, "record_invoice_payment", invoice_id=ids[1], amount=5)
        invoices = [(await call(client, "get_invoice", invoice_id=one))["invoice"] for one in ids]
        numbers = [invoice["invoice_number"] for invoice in invoices]
        await call(client, tool, invoice_ids=numbers)
    [question] = zoho.person.questions
    for invoice, person in zip(invoices, people, strict=True):
        [row] = [line for line in question.splitlines() if invoice["invoice_number"] in line]
        assert person["email"] in row
        assert f"{invoice[figure]:.2f}" in row


async def test_an_invoice_that_zoho_would_not_remind_of_is_named_in_the_question(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[defaults]\nsend = "ask"\n')
    async with everything(zoho, policy_file=str(policy)) as client:
        customer = await customer_of(client)
        ids = [await invoice_of(client, customer, rate) for rate in (10, 20)]
        await call(client, "record_invoice_payment", invoice_id=ids[1])
        await call(client, "send_payment_reminders", invoice_ids=ids)
        paid = (await call(client, "get_invoice", invoice_id=ids[1]))["invoice"]["invoice_number"]
    [row] = [line for line in zoho.person.questions[0].splitlines() if paid in line]
    assert "@" not in row


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_look_ups_and_setting_up(zoho: Zoho, product: str) -> None:
    async with everything(zoho, product=product) as client:
        kind = {"account_type": "expense"} if product == "books" else {}
        await call(client, "create_expense_category", account_name="Courses", **kind)
        accounts = {row["account_name"] for row in rows_of(await call(client, "list_accounts"), "accounts")}
        assert {"Courses", "Travel Expense"} <= accounts
        assert ("Checking Account" in accounts) == (product == "books")
        assert (await call(client, "create_tax", tax_name="Reduced", tax_percentage=7))["tax"]["tax_id"]
        made = await call(client, "create_currency", currency_code="CHF", currency_format="1,234,567.89")
        rates = await call(client, "list_exchange_rates", currency_id=made["currency"]["currency_id"])
        assert rows_of(rates, "exchange_rates")[0]["currency_code"] == "CHF"
        assert rows_of(await call(client, "list_users"), "users")


async def test_an_expense_on_a_card_takes_the_account_from_the_chart(zoho: Zoho) -> None:
    async with everything(zoho, product="books") as client:
        cards = rows_of(await call(client, "list_accounts", filter_by="AccountType.Liability"), "accounts")
        assert [card["account_type"] for card in cards] == ["credit_card"]
        category = (await call(client, "list_expense_categories"))["expense_categories"][0]["account_id"]
        spent = {"account_id": category, "date": "2026-06-01", "amount": 20}
        paid = {"paid_through_account_id": cards[0]["account_id"]}
        made = (await call(client, "create_expense", **spent, **paid))["expense"]
    assert made["paid_through_account_name"] == "Business Card"


@pytest.mark.parametrize("state", ["draft", "paid", "void"])
async def test_nobody_is_asked_to_write_off_what_is_not_owed(zoho: Zoho, state: str) -> None:
    async with everything(zoho) as client:
        customer = await customer_of(client)
        lines = [{"name": "Work", "rate": 10}]
        made = await call(client, "create_invoice", customer_id=customer, line_items=lines)
        one = {"invoice_id": made["invoice"]["invoice_id"]}
        if state != "draft":
            await call(client, {"paid": "record_invoice_payment", "void": "void_invoice"}[state], **one)
        asked = len(zoho.person.questions)
        result = await client.call_tool("write_off_invoice", one)
        assert result.structured_content["error"]["kind"] == "rejected"
    assert len(zoho.person.questions) == asked


async def test_a_refund_shows_its_amount_in_the_payment(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        paid = (await call(client, "record_payment", customer_id=await customer_of(client), amount=50))["payment"]
        refund = {"payment_id": paid["payment_id"], "amount": 30, "date": "2026-06-15"}
        made = (await call(client, "refund_payment", **refund))["payment"]
    assert (made["unused_amount"], made["payment_refunds"]) == (20, [{"amount_fcy": 30}])
