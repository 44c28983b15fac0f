"""The way of two calls: a token counts once, for the call, the organisation and the record that its preview showed."""

import re
from typing import Any

import anyio
import pytest
from conftest import ERAS, Clock, Era, Zoho, call, kind_of, text_of
from mcp import Client
from test_confirm import sent_invoice, status
from test_confirm_matrix import OTHER_ORGANIZATION, open_another_organization

from zoho_mcp.policy.approvals import Approvals

pytestmark = pytest.mark.anyio

both_eras = pytest.mark.parametrize("era", ERAS)
TOKENS: dict[str, Any] = {"can_ask": False, "confirm_fallback": "token"}


async def refused(client: Client, tool: str = "void_invoice", **arguments: Any) -> str:
    """The kind of a call's refusal."""
    return kind_of(await client.call_tool(tool, arguments))


async def preview(client: Client, **arguments: Any) -> str:
    """What a call says that waits for a person."""
    result = await client.call_tool("void_invoice", arguments)
    assert kind_of(result) == "waiting"
    return text_of(result)


async def token(client: Client, **arguments: Any) -> str:
    found = re.search(r'confirmation_token: "([^"]+)"', await preview(client, **arguments))
    assert found is not None
    return found[1]


@both_eras
async def test_the_second_call_with_the_token_runs_it_once(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era, **TOKENS) as client:
        invoice = await sent_invoice(client)
        assert "450.00" in await preview(client, invoice_id=invoice)
        given = await token(client, invoice_id=invoice)
        assert await status(client, invoice) == "sent"
        await call(client, "void_invoice", invoice_id=invoice, confirmation_token=given)
        assert await refused(client, invoice_id=invoice, confirmation_token=given) == "expired"
        assert zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void") == 1


@both_eras
async def test_a_token_is_for_nothing_else(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era, **TOKENS) as client:
        one, other = await sent_invoice(client), await sent_invoice(client)
        given = await token(client, invoice_id=one)
        assert await refused(client, invoice_id=other, confirmation_token=given) == "expired"
        given = await token(client, invoice_id=one)
        assert await refused(client, "delete_invoice", invoice_id=one, confirmation_token=given) == "expired"
        for wrong in ("", "x", given + "x", given[:-1], 7, None, True, "é"):
            assert await refused(client, invoice_id=one, confirmation_token=wrong) in (
                "expired",
                "waiting",
                "arguments",
            )
        assert [await status(client, invoice) for invoice in (one, other)] == ["sent", "sent"]


async def test_a_newer_preview_takes_the_older_ones_token_away(zoho: Zoho) -> None:
    async with zoho.client(**TOKENS) as client:
        invoice = await sent_invoice(client)
        older, newer = await token(client, invoice_id=invoice), await token(client, invoice_id=invoice)
        assert await refused(client, invoice_id=invoice, confirmation_token=older) == "expired"
        await call(client, "void_invoice", invoice_id=invoice, confirmation_token=newer)


async def test_a_changed_record_gets_a_new_preview_and_token(zoho: Zoho) -> None:
    async with zoho.client(**TOKENS) as client:
        invoice = await sent_invoice(client)
        given = await token(client, invoice_id=invoice)
        zoho.clock.advance(seconds=2)
        await call(client, "update_invoice", invoice_id=invoice, due_date="2026-12-31", reason="x")
        asked_again = await preview(client, invoice_id=invoice, confirmation_token=given)
        assert "confirmation_token" in asked_again
        assert given not in asked_again
        assert await refused(client, invoice_id=invoice, confirmation_token=given) == "expired"
        assert await status(client, invoice) == "sent"


async def test_a_token_expires_and_does_not_survive_a_restart(zoho: Zoho) -> None:
    clock = Clock()
    async with zoho.client(**TOKENS, approvals=Approvals(lambda: clock().timestamp())) as client:
        invoice = await sent_invoice(client)
        late = await token(client, invoice_id=invoice)
        clock.advance(seconds=301)
        assert await refused(client, invoice_id=invoice, confirmation_token=late) == "expired"
        lost = await token(client, invoice_id=invoice)
    async with zoho.client(**TOKENS) as client:
        assert await refused(client, invoice_id=invoice, confirmation_token=lost) == "expired"
        assert await status(client, invoice) == "sent"


async def test_two_at_once_run_it_once(zoho: Zoho) -> None:
    async with zoho.client(**TOKENS) as client:
        invoice = await sent_invoice(client)
        given = await token(client, invoice_id=invoice)
        worked: list[bool] = []

        async def use() -> None:
            result = await client.call_tool("void_invoice", {"invoice_id": invoice, "confirmation_token": given})
            worked.append(not result.is_error)

        async with anyio.create_task_group() as group:
            group.start_soon(use)
            group.start_soon(use)
        assert sorted(worked) == [False, True]


async def test_another_organisation_takes_another_token(zoho: Zoho) -> None:
    approvals = Approvals()
    async with (
        zoho.client(**TOKENS, approvals=approvals) as here,
        zoho.client(**TOKENS, approvals=approvals, organization_id=OTHER_ORGANIZATION) as there,
    ):
        invoice = await sent_invoice(here)
        open_another_organization(zoho)
        given = await token(here, invoice_id=invoice)
        assert await refused(there, invoice_id=invoice, confirmation_token=given) == "expired"


async def test_a_client_that_can_ask_is_asked_and_needs_no_token(zoho: Zoho) -> None:
    async with zoho.client(confirm_fallback="token") as client:
        await call(client, "void_invoice", invoice_id=await sent_invoice(client))
    assert len(zoho.person.questions) == 1


@both_eras
async def test_the_argument_is_listed_only_where_it_is_used(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era, **TOKENS) as client:
        tools = (await client.list_tools()).tools
        having = {tool.name for tool in tools if "confirmation_token" in tool.input_schema["properties"]}
        assert having == {tool.name for tool in tools if not (tool.annotations and tool.annotations.read_only_hint)}
        assert not any("confirmation_token" in tool.input_schema.get("required", []) for tool in tools)
        await call(client, "create_customer", contact_name="Any", confirmation_token="x")
    async with zoho.client(era, can_ask=False) as client:
        assert "confirmation_token" not in str(await client.list_tools())
        result = await client.call_tool("void_invoice", {"invoice_id": "1", "confirmation_token": "x"})
        assert kind_of(result) == "arguments"
        assert "confirmation_token" in text_of(result)
    assert "confirmation_token" not in str(zoho.app.state.request_log)
