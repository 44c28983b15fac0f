"""Clients that open pages for their users (MCP elicitation in URL mode): they open the approval page, which decides."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from approving import Desk, a_desk, both, declare
from conftest import ERAS, Era, Zoho, text_of
from mcp import Client
from mcp.client import ClientRequestContext
from serving import a_site
from test_client_answers import kind_of
from test_confirm import sent_invoice, status
from test_http_approvals import a_visitor, small_invoice
from test_http_tokens import Tokens, tokens

from zoho_mcp.audit.verify import entries
from zoho_mcp.policy.approvals import Approvals

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
__all__ = ["tokens"]  # a fixture
both_eras = pytest.mark.parametrize("era", ERAS)
ACCEPT = types.ElicitResult(action="accept")


@dataclass
class Opens:
    """A client that is told to open a page: its user says so after some seconds, and then it is before them."""

    zoho: Zoho
    desk: Desk
    after: float = 3.0
    answer: types.ElicitResult | types.ErrorData = field(default_factory=lambda: ACCEPT)
    asked: list[types.ElicitRequestURLParams] = field(default_factory=list[types.ElicitRequestURLParams])

    async def __call__(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult | types.ErrorData:
        assert isinstance(params, types.ElicitRequestURLParams)
        self.asked.append(params)
        self.zoho.clock.advance(seconds=self.after)
        if self.answer == ACCEPT:
            await self.desk.open(params.url)
        return self.answer


@asynccontextmanager
async def opening(
    zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> AsyncGenerator[tuple[Client, Opens]]:
    """Where this machine has no browser, unless `changes` say otherwise."""
    declare(monkeypatch, "url")
    given: dict[str, Any] = {"reading_time": 1.0, **changes}
    async with a_desk() as desk:
        opens = Opens(zoho, desk)
        server = zoho.server(approvals=Approvals(zoho.seconds), browser=desk.open, **given)
        async with Client(server, mode=era, elicitation_callback=opens) as client:
            yield client, opens


@both_eras
async def test_the_client_opens_the_page_and_a_click_there_runs_the_very_call(
    zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, era, monkeypatch) as (client, opens):
        invoice = await sent_invoice(client, total=5000)
        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), opens.desk.approve())
        assert not result.is_error, text_of(result)
        assert await status(client, invoice) == "void"
    [asked] = opens.asked
    assert asked.url.startswith("http://127.0.0.1:")
    assert asked.url.rpartition("/")[2] not in (asked.elicitation_id or "")


@both_eras
async def test_this_machines_own_browser_comes_first(zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opening(zoho, era, monkeypatch, can_open_browser=True) as (client, opens):
        invoice = await sent_invoice(client)
        await both(client.call_tool("void_invoice", {"invoice_id": invoice}), opens.desk.approve())
        assert await status(client, invoice) == "void"
    assert opens.asked == []


@both_eras
async def test_who_does_not_want_the_page_opened_has_declined(
    zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, era, monkeypatch) as (client, opens):
        invoice = await sent_invoice(client)
        opens.answer = types.ElicitResult(action="decline")
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "declined"
        assert "<h1>Declined</h1>" in await opens.desk.look(opens.asked[0].url)
        assert await status(client, invoice) == "sent"


@both_eras
@pytest.mark.parametrize("answer", ["accept", "decline", "cancel"])
async def test_an_instant_answer_is_the_clients_own_and_decides_nothing(
    zoho: Zoho, era: Era, answer: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.jsonl"
    async with opening(zoho, era, monkeypatch, audit_file=str(audit)) as (client, opens):
        opens.after, opens.answer = 0.2, types.ElicitResult.model_validate({"action": answer, "content": {}})
        invoice = await sent_invoice(client)
        for _ in range(2):
            assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"
        assert len(opens.asked) == 1
        assert await status(client, invoice) == "sent"
        # The page is there all the same, for a person who finds its address in the log.
        await opens.desk.click(opens.asked[0].url, "approve")
        assert not (await client.call_tool("void_invoice", {"invoice_id": invoice})).is_error
    outcomes = [entry.get("outcome") for entry in entries(audit.read_bytes())]
    assert outcomes.count("answered by the client itself") == 1


async def test_an_older_client_that_fails_to_open_it_leaves_the_call_waiting(
    zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, "legacy", monkeypatch) as (client, opens):
        opens.answer = types.ErrorData(code=-32603, message="no browser")
        invoice = await sent_invoice(client)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"


@both_eras
async def test_where_no_page_is_wanted_on_this_machine_none_is_opened_by_the_client_either(
    zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, era, monkeypatch, confirm_fallback="refuse") as (client, opens):
        invoice = await sent_invoice(client)
        assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "could_not_ask"
    assert opens.asked == []


@both_eras
@pytest.mark.parametrize("fallback", ["page", "token", "refuse"])
async def test_over_http_the_client_opens_the_public_page_where_its_user_logs_in(
    zoho: Zoho, tokens: Tokens, era: Era, fallback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, "url")
    async with a_desk() as desk, a_site(zoho, tokens.http, page=True, confirm_fallback=fallback) as site:
        opens = Opens(zoho, desk)
        async with site.client(era, token=tokens.ada, elicit=opens) as client, a_visitor(site) as visitor:
            invoice = await small_invoice(client)

            async def decide() -> None:
                address = await desk.next()
                assert address.startswith(f"{site.url}/approvals/")
                assert (await visitor.http.get(address)).status_code == 401
                await visitor.log_in(address, tokens.ada)
                await visitor.decide(address, "approve")

            result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), decide())
            assert not result.is_error, text_of(result)
    assert len(opens.asked) == 1
    assert zoho.changes() == [f"POST /invoice/v3/invoices/{invoice}/status/void"]


async def test_an_older_client_hears_that_the_page_was_decided(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "url")
    heard: list[Any] = []

    async def hear(message: object) -> None:
        heard.append(message)

    async with a_desk() as desk:
        opens = Opens(zoho, desk)
        server = zoho.server(approvals=Approvals(zoho.seconds), reading_time=1.0)
        async with Client(server, mode="legacy", elicitation_callback=opens, message_handler=hear) as client:
            invoice = await sent_invoice(client)
            await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.approve())
    told = [one.params.elicitation_id for one in heard if isinstance(one, types.ElicitCompleteNotification)]
    assert told == [opens.asked[0].elicitation_id]


@both_eras
async def test_a_client_that_says_it_opened_the_page_has_not_approved_anything(
    zoho: Zoho, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, era, monkeypatch, approval_wait=0.02) as (client, opens):
        opens.answer = types.ElicitResult(action="accept", content={"confirm": True, "open": True})
        invoice = await sent_invoice(client)
        for _ in range(2):
            assert kind_of(await client.call_tool("void_invoice", {"invoice_id": invoice})) == "waiting"
        assert await status(client, invoice) == "sent"


FORGERIES: dict[str, dict[str, types.ElicitResult]] = {
    "the answer to a form": {"confirm": types.ElicitResult(action="accept", content={"confirm": True})},
    "both answers": {"confirm": types.ElicitResult(action="accept", content={"confirm": True}), "open": ACCEPT},
    "no answer": {},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_the_state_of_a_page_is_worth_nothing_for_another_answer(
    zoho: Zoho, forgery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, "2026-07-28", monkeypatch, approval_wait=0.02) as (client, _):
        invoice = await sent_invoice(client)
        arguments = {"invoice_id": invoice}
        asked = await client.session.call_tool("void_invoice", arguments, allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        zoho.clock.advance(seconds=5)
        result = await client.session.call_tool(
            "void_invoice",
            arguments,
            input_responses=dict(FORGERIES[forgery]),
            request_state=asked.request_state,
            allow_input_required=True,
        )
        assert isinstance(result, types.CallToolResult)
        assert kind_of(result) == "waiting"
        assert await status(client, invoice) == "sent"


async def test_a_no_that_is_sent_again_after_the_click_takes_nothing_back_and_runs_nothing_twice(
    zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(zoho, "2026-07-28", monkeypatch) as (client, opens):
        invoice = await sent_invoice(client)
        arguments = {"invoice_id": invoice}
        asked = await client.session.call_tool("void_invoice", arguments, allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        assert asked.input_requests is not None
        params = asked.input_requests["open"].params
        assert isinstance(params, types.ElicitRequestURLParams)
        zoho.clock.advance(seconds=5)
        await opens.desk.click(params.url, "approve")
        answers: list[types.ElicitResult] = [ACCEPT, ACCEPT, types.ElicitResult(action="decline")]
        errors: list[bool] = []
        for answer in answers:
            result = await client.session.call_tool(
                "void_invoice",
                arguments,
                input_responses={"open": answer},
                request_state=asked.request_state,
                allow_input_required=True,
            )
            errors.append(not isinstance(result, types.CallToolResult) or bool(result.is_error))
        assert errors == [False, True, True]
    assert zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void") == 1
