"""Which way a person is asked, what a waiting call tells, and that no way is left to a model alone."""

from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from approving import Told, a_desk, both, browser_session, never
from conftest import ERAS, Clock, Era, Zoho, call, kind_of, text_of
from mcp import Client
from mcp.shared.exceptions import MCPError
from test_confirm import sent_invoice, status

from zoho_mcp.policy.approvals import MOST_WAITING, Approvals

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

both_eras = pytest.mark.parametrize("era", ERAS)
DESTROYS = ("void_invoice", "delete_invoice")


@both_eras
async def test_a_decision_that_takes_longer_than_the_call_waits_counts_for_the_next_call(zoho: Zoho, era: Era) -> None:
    changes: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.05}
    async with a_desk() as desk, zoho.client(era, can_ask=False, browser=desk.open, **changes) as client:
        invoice = await sent_invoice(client)
        told = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(told) == "waiting"
        assert "void_invoice" in text_of(told)
        assert "<h1>Approved</h1>" in await desk.decide("approve")
        assert await status(client, invoice) == "sent"
        await call(client, "void_invoice", invoice_id=invoice)
        assert await status(client, invoice) == "void"
        assert "<h1>Done</h1>" in await desk.look(desk.addresses[0])
        assert len(desk.addresses) == 1


@both_eras
async def test_a_yes_that_no_call_uses_in_time_counts_for_nothing(zoho: Zoho, era: Era) -> None:
    clock = Clock()
    changes: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.05}
    approvals = Approvals(lambda: clock().timestamp())
    async with (
        a_desk() as desk,
        zoho.client(era, can_ask=False, browser=desk.open, approvals=approvals, **changes) as client,
    ):
        invoice = await sent_invoice(client)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"
        address = await desk.next()
        await desk.click(address, "approve")
        clock.advance(seconds=301)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"
        assert await status(client, invoice) == "sent"
        assert len(desk.addresses) == 2
        assert "<h1>Expired</h1>" in await desk.look(address)
        clock.advance(seconds=301)
        async with browser_session() as browser:
            assert (await browser.get(address)).status_code == 404


@both_eras
async def test_a_waiting_call_reports_progress_without_the_address(zoho: Zoho, era: Era) -> None:
    told = Told()
    async with (
        a_desk() as desk,
        zoho.client(era, can_ask=False, browser=desk.open, can_open_browser=True) as client,
    ):
        invoice = await sent_invoice(client)

        async def decline_once_told() -> None:
            with anyio.fail_after(20):
                await told.first.wait()
            await desk.decide("decline")

        waiting = client.call_tool("void_invoice", {"invoice_id": invoice}, progress_callback=told.progress)
        assert kind_of(await both(waiting, decline_once_told())) == "declined"
        assert len(told.messages) == 1
        assert not any(part in told.messages[0] for part in ("http", *desk.addresses))


@both_eras
async def test_a_client_that_cannot_ask_is_refused_where_no_page_is_wanted(zoho: Zoho, era: Era) -> None:
    async with (
        a_desk() as desk,
        zoho.client(era, can_ask=False, confirm_fallback="refuse", browser=desk.open, can_open_browser=True) as client,
    ):
        invoice = await sent_invoice(client)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "could_not_ask"
        assert desk.addresses == []


@both_eras
async def test_a_read_that_is_asked_about_settles_its_page_too(zoho: Zoho, tmp_path: Path, era: Era) -> None:
    policy, approvals = tmp_path / "policy.toml", Approvals()
    policy.write_text('[[rules]]\naction = "ask"\ntools = "get_customer"\n', encoding="utf-8")
    policy.chmod(0o600)
    async with (
        a_desk() as desk,
        zoho.client(
            era, can_ask=False, browser=desk.open, can_open_browser=True, approvals=approvals, policy_file=str(policy)
        ) as client,
    ):
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        result = await both(client.call_tool("get_customer", {"customer_id": customer}), desk.decide("approve"))
        assert not result.is_error, text_of(result)
        [address] = desk.addresses
        approval = await approvals.find("page", address.rpartition("/")[2])
        assert approval is not None
        assert approval.settled.is_set()


@both_eras
async def test_a_client_that_can_ask_does_so_and_opens_no_window(zoho: Zoho, era: Era) -> None:
    async with a_desk() as desk, zoho.client(era, browser=desk.open, can_open_browser=True) as client:
        await call(client, "void_invoice", invoice_id=await sent_invoice(client))
        assert len(zoho.person.questions) == 1
        assert desk.addresses == []


async def test_an_older_client_that_answers_with_an_error_is_asked_on_the_page(zoho: Zoho) -> None:
    zoho.person.answer = types.ErrorData(code=-32601, message="Method not found")
    async with a_desk() as desk, zoho.client("legacy", browser=desk.open, can_open_browser=True) as client:
        invoice = await sent_invoice(client)
        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("approve"))
        assert not result.is_error, text_of(result)


