"""An address that this server gave to a contact person less than a day ago counts as an outsider for mail."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from conftest import Zoho, call, reference
from mcp import Client

from zoho_mcp.replicas.claims import CREATED_FOR as CREATED_FOR_REPLICAS
from zoho_mcp.server.delivery.sqlite_claims import CREATED_FOR
from zoho_mcp.server.recent_addresses import LASTS

pytestmark = pytest.mark.anyio
NEW = "New.Address@evil.example"
LINES = [{"name": "Logo", "rate": 100, "quantity": 1}]
WAYS = ("create_customer", "update_customer", "create_contact_person", "update_contact_person")


@asynccontextmanager
async def declining(zoho: Zoho, folder: Path, **changes: Any) -> AsyncGenerator[Client]:
    """A server of its own each time, as in a process of its own; a person who is asked says no."""
    zoho.person.answer = types.ElicitResult(action="decline")
    async with zoho.client(claims_file=str(folder / "claims.db"), **changes) as client:
        yield client


async def a_customer(client: Client, email: str = "old@acme.example") -> dict[str, Any]:
    people = [{"first_name": "Ann", "email": email}]
    made = await call(client, "create_customer", contact_name=f"Acme {reference()}", contact_persons=people)
    return made["customer"]


async def given(zoho: Zoho, client: Client, way: str) -> str:
    """A customer that has `NEW` on its record since just now, given in this way."""
    if way == "create_customer":
        return (await a_customer(client, NEW))["customer_id"]
    customer = await a_customer(client)
    zoho.clock.advance(seconds=LASTS + 1)
    zoho.person.answer = types.ElicitResult(action="accept", content={"confirm": True})
    own_id, [person] = customer["customer_id"], customer["contact_persons"]
    changed: dict[str, Any] = {"first_name": "Ann", "email": NEW}
    if way == "update_customer":
        people = [person | changed, {"first_name": "Bob", "email": "bob@acme.example"}]
        known = ("contact_person_id", "first_name", "email")
        people = [{name: value for name, value in one.items() if name in known} for one in people]
        await call(client, way, customer_id=own_id, contact_persons=people)
    elif way == "create_contact_person":
        await call(client, way, customer_id=own_id, **changed)
    else:
        await call(client, way, customer_id=own_id, contact_person_id=person["contact_person_id"], **changed)
    zoho.person.answer = types.ElicitResult(action="decline")
    zoho.person.questions.clear()
    return own_id


async def an_invoice(client: Client, customer: str) -> str:
    made = await call(client, "create_invoice", customer_id=customer, line_items=LINES, reference_number=reference())
    return made["invoice"]["invoice_id"]


def mails(zoho: Zoho) -> list[str]:
    return [one for one in zoho.changes() if one.endswith(("/email", "/paymentreminder"))]


@pytest.mark.parametrize("way", WAYS)
async def test_however_it_was_given_mail_to_it_is_asked_about_for_a_day(zoho: Zoho, way: str, tmp_path: Path) -> None:
    async with declining(zoho, tmp_path, toolsets=("all",)) as client:
        customer = await given(zoho, client, way)
        invoice = await an_invoice(client, customer)
    async with declining(zoho, tmp_path, toolsets=("all",)) as client:
        mail = {"invoice_id": invoice, "to_mail_ids": [NEW.lower()]}
        assert (await client.call_tool("email_invoice", mail)).is_error
        assert mails(zoho) == []
        assert NEW.lower() in zoho.person.questions[-1].lower()
        zoho.clock.advance(seconds=LASTS + 1)
        assert not (await client.call_tool("email_invoice", mail)).is_error
    assert len(mails(zoho)) == 1


async def test_an_address_that_the_customer_had_before_stays_known(zoho: Zoho, tmp_path: Path) -> None:
    async with declining(zoho, tmp_path) as client:
        customer = await a_customer(client)
        zoho.clock.advance(seconds=LASTS + 1)
        [person] = customer["contact_persons"]
        kept = {"contact_person_id": person["contact_person_id"], "first_name": "Anna", "email": person["email"]}
        await call(client, "update_customer", customer_id=customer["customer_id"], contact_persons=[kept])
        invoice = await an_invoice(client, customer["customer_id"])
        await call(client, "email_invoice", invoice_id=invoice, to_mail_ids=[person["email"]])
    assert zoho.person.questions == []


async def test_a_document_that_is_sent_on_creation_counts_too(zoho: Zoho, tmp_path: Path) -> None:
    async with declining(zoho, tmp_path) as client:
        customer = (await a_customer(client, NEW))["customer_id"]
        arguments = {"customer_id": customer, "line_items": LINES, "send": True}
        assert (await client.call_tool("create_invoice", arguments)).is_error
        assert NEW in zoho.person.questions[0]
        zoho.clock.advance(seconds=LASTS + 1)
        assert not (await client.call_tool("create_invoice", arguments)).is_error


@pytest.mark.parametrize("tool", ["email_invoices", "send_payment_reminders"])
async def test_several_mails_at_once_count_too(zoho: Zoho, tool: str, tmp_path: Path) -> None:
    async with declining(zoho, tmp_path, toolsets=("all",)) as client:
        old, new = await a_customer(client), await a_customer(client, NEW)
        invoices = [await an_invoice(client, customer["customer_id"]) for customer in (old, new)]
        for invoice in invoices:
            await call(client, "mark_invoice_sent", invoice_id=invoice)
        assert (await client.call_tool(tool, {"invoice_ids": invoices})).is_error
        assert NEW in zoho.person.questions[0]
        assert mails(zoho) == []
        zoho.clock.advance(seconds=LASTS + 1)
        assert not (await client.call_tool(tool, {"invoice_ids": invoices})).is_error


async def test_the_file_holds_no_address(zoho: Zoho, tmp_path: Path) -> None:
    async with declining(zoho, tmp_path) as client:
        await a_customer(client, NEW)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name.startswith("claims.db"))
    assert kept
    assert b"evil.example" not in kept.lower()


def test_claims_remember_for_as_long_as_an_address_is_recent() -> None:
    assert min(CREATED_FOR_REPLICAS, CREATED_FOR) >= LASTS
