"""14 kinds of clients in both eras: no machine's answer runs a call, and each way leads to a person and on."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
import pytest
from approving import Desk, Modes, a_desk, declare
from conftest import ERAS, Era, Zoho, call, reference, text_of
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError

from zoho_mcp.policy.approvals import Approvals

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
Params = types.ElicitRequestParams
Answer = types.ElicitResult | types.ErrorData
A_TURN = 3.0
"""Seconds between two calls of a model."""


def accept(**content: str | int | float | bool | list[str] | None) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content=content)


def a_person(params: Params) -> Answer:
    """Ticks the box and types the number, where one is asked for."""
    assert isinstance(params, types.ElicitRequestFormParams)
    number = params.requested_schema["properties"].get("number")
    return accept(confirm=True, **({"number": str(number["description"]).split()[-1]} if number else {}))


def all_fields_filled(params: Params) -> Answer:
    """Whatever fits the type of each field, with no look at what it asks."""
    assert isinstance(params, types.ElicitRequestFormParams)
    filled: dict[str, Any] = {"boolean": True, "integer": 1, "number": 1.5, "string": "x"}
    fields: dict[str, Any] = params.requested_schema["properties"]
    return accept(**{name: filled[field["type"]] for name, field in fields.items()})


def a_decline(params: Params) -> Answer:
    return types.ElicitResult(action="decline")


def a_cancel(params: Params) -> Answer:
    return types.ElicitResult(action="cancel")


def a_bare_accept(params: Params) -> Answer:
    return types.ElicitResult(action="accept")


def an_error(params: Params) -> Answer:
    return types.ErrorData(code=-32603, message="no window")


def ticks_the_box(params: Params) -> Answer:
    return accept(confirm=True)


@dataclass(frozen=True)
class Kind:
    """How a client answers, after how many seconds, and whether a person stands behind it.

    `hangs`: it never answers; `gives_up`: it takes the call back after so many seconds.
    """

    answer: Callable[[Params], Answer] | None = None
    after: float = 0.05
    person: bool = False
    hangs: bool = False
    gives_up: float = 0.0
    modes: Modes = "form"
    token: bool = False


KINDS: dict[str, Kind] = {
    "honest": Kind(a_person, after=4, person=True),
    "slow": Kind(a_person, after=90, person=True),
    "instant accept": Kind(ticks_the_box),
    "instant decline": Kind(a_decline),
    "instant cancel": Kind(a_cancel),
    "instant empty accept": Kind(a_bare_accept),
    "fills all fields": Kind(all_fields_filled),
    "fills all fields slowly": Kind(all_fields_filled, after=5),
    "hanging": Kind(hangs=True),
    "failing": Kind(an_error),
    "URL only": Kind(modes="url", after=4),
    "none": Kind(modes=""),
    "times out": Kind(hangs=True, gives_up=20),
    "token": Kind(modes="", token=True),
}


@dataclass
class Conversation:
    """A client of one kind, the person's browser, and what came of each call."""

    zoho: Zoho
    kind: Kind
    desk: Desk
    era: Era
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    calls: int = 0
    taken_back: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    kinds: list[str] = field(default_factory=list[str])

    async def elicit(self, context: ClientRequestContext, params: Params) -> Answer:
        if isinstance(params, types.ElicitRequestURLParams):
            self.zoho.clock.advance(seconds=self.kind.after)
            await self.desk.open(params.url)
            return types.ElicitResult(action="accept")
        if self.kind.hangs:
            if self.kind.gives_up or self.era == "2026-07-28":
                self.give_up()
            await anyio.sleep_forever()
        self.zoho.clock.advance(seconds=self.kind.after)
        assert self.kind.answer is not None
        return self.kind.answer(params)

    def give_up(self) -> None:
        self.zoho.clock.advance(seconds=self.kind.gives_up or 120)
        self.taken_back.cancel()

    async def browser(self, address: str) -> bool:
        """This machine's: there is none where the client is to open the page."""
        if self.kind.modes == "url":
            return False
        if self.kind.gives_up and self.era == "2026-07-28":
            self.give_up()
        return await self.desk.open(address)

    async def ask(self, client: Client, **more: Any) -> types.CallToolResult | None:
        """One call, as a model makes it; None when the client took it back, or failed."""
        self.calls += 1
        self.zoho.clock.advance(seconds=A_TURN)
        result = None
        with anyio.CancelScope() as self.taken_back, anyio.fail_after(20):
            try:
                result = await client.call_tool(self.tool, {**self.arguments, **more})
            except MCPError:
                self.kinds.append("client failed")
        if self.taken_back.cancelled_caught:
            self.kinds.append("taken back")
        if result is not None:
            content: dict[str, Any] = result.structured_content or {}
            self.kinds.append(str(content["error"]["kind"]) if result.is_error else "done")
        return result


