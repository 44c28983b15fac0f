"""Every kind of client, whatever happens to the question: only a person's yes runs the call, exactly once."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import mcp_types as types
import pytest
from approving import KINDS, Desk, Kind, Way, both, connected, post
from conftest import Clock, Person, Zoho, call, kind_of, reference, text_of
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.server.context import ServerContext

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

YES = types.ElicitResult(action="accept", content={"confirm": True})
OTHER_ORGANIZATION = "900000002"
Result = types.CallToolResult | types.InputRequiredResult


@dataclass
class World:
    """A kind of client, a server for it, and the person's two places: the client's own window and a browser."""

    zoho: Zoho
    kind: Kind
    desk: Desk = field(default_factory=Desk)
    clock: Clock = field(default_factory=Clock)
    approvals: Approvals = field(init=False)
    waits: dict[str, float] = field(default_factory=lambda: {"confirm_timeout": 0.05})

    def __post_init__(self) -> None:
        self.approvals = self.new_approvals()
        if self.kind.way == "request":
            self.waits = {}

    def new_approvals(self) -> Approvals:
        return Approvals(lambda: self.clock().timestamp())

    @property
    def person(self) -> Person:
        return self.zoho.person

    def server(self, approvals: Approvals | None = None, **changes: Any) -> Server[ServerContext]:
        changes = {"can_open_browser": True, **self.waits, **changes}
        return self.zoho.server(approvals=approvals or self.approvals, browser=self.desk.open, **changes)

    def client(
        self, server: Server[ServerContext] | None = None, **changes: Any
    ) -> AbstractAsyncContextManager[Client]:
        return connected(self.kind, server or self.server(**changes), self.person.elicit)

    async def invoice(self, client: Client) -> str:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        lines = [{"name": "Logo", "rate": 450, "quantity": 1}]
        # Each its own reference: the very same invoice twice would be asked about.
        made = await call(
            client, "create_invoice", customer_id=customer, line_items=lines, reference_number=reference()
        )
        invoice: str = made["invoice"]["invoice_id"]
        await call(client, "mark_invoice_sent", invoice_id=invoice)
        return invoice

    async def void(self, client: Client, invoice: str) -> types.CallToolResult:
        """The call, as this kind of client makes it."""
        if self.kind.answers or self.kind.era == "legacy":
            return await client.call_tool("void_invoice", {"invoice_id": invoice})
        result = await ask(client, invoice)
        if isinstance(result, types.InputRequiredResult):
            result = await reply(client, invoice, result.request_state, None)
        assert isinstance(result, types.CallToolResult)
        return result

    def runs(self, invoice: str) -> int:
        return self.zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void")

    def open_another_organization(self) -> None:
        open_another_organization(self.zoho)


def open_another_organization(zoho: Zoho) -> None:
    """An organisation with the very same records."""
    first = CREDENTIALS.organization_id
    organization = zoho.store.shared.get("organization", first)
    assert organization is not None
    zoho.store.shared.put("organization", OTHER_ORGANIZATION, organization | {"organization_id": OTHER_ORGANIZATION})
    zoho.store.run(
        "insert into records select ?, kind, id, customer_id, label, body from records where organization_id = ?",
        *(OTHER_ORGANIZATION, first),
    )


async def ask(client: Client, invoice: str) -> Result:
    return await client.session.call_tool("void_invoice", {"invoice_id": invoice}, allow_input_required=True)


async def question(client: Client, invoice: str) -> str | None:
    result = await ask(client, invoice)
    assert isinstance(result, types.InputRequiredResult)
    return result.request_state


async def reply(client: Client, invoice: str, state: str | None, answer: types.ElicitResult | None = YES) -> Result:
    return await client.session.call_tool(
        "void_invoice",
        {"invoice_id": invoice},
        input_responses={"confirm": answer} if answer else None,
        request_state=state,
        allow_input_required=True,
    )


def assert_ran(result: Result) -> None:
    assert isinstance(result, types.CallToolResult)
    assert not result.is_error, text_of(result)


def assert_refused(result: Result, kind: str = "declined") -> None:
    assert isinstance(result, types.CallToolResult)
    assert kind_of(result) == kind


def decline(world: World) -> None:
    world.person.answer = types.ElicitResult(action="decline")


# -- 2026-07-28 with elicitation: the question is a result, the answer comes with the same call, repeated


async def result_accept(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        assert_ran(await world.void(client, invoice))
        assert world.runs(invoice) == 1


async def result_decline(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        decline(world)
        assert_refused(await world.void(client, invoice))
        assert world.runs(invoice) == 0


async def result_cancel(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        world.person.answer = types.ElicitResult(action="cancel")
        assert_refused(await world.void(client, invoice))
        assert world.runs(invoice) == 0


async def result_expire(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        state = await question(client, invoice)
        world.clock.advance(seconds=301)
        assert_refused(await reply(client, invoice, state), "expired")
        assert world.runs(invoice) == 0


async def result_replay(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        state = await question(client, invoice)
        assert_ran(await reply(client, invoice, state))
        assert_refused(await reply(client, invoice, state), "expired")
        assert world.runs(invoice) == 1


async def result_other_record(world: World) -> None:
    async with world.client() as client:
        one, other = await world.invoice(client), await world.invoice(client)
        state = await question(client, one)
        with pytest.raises(MCPError) as caught:
            await reply(client, other, state)
        assert caught.value.error.data == {"reason": "invalid_request_state"}
        assert (world.runs(one), world.runs(other)) == (0, 0)


async def result_other_organisation(world: World) -> None:
    here = world.server()
    there = world.server(organization_id=OTHER_ORGANIZATION)
    there.middleware[:] = here.middleware  # as if both sealed with one key
    async with world.client(here) as client:
        invoice = await world.invoice(client)
        world.open_another_organization()
        state = await question(client, invoice)
        async with world.client(there) as elsewhere:
            assert isinstance(await reply(elsewhere, invoice, state), types.InputRequiredResult)
        assert world.runs(invoice) == 0


async def result_record_changed(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        state = await question(client, invoice)
        await call(client, "record_invoice_payment", invoice_id=invoice, amount=200)
        asked_again = await reply(client, invoice, state)
        assert isinstance(asked_again, types.InputRequiredResult)
        assert_refused(await reply(client, invoice, asked_again.request_state, types.ElicitResult(action="decline")))
        assert world.runs(invoice) == 0


async def result_two_at_once(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        states = [await question(client, invoice), await question(client, invoice)]
        results = await together([lambda state=state: reply(client, invoice, state) for state in states])
        assert sorted(bool(isinstance(result, types.CallToolResult) and result.is_error) for result in results) == [
            False,
            True,
        ]
        assert world.runs(invoice) == 1


async def result_restarted(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        state = await question(client, invoice)
    async with world.client(world.server(world.new_approvals())) as client:
        with pytest.raises(MCPError) as caught:
            await reply(client, invoice, state)
        assert caught.value.error.data == {"reason": "invalid_request_state"}
        assert world.runs(invoice) == 0


async def together(calls: list[Callable[[], Awaitable[Result]]]) -> list[Result]:
    results: list[Result] = []

    async def one(make: Callable[[], Awaitable[Result]]) -> None:
        results.append(await make())

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for make in calls:
                group.start_soon(one, make)
    return results


# -- older protocols with elicitation: the question is a request to the client, within the call


async def request_expire(world: World) -> None:
    with anyio.fail_after(20):
        never = Kind("silent", "legacy", "request", answers=False)
        server = world.server(confirm_timeout=0.05, confirm_fallback="refuse")
        async with connected(never, server, world.person.elicit) as client:
            invoice = await world.invoice(client)
            assert_refused(await world.void(client, invoice), "could_not_ask")
            assert world.runs(invoice) == 0


async def request_replay(world: World) -> None:
    async with world.client() as client:
        invoice, failing = await world.invoice(client), await world.invoice(client)
        assert_ran(await world.void(client, invoice))
        decline(world)
        assert_refused(await world.void(client, invoice))
        assert_refused(await world.void(client, failing))
        assert (world.runs(invoice), world.runs(failing)) == (1, 0)


async def request_other_record(world: World) -> None:
    asked: list[str] = []

    async def elicit(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return YES if len(asked) == 1 else types.ElicitResult(action="decline")

    async with connected(world.kind, world.server(), elicit) as client:
        one, other = await world.invoice(client), await world.invoice(client)
        assert_ran(await world.void(client, one))
        assert_refused(await world.void(client, other))
        assert (world.runs(one), world.runs(other)) == (1, 0)


async def request_other_organisation(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        world.open_another_organization()
        assert_ran(await world.void(client, invoice))
        decline(world)
        async with world.client(organization_id=OTHER_ORGANIZATION) as elsewhere:
            assert_refused(await world.void(elsewhere, invoice))
        assert world.runs(invoice) == 1


async def request_record_changed(world: World) -> None:
    asked: list[str] = []
    async with world.client() as other:

        async def elicit(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
            asked.append(params.message)
            if len(asked) == 1:
                await call(other, "record_invoice_payment", invoice_id=invoice, amount=200)
                return YES
            return types.ElicitResult(action="decline")

        async with connected(world.kind, world.server(), elicit) as client:
            invoice = await world.invoice(client)
            assert_refused(await world.void(client, invoice))
    assert "250.00" in asked[1]
    assert world.runs(invoice) == 0


async def request_two_at_once(world: World) -> None:
    both_asked = anyio.Event()
    asked: list[str] = []

    async def elicit(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        if len(asked) == 2:
            both_asked.set()
        await both_asked.wait()
        return YES

    async with connected(world.kind, world.server(), elicit) as client:
        invoice = await world.invoice(client)
        results = await together([lambda: ask(client, invoice)] * 2)
    [refused] = [result for result in results if isinstance(result, types.CallToolResult) and result.is_error]
    assert_refused(refused, "expired")
    assert world.runs(invoice) == 1
    assert len(asked) == 2


async def request_restarted(world: World) -> None:
    asked = anyio.Event()

    async def elicit(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with connected(world.kind, world.server(), elicit) as client:
        invoice = await world.invoice(client)
        async with anyio.create_task_group() as group:
            group.start_soon(ask, client, invoice)
            await asked.wait()
            group.cancel_scope.cancel()
    decline(world)
    async with world.client(world.server(world.new_approvals())) as client:
        assert_refused(await world.void(client, invoice))
    assert world.runs(invoice) == 0


# -- the approval page


async def page_accept(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        assert_ran(await both(world.void(client, invoice), world.desk.decide("approve")))
        assert world.runs(invoice) == 1
        assert "<h1>Done</h1>" in await world.desk.look(world.desk.addresses[0])


async def page_decline(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)
        result = await both(world.void(client, invoice), world.desk.decide("decline"))
        assert_refused(result)
        assert world.runs(invoice) == 0


async def page_cancel(world: World) -> None:
    """The client takes its call back; the person clicks all the same."""
    async with world.client() as client:
        invoice = await world.invoice(client)
        async with anyio.create_task_group() as group:
            group.start_soon(world.void, client, invoice)
            await world.desk.next()
            group.cancel_scope.cancel()
        [address] = world.desk.addresses
        await nobody_waits(world, address)
        assert "<h1>Approved</h1>" in await world.desk.click(address, "approve")
        shown = await call(client, "get_invoice", invoice_id=invoice)
        assert shown["invoice"]["status"] == "sent"
        assert world.runs(invoice) == 0


async def nobody_waits(world: World, address: str) -> None:
    approval = await world.approvals.find("page", address.rpartition("/")[2])
    assert approval is not None
    with anyio.fail_after(20):
        while approval.callers:
            await anyio.lowlevel.checkpoint()


async def page_expire(world: World) -> None:
    async def late() -> None:
        address = await world.desk.next()
        view = await world.desk.view(address)
        world.clock.advance(seconds=301)
        await post(address, {"view": view, "decision": "approve"})
        assert "<h1>Expired</h1>" in await world.desk.look(address)

    async with world.client() as client:
        invoice = await world.invoice(client)
        assert_refused(await both(world.void(client, invoice), late()), "expired")
        assert world.runs(invoice) == 0


async def page_replay(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)

        async def approve() -> tuple[str, str]:
            address = await world.desk.next()
            view = await world.desk.view(address)
            await world.desk.click(address, "approve")
            return address, view

        async def run() -> types.CallToolResult:
            return await world.void(client, invoice)

        address, view = await both(approve(), run())
        assert (await post(address, {"view": view, "decision": "approve"})).status_code == 303
        assert_refused(await both(run(), world.desk.decide("decline")))
        assert world.runs(invoice) == 1


async def page_other_record(world: World) -> None:
    async with world.client(approval_wait=0.05) as client:
        one, other = await world.invoice(client), await world.invoice(client)
        assert_refused(await world.void(client, one), "waiting")
        await world.desk.decide("approve")
        assert_refused(await world.void(client, other), "waiting")
        assert (world.runs(one), world.runs(other)) == (0, 0)


async def page_other_organisation(world: World) -> None:
    async with (
        world.client(approval_wait=0.05) as client,
        world.client(approval_wait=0.05, organization_id=OTHER_ORGANIZATION) as elsewhere,
    ):
        invoice = await world.invoice(client)
        world.open_another_organization()
        assert_refused(await world.void(client, invoice), "waiting")
        await world.desk.decide("approve")
        assert_refused(await world.void(elsewhere, invoice), "waiting")
        assert world.runs(invoice) == 0


async def page_record_changed(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)

        async def pay_then_approve_then_decline() -> None:
            address = await world.desk.next()
            world.zoho.clock.advance(seconds=2)
            await call(client, "update_invoice", invoice_id=invoice, due_date="2026-12-31", reason="x")
            await world.desk.click(address, "approve")
            again = await world.desk.next()
            approval = await world.approvals.find("page", again.rpartition("/")[2])
            assert approval is not None
            assert approval.record_changed
            assert "<form" not in await world.desk.look(address)
            await world.desk.click(again, "decline")

        assert_refused(await both(world.void(client, invoice), pay_then_approve_then_decline()))
        assert world.runs(invoice) == 0


async def page_two_at_once(world: World) -> None:
    async with world.client() as client:
        invoice = await world.invoice(client)

        async def approve_when_both_wait() -> None:
            address = await world.desk.next()
            approval = await world.approvals.find("page", address.rpartition("/")[2])
            assert approval is not None
            with anyio.fail_after(20):
                while approval.callers < 2:
                    # Not a busy loop: the calls it waits for need the processor too.
                    await anyio.sleep(0.01)
            await world.desk.click(address, "approve")

        calls = together([lambda: world.void(client, invoice)] * 2)
        results = await both(calls, approve_when_both_wait())
        [refused] = [result for result in results if isinstance(result, types.CallToolResult) and result.is_error]
        assert_refused(refused, "expired")
        assert world.runs(invoice) == 1
        assert len(world.desk.addresses) == 1


async def page_restarted(world: World) -> None:
    async with world.client(approval_wait=0.05) as client:
        invoice = await world.invoice(client)
        assert_refused(await world.void(client, invoice), "waiting")
        await world.desk.decide("approve")
    async with world.client(world.server(world.new_approvals(), approval_wait=0.05)) as client:
        assert_refused(await world.void(client, invoice), "waiting")
        assert world.runs(invoice) == 0
        with pytest.raises(httpx.ConnectError):
            await world.desk.look(world.desk.addresses[0])


Cell = Callable[[World], Awaitable[None]]
MATRIX: dict[str, dict[Way, Cell]] = {
    "accept": {"result": result_accept, "request": result_accept, "page": page_accept},
    "decline": {"result": result_decline, "request": result_decline, "page": page_decline},
    "cancel": {"result": result_cancel, "request": result_cancel, "page": page_cancel},
    "expire": {"result": result_expire, "request": request_expire, "page": page_expire},
    "replay": {"result": result_replay, "request": request_replay, "page": page_replay},
    "other record": {"result": result_other_record, "request": request_other_record, "page": page_other_record},
    "other organisation": {
        "result": result_other_organisation,
        "request": request_other_organisation,
        "page": page_other_organisation,
    },
    "record changed": {
        "result": result_record_changed,
        "request": request_record_changed,
        "page": page_record_changed,
    },
    "two at once": {"result": result_two_at_once, "request": request_two_at_once, "page": page_two_at_once},
    "process restarted": {"result": result_restarted, "request": request_restarted, "page": page_restarted},
}


@asynccontextmanager
async def a_world(zoho: Zoho, kind: Kind) -> AsyncGenerator[World]:
    world = World(zoho, kind)
    try:
        yield world
    finally:
        world.desk.close()


@pytest.mark.parametrize("happening", MATRIX)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_only_a_yes_runs_it_and_exactly_once(zoho: Zoho, kind: Kind, happening: str) -> None:
    async with a_world(zoho, kind) as world:
        await MATRIX[happening][kind.way](world)
