"""Customers and their contact persons."""

from decimal import Decimal

import pytest
from sandbox_support import EURO, Sandbox

pytestmark = pytest.mark.anyio


async def test_a_customer_needs_no_more_than_a_name(sandbox: Sandbox) -> None:
    answer = await sandbox.ask("POST", "/contacts", {"contact_name": "Acme"})
    assert answer["message"] == "The contact has been added."
    contact = answer["contact"]
    assert (contact["contact_type"], contact["status"], contact["currency_code"]) == ("customer", "active", "USD")
    assert (contact["payment_terms"], contact["payment_terms_label"]) == (0, "Due on Receipt")
    assert (contact["outstanding_receivable_amount"], contact["email"]) == (0, "")
    assert contact["created_time"] == contact["last_modified_time"] == "2026-10-09T12:00:00-0400"


async def test_an_email_belongs_to_a_contact_person_and_is_ignored_elsewhere(sandbox: Sandbox) -> None:
    ignored = await sandbox.ask("POST", "/contacts", {"contact_name": "Acme", "email": "lost@acme.example"})
    assert ignored["contact"]["email"] == ""
    kept = await sandbox.contact(await sandbox.customer("Bolt"))
    assert kept["email"] == "ann@acme.example"
    assert kept["primary_contact_id"] == kept["contact_persons"][0]["contact_person_id"]


async def test_a_name_is_needed_and_can_be_used_once(sandbox: Sandbox) -> None:
    assert await sandbox.refusal("POST", "/contacts", {"company_name": "Acme"}) == (400, 3013)
    await sandbox.customer("Acme")
    assert await sandbox.refusal("POST", "/contacts", {"contact_name": " acme "}) == (400, 3062)


async def test_an_update_changes_what_is_sent_and_nothing_else(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer(notes="old", billing_address={"city": "Albany", "zip": "12207"})
    answer = await sandbox.ask("PUT", f"/contacts/{customer_id}", {"notes": "new", "billing_address": {"zip": "12208"}})
    contact = answer["contact"]
    assert contact["notes"] == "new"
    assert (contact["billing_address"]["city"], contact["billing_address"]["zip"]) == ("Albany", "12208")
    assert contact["email"] == "ann@acme.example"


async def test_two_changes_in_one_second_have_different_modification_times(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    times = [(await sandbox.contact(customer_id))["last_modified_time"]]
    for notes in ("one", "two"):
        answer = await sandbox.ask("PUT", f"/contacts/{customer_id}", {"notes": notes})
        times.append(answer["contact"]["last_modified_time"])
    assert times == ["2026-10-09T12:00:00-0400", "2026-10-09T12:00:01-0400", "2026-10-09T12:00:02-0400"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("payment_terms", "Net 15", 2),
        ("payment_terms", -1, 2),
        ("credit_limit", "much", 2),
        ("credit_limit", True, 2),
        ("contact_persons", "Ann", 2),
        ("contact_persons", [{"email": "nobody"}], 2),
        ("language_code", "xx", 2),
        ("company_name", "x" * 201, 15),
        ("currency_id", "982000000000999999", 9004),
    ],
)
async def test_a_wrong_value_is_refused(sandbox: Sandbox, field: str, value: object, code: int) -> None:
    status, got = await sandbox.refusal("POST", "/contacts", {"contact_name": "Acme", field: value})
    assert got == code
    assert status in (400, 404)


async def test_a_customer_with_transactions_cannot_be_deleted(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id)
    assert await sandbox.refusal("DELETE", f"/contacts/{customer_id}") == (400, 3000)
    await sandbox.ask("DELETE", f"/invoices/{invoice['invoice_id']}")
    answer = await sandbox.ask("DELETE", f"/contacts/{customer_id}")
    assert answer["message"] == "The customer has been deleted."
    assert await sandbox.refusal("GET", f"/contacts/{customer_id}") == (404, 1002)


async def test_a_customer_can_be_put_away_and_fetched_back(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    await sandbox.ask("POST", f"/contacts/{customer_id}/inactive")
    assert (await sandbox.contact(customer_id))["status"] == "inactive"
    assert (await sandbox.ask("GET", "/contacts", filter_by="Status.Active"))["contacts"] == []
    await sandbox.ask("POST", f"/contacts/{customer_id}/active")
    assert len((await sandbox.ask("GET", "/contacts", filter_by="Status.Active"))["contacts"]) == 1


async def test_a_list_shows_customers_unless_vendors_are_asked_for(sandbox: Sandbox) -> None:
    await sandbox.customer("Buyer")
    await sandbox.customer("Seller", contact_type="vendor")
    assert [row["contact_name"] for row in (await sandbox.ask("GET", "/contacts"))["contacts"]] == ["Buyer"]
    vendors = await sandbox.ask("GET", "/contacts", contact_type="vendor")
    assert [row["contact_name"] for row in vendors["contacts"]] == ["Seller"]


async def test_what_a_customer_owes_and_has_to_spare_follows_the_books(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    await sandbox.invoice(customer_id, "1000")  # a draft is owed by nobody
    invoice = await sandbox.invoice(customer_id, "250.50", sent=True)
    await sandbox.pay(invoice, "100.25")
    await sandbox.ask("POST", "/customerpayments", {"customer_id": customer_id, "amount": 30})
    contact = await sandbox.contact(customer_id)
    assert contact["outstanding_receivable_amount"] == Decimal("150.25")
    assert contact["unused_credits_receivable_amount"] == Decimal("30.00")
    [row] = (await sandbox.ask("GET", "/contacts"))["contacts"]
    assert row["outstanding_receivable_amount"] == Decimal("150.25")
    assert row["unused_credits_receivable_amount"] == Decimal("30.00")


async def test_a_foreign_customers_balance_is_shown_in_both_currencies(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer(currency_id=EURO)
    invoice = await sandbox.invoice(customer_id, "200", sent=True)
    assert (invoice["currency_code"], invoice["exchange_rate"], invoice["bcy_total"]) == ("EUR", Decimal("1.10"), 220)
    contact = await sandbox.contact(customer_id)
    assert (contact["outstanding_receivable_amount"], contact["outstanding_receivable_amount_bcy"]) == (200, 220)


async def test_contact_persons_have_one_primary_at_any_time(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    body = {"contact_id": customer_id, "first_name": "Bo", "email": "bo@acme.example", "is_primary_contact": True}
    bo = (await sandbox.ask("POST", "/contacts/contactpersons", body))["contact_person"]["contact_person_id"]
    people = (await sandbox.ask("GET", f"/contacts/{customer_id}/contactpersons"))["contact_persons"]
    assert [(person["first_name"], person["is_primary_contact"]) for person in people] == [("Ann", True), ("Bo", False)]
    await sandbox.ask("POST", f"/contacts/contactpersons/{bo}/primary")
    assert (await sandbox.contact(customer_id))["email"] == "bo@acme.example"
    await sandbox.ask("PUT", f"/contacts/contactpersons/{bo}", {"email": "bo@new.example"})
    await sandbox.ask("DELETE", f"/contacts/contactpersons/{people[0]['contact_person_id']}")
    assert (await sandbox.contact(customer_id))["email"] == "bo@new.example"
    assert await sandbox.refusal("GET", f"/contacts/{customer_id}/contactpersons/{customer_id}") == (404, 1002)
