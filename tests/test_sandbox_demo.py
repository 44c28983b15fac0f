"""The demo studio's books, and the store they are kept in."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sandbox_support import TODAY, Sandbox

from zoho_mcp.sandbox.demo import organization as demo_data
from zoho_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
def studio() -> Iterator[Sandbox]:
    with Sandbox(demo=True) as sandbox:
        yield sandbox


async def test_the_studio_has_a_year_of_invoices_in_every_status(studio: Sandbox) -> None:
    rows = (await studio.ask("GET", "/invoices"))["invoices"]
    assert len(rows) == 43
    assert {row["status"] for row in rows} == {"draft", "sent", "overdue", "partially_paid", "paid", "void"}
    dates = [date.fromisoformat(row["date"]) for row in rows]
    assert TODAY - timedelta(days=365) < min(dates)
    assert max(dates) < TODAY
    assert len((await studio.ask("GET", "/contacts"))["contacts"]) == 8
    assert len((await studio.ask("GET", "/items"))["items"]) == 8


async def test_the_studios_books_add_up(studio: Sandbox) -> None:
    invoices = (await studio.ask("GET", "/invoices"))["invoices"]
    payments = (await studio.ask("GET", "/customerpayments"))["customerpayments"]
    notes = (await studio.ask("GET", "/creditnotes"))["creditnotes"]
    contacts = (await studio.ask("GET", "/contacts"))["contacts"]
    for row in invoices:
        invoice = await studio.read(row)
        discount, extras = invoice["discount_total"], invoice["shipping_charge"] + invoice["adjustment"]
        assert invoice["total"] == invoice["sub_total"] - discount + invoice["tax_total"] + extras
        if invoice["status"] != "void":
            assert invoice["balance"] == invoice["total"] - invoice["payment_made"] - invoice["credits_applied"]
    for contact in contacts:
        theirs = [row for row in invoices if row["customer_id"] == contact["contact_id"]]
        owed = sum(row["balance"] for row in theirs if row["status"] not in ("draft", "void"))
        unused = sum(row["unused_amount"] for row in payments if row["customer_id"] == contact["contact_id"])
        open_notes = [row for row in notes if row["status"] == "open"]
        unused += sum(row["balance"] for row in open_notes if row["customer_id"] == contact["contact_id"])
        assert (contact["outstanding_receivable_amount"], contact["unused_credits_receivable_amount"]) == (owed, unused)
    invoiced = sum(row["total"] for row in invoices if row["status"] not in ("draft", "void"))
    received = sum(row["amount"] - row["unused_amount"] for row in payments)
    details = [await studio.read(row) for row in invoices]
    received += sum(invoice["credits_applied"] for invoice in details)
    assert invoiced - received == sum(row["balance"] for row in invoices if row["status"] not in ("draft", "void"))
    assert sum(row["unused_amount"] for row in payments) == Decimal("500.00")


async def test_customers_with_overdue_invoices_are_those_that_such_invoices_name(studio: Sandbox) -> None:
    late = (await studio.ask("GET", "/contacts", filter_by="Invoice.OverDue"))["contacts"]
    invoices = (await studio.ask("GET", "/invoices", filter_by="Status.OverDue"))["invoices"]
    assert {row["contact_id"] for row in late} == {row["customer_id"] for row in invoices} != set()


async def test_an_organisation_is_read_as_it_is_listed(studio: Sandbox) -> None:
    [listed] = (await studio.ask("GET", "/organizations"))["organizations"]
    read = (await studio.ask("GET", f"/organizations/{listed['organization_id']}"))["organization"]
    assert {key: read[key] for key in ("name", "currency_code", "time_zone")} == {
        key: listed[key] for key in ("name", "currency_code", "time_zone")
    }


def test_the_same_day_gives_the_same_books() -> None:
    with closing(Store.open(None)) as one, closing(Store.open(None)) as twin:
        for store in (one, twin):
            demo_data.seed(store, today=TODAY)
        first, second = (store.rows("select body from records order by rowid") for store in (one, twin))
    assert first == second


async def test_seeding_again_changes_nothing(studio: Sandbox) -> None:
    demo_data.seed(studio.store, today=TODAY + timedelta(days=30))
    assert len((await studio.ask("GET", "/invoices"))["invoices"]) == 43


def test_the_credentials_look_like_what_they_are() -> None:
    assert "SANDBOX" in "".join(asdict(demo_data.CREDENTIALS).values()).upper()


async def test_a_file_keeps_the_books_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    with Sandbox(path=path) as sandbox:
        made = await sandbox.invoice(await sandbox.customer(), "12.34")
        token = await sandbox.token()
    with Sandbox(path=path) as again:
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        response = await again.send("GET", f"/invoices/{made['invoice_id']}", headers=headers)
        assert response.json()["invoice"]["total"] == 12.34
        assert (await again.invoice(made["customer_id"]))["invoice_number"] == "INV-000002"


async def test_two_sandboxes_on_one_file_give_every_invoice_its_own_number(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    with Sandbox(path=path) as one, Sandbox(path=path) as two:
        customer_id = await one.customer()
        await two.ask("GET", "/contacts")
        made = await asyncio.gather(*[each.invoice(customer_id) for each in (one, two) for _ in range(10)])
        assert len({invoice["invoice_number"] for invoice in made}) == 20
        assert len({invoice["invoice_id"] for invoice in made}) == 20


def test_ids_are_never_given_twice() -> None:
    store = Store.open(None)
    books, others = store.books("1"), store.books("2")
    assert len({each.new_id() for _ in range(5) for each in (books, others)}) == 10
    assert [books.next_number("x"), others.next_number("x"), books.next_number("x")] == [1, 1, 2]
    store.close()


def test_a_transaction_that_fails_leaves_no_trace() -> None:
    store = Store.open(None)
    books = store.books("1")

    def fail() -> None:
        with store.transaction():
            books.put("item", books.new_id(), {"rate": Decimal("0.10")})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.is_empty()
    store.close()