async def test_a_client_that_never_answers_is_not_waited_for_twice(zoho: Zoho) -> None:
    clock = Clock()
    approvals = Approvals(lambda: clock().timestamp())
    async with a_desk() as desk:
        server = zoho.server(browser=desk.open, can_open_browser=True, approvals=approvals)
        async with Client(server, mode="legacy", elicitation_callback=never) as client:
            invoice = await sent_invoice(client)
            with anyio.move_on_after(0.1):  # the client's own limit, shorter than ZOHO_CONFIRM_TIMEOUT
                await client.call_tool("void_invoice", {"invoice_id": invoice})
            assert desk.addresses == []
            clock.advance(seconds=31)
            result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("approve"))
            assert not result.is_error, text_of(result)


async def test_a_2026_client_that_drops_questions_is_asked_on_the_page_the_next_time(zoho: Zoho) -> None:
    clock = Clock()
    approvals = Approvals(lambda: clock().timestamp())
    async with (
        a_desk() as desk,
        zoho.client(approvals=approvals, browser=desk.open, can_open_browser=True) as client,
    ):
        invoice = await sent_invoice(client)

        async def ask() -> types.CallToolResult | types.InputRequiredResult:
            return await client.session.call_tool("void_invoice", {"invoice_id": invoice}, allow_input_required=True)

        assert isinstance(await ask(), types.InputRequiredResult)
        clock.advance(seconds=5)
        assert isinstance(await both(ask(), desk.decide("decline")), types.CallToolResult)
        clock.advance(seconds=300)
        assert isinstance(await ask(), types.InputRequiredResult)


@both_eras
async def test_when_the_window_cannot_even_be_tried_nothing_is_done(zoho: Zoho, era: Era) -> None:
    async def broken(address: str) -> bool:
        raise RuntimeError("no bus")

    async with zoho.client(era, can_ask=False, browser=broken, can_open_browser=True) as client:
        invoice = await sent_invoice(client)
        told = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(told) == "could_not_ask"
        assert "RuntimeError" in text_of(told)
        assert await status(client, invoice) == "sent"


async def test_a_person_is_not_buried_in_windows(zoho: Zoho) -> None:
    changes: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.01}
    async with a_desk() as desk, zoho.client(can_ask=False, browser=desk.open, **changes) as client:
        for _ in range(MOST_WAITING + 2):
            result = await client.call_tool("void_invoice", {"invoice_id": await sent_invoice(client)})
            assert kind_of(result) == "waiting"
        assert len(desk.addresses) == MOST_WAITING


class Model:
    """Everything a model can do by itself: any tool, any arguments, as often as it likes; and it reads every answer."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard = ""

    async def call(self, tool: str, **arguments: Any) -> None:
        try:
            self.heard += text_of(await self.client.call_tool(tool, arguments))
        except MCPError as problem:
            self.heard += problem.error.message

    async def try_everything(self, invoice: str) -> None:
        words = ["confirm", "confirmed", "approve", "approval", "approval_id", "confirmation_token", "force", "yes"]
        for tool in DESTROYS:
            await self.call(tool, invoice_id=invoice)
            for value in (True, "yes", *self.heard.replace(".", " ").replace(")", " ").split()[-40:]):
                await self.call(tool, invoice_id=invoice, **dict.fromkeys(words, value))
            for _ in range(5):
                await self.call(tool, invoice_id=invoice)
        for tool in (await self.client.list_tools()).tools:
            if tool.name not in DESTROYS:
                await self.call(tool.name, invoice_id=invoice)
                await self.call(tool.name, invoice_id=f"{invoice}/status/void")
        for address in ("void", "approval", f"invoices/{invoice}/void"):
            with pytest.raises(MCPError):
                await self.client.read_resource(f"zoho-invoice://{address}")


@pytest.mark.parametrize("fallback", ["page", "refuse"])
@pytest.mark.parametrize("has_browser", [True, False])
@both_eras
async def test_a_model_gets_nothing_through_without_a_person(
    zoho: Zoho, era: Era, fallback: str, has_browser: bool
) -> None:
    changes: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.001, "confirm_fallback": fallback}
    async with (
        a_desk(has_browser=has_browser) as desk,
        zoho.client(era, can_ask=False, browser=desk.open, **changes) as client,
    ):
        invoice = await sent_invoice(client)
        before = zoho.changes()
        model = Model(client)
        await model.try_everything(invoice)
        lost = [change for change in zoho.changes()[len(before) :] if "void" in change or change.startswith("DELETE")]
        assert lost == []
        assert await status(client, invoice) != "void"
        assert not any(address.rpartition("/")[2] in model.heard for address in desk.addresses)


@both_eras
async def test_nor_where_the_client_asks_and_the_person_is_away(zoho: Zoho, era: Era) -> None:
    zoho.person.answer = types.ElicitResult(action="cancel")
    async with zoho.client(era) as client:
        invoice = await sent_invoice(client)
        await Model(client).try_everything(invoice)
        assert not any("void" in change or change.startswith("DELETE") for change in zoho.changes())
