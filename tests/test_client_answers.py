"""An answer counts as a person's only if it can be one; clients that answer by themselves are known the next time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from approving import Desk, a_desk, both
from conftest import ERAS, Era, Zoho, text_of
from mcp import Client
from mcp.client import ClientRequestContext
from test_confirm import sent_invoice, status

from zoho_mcp.audit.verify import entries
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.server.confirmation.client_memory import PAUSE, ClientMemory

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
both_eras = pytest.mark.parametrize("era", ERAS)
YES = types.ElicitResult(action="accept", content={"confirm": True})
MACHINES: dict[str, types.ElicitResult] = {
    "yes": YES,
    "yes and junk": types.ElicitResult(action="accept", content={"confirm": True, "number": "x", "other": 1}),
    "no": types.ElicitResult(action="decline"),
    "cancel": types.ElicitResult(action="cancel"),
    "nothing": types.ElicitResult(action="accept"),
}


class Answers:
    """A client that answers a question after some seconds, by a clock that only it moves."""

    def __init__(self, zoho: Zoho, answer: types.ElicitResult, after: float) -> None:
        self.zoho, self.answer, self.after = zoho, answer, after
        self.forms: list[types.ElicitRequestFormParams] = []

    async def __call__(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestFormParams)
        self.forms.append(params)
        self.zoho.clock.advance(seconds=self.after)
        return self.answer


@asynccontextmanager
async def asking(zoho: Zoho, era: Era, answers: Answers, **changes: Any) -> AsyncGenerator[tuple[Client, Desk]]:
    changes = {"reading_time": 1.0, "can_open_browser": True, "approval_wait": 5.0, **changes}
    async with a_desk() as desk:
        server = zoho.server(approvals=Approvals(zoho.seconds), browser=desk.open, **changes)
        async with Client(server, mode=era, elicitation_callback=answers) as client:
            yield client, desk


def kind_of(result: types.CallToolResult) -> str:
    return (result.structured_content or {"error": {"kind": ""}})["error"]["kind"]


@both_eras
@pytest.mark.parametrize("how", MACHINES)
async def test_an_instant_answer_is_none_and_the_page_opens_in_the_same_call(
    zoho: Zoho, era: Era, how: str, tmp_path: Path
) -> None:
    answers = Answers(zoho, MACHINES[how], after=0.2)
    files = {"clients_file": str(tmp_path / "clients.json"), "audit_file": str(tmp_path / "audit.jsonl")}
    async with asking(zoho, era, answers, **files) as (client, desk):
        invoice = await sent_invoice(client)
        before = await status(client, invoice)
        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("approve"))
        assert before == "sent"
        assert not result.is_error
        assert await status(client, invoice) == "void"
    async with asking(zoho, era, answers, **files) as (client, desk):
        invoice = await sent_invoice(client)
        await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("decline"))
        assert await status(client, invoice) == "sent"
    assert len(answers.forms) == 1  # another process knows it too
    outcomes = [entry.get("outcome") for entry in entries((tmp_path / "audit.jsonl").read_bytes())]
    assert outcomes.count("answered by the client itself") == 1


@both_eras
async def test_a_no_that_takes_its_time_is_final(zoho: Zoho, era: Era) -> None:
    answers = Answers(zoho, MACHINES["no"], after=1.5)
    async with asking(zoho, era, answers) as (client, desk):
        invoice = await sent_invoice(client)
        result = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(result) == "declined"
        assert await status(client, invoice) == "sent"
        assert desk.addresses == []


@both_eras
async def test_what_the_user_wants_instead_is_passed_on_and_contradicts_a_yes(zoho: Zoho, era: Era) -> None:
    wish: dict[str, Any] = {"confirm": False, "instead": "write a credit note"}
    answers = Answers(zoho, types.ElicitResult(action="accept", content=wish), after=9)
    async with asking(zoho, era, answers) as (client, desk):
        invoice = await sent_invoice(client)
        result = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(result) == "declined"
        assert "write a credit note" in text_of(result)
        junks: list[dict[str, Any]] = [{"confirm": True, "instead": "x"}, {"confirm": True, "number": "", "other": 1}]
        for junk in junks:
            answers.answer = types.ElicitResult(action="accept", content=junk)
            await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("decline"))
        assert await status(client, invoice) == "sent"


@both_eras
async def test_a_yes_that_takes_its_time_runs_in_one_call(zoho: Zoho, era: Era) -> None:
    async with asking(zoho, era, Answers(zoho, YES, after=1.5)) as (client, desk):
        invoice = await sent_invoice(client)
        assert not (await client.call_tool("void_invoice", {"invoice_id": invoice})).is_error
        assert await status(client, invoice) == "void"
        assert desk.addresses == []


@both_eras
async def test_a_machine_is_never_obeyed_where_there_is_no_page(zoho: Zoho, era: Era) -> None:
    answers = Answers(zoho, YES, after=0.2)
    async with asking(zoho, era, answers, confirm_fallback="refuse") as (client, _):
        invoice = await sent_invoice(client)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "answered_by_client"
        assert await status(client, invoice) == "sent"


@both_eras
@pytest.mark.parametrize("typed", ["x", "", None])
async def test_a_large_amount_takes_the_records_number_in_the_clients_form(
    zoho: Zoho, era: Era, typed: str | None
) -> None:
    content: dict[str, Any] = {"confirm": True} | ({} if typed is None else {"number": typed})
    answers = Answers(zoho, types.ElicitResult(action="accept", content=content), after=2)
    async with asking(zoho, era, answers) as (client, desk):
        invoice = await sent_invoice(client, total=5000)
        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("decline"))
        assert result.is_error
        assert await status(client, invoice) == "sent"
        shown = (await client.call_tool("get_invoice", {"invoice_id": invoice})).structured_content["invoice"]
        assert answers.forms[0].requested_schema["required"] == ["confirm", "number"]
        answers.answer = types.ElicitResult(
            action="accept", content={"confirm": True, "number": f" {shown['invoice_number'].lower()} "}
        )
        assert not (await client.call_tool("void_invoice", {"invoice_id": invoice})).is_error


@both_eras
async def test_after_three_declines_the_same_call_is_refused_without_asking(zoho: Zoho, era: Era) -> None:
    answers = Answers(zoho, MACHINES["no"], after=1.5)
    async with asking(zoho, era, answers) as (client, _):
        invoice, other = await sent_invoice(client), await sent_invoice(client)
        kinds = [kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) for _ in range(4)]
        assert kinds == ["declined"] * 3 + ["paused"]
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": other})) == "declined"
        zoho.clock.advance(seconds=PAUSE + 1)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "declined"


async def test_what_is_remembered_survives_a_damaged_file_and_ends_in_time(zoho: Zoho, tmp_path: Path) -> None:
    file = tmp_path / "state" / "clients.json"
    memory = ClientMemory(str(file), zoho.seconds)
    await memory.answered_itself("a client")
    assert await ClientMemory(str(file), zoho.seconds).answers_itself("a client")
    zoho.clock.advance(days=8)
    assert not await memory.answers_itself("a client")
    for damage in ("", "[]", '{"itself": 1}', '{"itself": {"a client": ["x"]}}'):
        file.write_text(damage)
        assert not await memory.answers_itself("a client")
    await memory.gave_up("a client", after=5.0)
    assert await memory.time_limit("a client") == 5.0


@both_eras
async def test_a_client_whose_time_limit_is_known_hears_before_it_and_opens_one_window(zoho: Zoho, era: Era) -> None:
    async with a_desk() as desk:
        server = zoho.server(approvals=Approvals(zoho.seconds), browser=desk.open, can_open_browser=True)
        async with Client(server, mode=era) as client:
            invoice = await sent_invoice(client)
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "void_invoice", {"invoice_id": invoice})
                await desk.next()
                zoho.clock.advance(seconds=20)
                group.cancel_scope.cancel()
            with anyio.fail_after(10):
                for _ in range(2):
                    assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"
                await desk.click(desk.addresses[0], "approve")
                assert not (await client.call_tool("void_invoice", {"invoice_id": invoice})).is_error
            assert len(desk.addresses) == 1
