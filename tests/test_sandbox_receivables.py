"""Reminders, write-off, refunds of payments, statements, addresses, attachments, comments and PDFs, over HTTP."""

from decimal import Decimal

import pytest
from sandbox_support import Json, Sandbox, path_of

pytestmark = pytest.mark.anyio


async def owed(sandbox: Sandbox, amount: str = "100") -> Json:
    """A sent invoice of a customer with an address."""
    person = {"first_name": "Ada", "email": "ada@example.com", "is_primary_contact": True}
    contact = await sandbox.ask("POST", "/contacts", {"contact_name": f"Ada {amount}", "contact_persons": [person]})
    body = {"customer_id": contact["contact"]["contact_id"], "line_items": [{"name": "Work", "rate": amount}]}
    invoice = (await sandbox.ask("POST", "/invoices", body))["invoice"]
    await sandbox.ask("POST", f"{path_of(invoice)}/status/sent")
    return invoice


async def test_a_reminder_goes_to_the_contact_persons_and_is_counted(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    content = (await sandbox.ask("GET", f"{path_of(invoice)}/paymentreminder"))["data"]
    assert content["to_mails_str"] == "ada@example.com"
    sent = await sandbox.ask("POST", f"{path_of(invoice)}/paymentreminder", {"cc_mail_ids": []})
    assert sent["message"] == "Your payment reminder has been sent."
    assert (await sandbox.read(invoice))["reminders_sent"] == 1
    assert [mail["to"] for mail in sandbox.store.outbox()] == [["ada@example.com"]]


async def test_nothing_paid_is_reminded_of(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    await sandbox.ask("POST", f"{path_of(invoice)}/writeoff")
    assert (await sandbox.refusal("POST", f"{path_of(invoice)}/paymentreminder", {}))[0] == 400
    assert sandbox.store.outbox() == []


async def test_several_reminders_say_which_were_not_sent(sandbox: Sandbox) -> None:
    first, second = await owed(sandbox), await owed(sandbox, "7")
    await sandbox.ask("POST", f"{path_of(second)}/writeoff")
    ids = f"{first['invoice_id']},{second['invoice_id']}"
    info = (await sandbox.ask("POST", "/invoices/paymentreminder", invoice_ids=ids))["info"]
    assert info["email_success_info"]["sent_count"] == 1
    assert info["email_errors_info"][0]["ids"] == [second["invoice_id"]]


async def test_a_write_off_takes_the_balance_and_can_be_cancelled(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    await sandbox.ask("POST", f"{path_of(invoice)}/writeoff")
    written = await sandbox.read(invoice)
    assert (written["balance"], written["write_off_amount"]) == (0, 100)
    assert (await sandbox.contact(invoice["customer_id"]))["outstanding_receivable_amount"] == 0
    assert (await sandbox.refusal("POST", f"{path_of(invoice)}/writeoff"))[0] == 400
    await sandbox.ask("POST", f"{path_of(invoice)}/writeoff/cancel")
    assert (await sandbox.read(invoice))["balance"] == 100
    assert (await sandbox.refusal("POST", f"{path_of(invoice)}/writeoff/cancel"))[0] == 400


async def test_the_unused_part_of_a_payment_can_be_refunded_and_the_refund_deleted(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    body = {
        "customer_id": invoice["customer_id"], "amount": 150,
        "invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": 100}],
    }  # fmt: skip
    payment = (await sandbox.ask("POST", "/customerpayments", body))["payment"]
    path = f"/customerpayments/{payment['payment_id']}"
    assert (await sandbox.refusal("POST", f"{path}/refunds", {"date": "2026-10-09", "amount": 51}))[0] == 400
    saved = await sandbox.ask("POST", f"{path}/refunds", {"date": "2026-10-09", "amount": "20.50"})
    [refund] = saved["payment_refunds"]
    assert (await sandbox.ask("GET", path))["payment"]["unused_amount"] == Decimal("29.50")
    [row] = (await sandbox.ask("GET", f"{path}/refunds"))["payment_refunds"]
    assert row["amount_fcy"] == Decimal("20.50")
    await sandbox.ask("DELETE", f"{path}/refunds/{refund['payment_refund_id']}")
    assert (await sandbox.ask("GET", path))["payment"]["unused_amount"] == 50


async def test_statements_and_mails_go_where_they_are_sent(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    path = f"/contacts/{invoice['customer_id']}"
    assert (await sandbox.ask("GET", f"{path}/statements/email"))["data"]["contact_id"] == invoice["customer_id"]
    mail = {"to_mail_ids": ["ada@example.com"], "subject": "S", "body": "B"}
    await sandbox.ask("POST", f"{path}/statements/email", mail, start_date="2026-01-01", end_date="2026-10-09")
    await sandbox.ask("POST", f"{path}/email", mail)
    assert [(one["kind"], one["start_date"]) for one in sandbox.store.outbox()] == [
        ("statement", "2026-01-01"), ("contact", ""),
    ]  # fmt: skip
    for name in mail:
        less = {key: value for key, value in mail.items() if key != name}
        assert (await sandbox.refusal("POST", f"{path}/email", less))[0] == 400


async def test_additional_addresses_of_a_customer(sandbox: Sandbox) -> None:
    path = f"/contacts/{await sandbox.customer()}/address"
    added = (await sandbox.ask("POST", path, {"city": "Graz", "attention": "Ada"}))["address_info"]
    await sandbox.ask("PUT", f"{path}/{added['address_id']}", {"city": "Linz"})
    [kept] = (await sandbox.ask("GET", path))["addresses"]
    assert (kept["city"], kept["attention"], kept["address_id"]) == ("Linz", "Ada", added["address_id"])
    await sandbox.ask("DELETE", f"{path}/{added['address_id']}")
    assert (await sandbox.ask("GET", path))["addresses"] == []


async def test_comments_links_reminder_switches_and_look_ups(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    await sandbox.ask("POST", f"{path_of(invoice)}/comments", {"description": "Called, pays on Friday"})
    [comment] = (await sandbox.ask("GET", f"{path_of(invoice)}/comments"))["comments"]
    assert comment["description"] == "Called, pays on Friday"
    query = {"transaction_id": invoice["invoice_id"], "transaction_type": "invoice", "link_type": "public"}
    link = (await sandbox.ask("GET", "/share/paymentlink", **query, expiry_time="2026-12-01"))["data"]["share_link"]
    assert link.startswith("https://")
    await sandbox.ask("POST", f"{path_of(invoice)}/paymentreminder/disable")
    assert (await sandbox.read(invoice))["payment_reminder_enabled"] is False
    await sandbox.ask("POST", f"{path_of(invoice)}/paymentreminder/enable")
    assert (await sandbox.read(invoice))["payment_reminder_enabled"] is True
    assert (await sandbox.ask("GET", "/users"))["users"][0]["is_current_user"] is True
    [euro] = [
        one for one in (await sandbox.ask("GET", "/settings/currencies"))["currencies"] if one["currency_code"] == "EUR"
    ]
    rates = (await sandbox.ask("GET", f"/settings/currencies/{euro['currency_id']}/exchangerates"))["exchange_rates"]
    assert rates[0]["rate"] == euro["exchange_rate"]


async def test_a_payment_is_neither_lowered_below_its_refunds_nor_deleted_nor_applied_in_parts_of_a_cent(
    sandbox: Sandbox,
) -> None:
    invoice = await owed(sandbox)
    body = {"customer_id": invoice["customer_id"], "amount": 50}
    path = f"/customerpayments/{(await sandbox.ask('POST', '/customerpayments', body))['payment']['payment_id']}"
    parts = [{"payment_id": path.rpartition("/")[2], "amount_applied": "10.005"}]
    assert (await sandbox.refusal("POST", f"{path_of(invoice)}/credits", {"invoice_payments": parts}))[0] == 400
    await sandbox.ask("POST", f"{path}/refunds", {"date": "2026-10-09", "amount": 30})
    assert (await sandbox.refusal("PUT", path, {"amount": 29}))[0] == 400
    assert (await sandbox.refusal("DELETE", path))[0] == 400
    applied = [{"invoice_id": invoice["invoice_id"], "amount_applied": 21}]
    assert (await sandbox.refusal("PUT", path, {"invoices": applied}))[0] == 400
    assert (await sandbox.ask("GET", path))["payment"]["unused_amount"] == 20


async def test_a_second_write_off_adds_to_the_first_and_voiding_ends_both(sandbox: Sandbox) -> None:
    invoice = await owed(sandbox)
    await sandbox.pay(invoice, "60")
    await sandbox.ask("POST", f"{path_of(invoice)}/writeoff")
    [row] = (await sandbox.ask("GET", f"{path_of(invoice)}/payments"))["payments"]
    await sandbox.ask("DELETE", f"{path_of(invoice)}/payments/{row['invoice_payment_id']}")
    await sandbox.ask("POST", f"{path_of(invoice)}/writeoff")
    assert (await sandbox.read(invoice))["write_off_amount"] == 100
    await sandbox.ask("POST", f"{path_of(invoice)}/status/void")
    await sandbox.ask("POST", f"{path_of(invoice)}/status/draft")
    assert (await sandbox.read(invoice))["balance"] == 100