CALLS = (("void_invoice", 450.0), ("void_invoice", 5000.0), ("delete_invoice", 5000.0), ("refund_credit_note", 450.0))
"""The tool, and an amount below or above that from which on the number has to be typed."""


async def the_arguments(client: Client, tool: str, rate: float) -> dict[str, Any]:
    """Of a call of the tool that would go through."""
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    lines = [{"name": "Logo", "rate": rate, "quantity": 1}]
    given = {"customer_id": customer, "line_items": lines, "reference_number": reference()}
    if tool == "refund_credit_note":
        made = (await call(client, "create_credit_note", **given))["creditnote"]
        return {"creditnote_id": made["creditnote_id"], "amount": rate}
    invoice = (await call(client, "create_invoice", **given))["invoice"]["invoice_id"]
    await call(client, "mark_invoice_sent", invoice_id=invoice)
    return {"invoice_id": invoice}


@asynccontextmanager
async def talking(zoho: Zoho, era: Era, kind: Kind, tool: str) -> AsyncGenerator[tuple[Client, Conversation]]:
    async with a_desk() as desk:
        talk = Conversation(zoho, kind, desk, era, tool)
        server = zoho.server(
            approvals=Approvals(zoho.seconds),
            browser=talk.browser,
            reading_time=1.0,
            can_open_browser=True,
            confirm_timeout=0.02 if kind.hangs and not kind.gives_up else 120.0,
            approval_wait=0.02 if era == "legacy" or not kind.gives_up else 45.0,
            confirm_fallback="token" if kind.token else "page",
        )
        async with Client(server, mode=era, elicitation_callback=talk.elicit if kind.modes else None) as client:
            yield client, talk


MATRIX = [(kind, era) for kind in KINDS for era in ERAS]
each_client = pytest.mark.parametrize(("name", "era"), MATRIX)


@each_client
async def test_no_machine_is_obeyed_and_each_way_leads_to_a_person_and_on(
    zoho: Zoho, era: Era, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    declare(monkeypatch, kind.modes)
    for tool, rate in CALLS:
        async with talking(zoho, era, kind, tool) as (client, talk):
            talk.arguments = await the_arguments(client, tool, rate)
            if kind.person:
                await talk.ask(client)
                assert (talk.kinds, talk.desk.addresses) == (["done"], [])
            elif kind.token:
                await by_token(client, talk)
            else:
                await by_page(client, talk)


async def by_page(client: Client, talk: Conversation) -> None:
    """Nobody at the desk: nothing runs, and one window opens, at the second call at the latest; then somebody comes."""
    before = talk.zoho.changes()
    for turn in range(4):
        await talk.ask(client)
        assert turn == 0 or len(talk.desk.addresses) == 1
    assert talk.zoho.changes() == before
    assert set(talk.kinds) <= {"waiting", "taken back", "client failed"}
    assert talk.kinds[-1] == "waiting"
    await talk.desk.approve()
    await talk.ask(client)
    assert talk.kinds[-1] == "done"
    assert len(talk.zoho.changes()) == len(before) + 1


async def by_token(client: Client, talk: Conversation) -> None:
    """The call alone never runs; with the token of its own preview it does."""
    before = talk.zoho.changes()
    await talk.ask(client)
    refused = await talk.ask(client)
    assert (talk.kinds, talk.zoho.changes()) == (["waiting", "waiting"], before)
    assert refused is not None
    [token] = re.findall(r'confirmation_token: "([^"]+)"', text_of(refused))
    await talk.ask(client, confirmation_token=token)
    assert talk.kinds[-1] == "done"
