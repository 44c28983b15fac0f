"""Several servers of one account behind a real Redis: what one is told or does counts for all, and nothing else."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from approving import a_desk, both, browser_session
from conftest import Person, Zoho, call, kind_of, reference, text_of
from mcp import Client
from redis_server import RedisServer, needs_redis, redis_server
from replicated import Replica, in_turn, replica
from test_subscriptions import S, subscriber

from zoho_mcp.approval_page.app import create_page
from zoho_mcp.replicas.connection import PATIENCE
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.server.app import NAME

__all__ = ["redis_server"]
pytestmark = [pytest.mark.anyio, needs_redis, pytest.mark.replicas]
NO = types.ElicitResult(action="decline")
CREATE = "POST /invoice/v3/invoices"
TOKENS: dict[str, Any] = {"confirm_fallback": "token"}
FORGED_YES = """
for _, key in ipairs(redis.call('KEYS', '*:question:*')) do
    if redis.call('TYPE', key).ok == 'hash' then redis.call('HSET', key, 'state', 'approved') end
end
"""
MOVED_YES = """
local all, yes = {}, nil
for _, key in ipairs(redis.call('KEYS', '*:question:*')) do
    if redis.call('TYPE', key).ok == 'hash' then
        table.insert(all, key)
        if redis.call('HGET', key, 'state') == 'approved' then yes = key end
    end
end
for _, key in ipairs(all) do
    for _, field in ipairs(key == yes and {'call', 'fingerprint'} or {'state', 'yes', 'decided by'}) do
        local from = key == yes and (all[1] == yes and all[2] or all[1]) or yes
        redis.call('HSET', key, field, redis.call('HGET', from, field))
    end
end
"""


async def connect(stack: AsyncExitStack, each: Replica, person: Person | None = None) -> Client:
    elicit = person.elicit if person else None
    return await stack.enter_async_context(Client(each.server, mode="2026-07-28", elicitation_callback=elicit))


async def sent_invoice(client: Client) -> str:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    lines = [{"name": "Logo", "rate": 450, "quantity": 1}]
    made = await call(
        client, "create_invoice", customer_id=customer, line_items=lines, reference_number=reference(), send=False
    )
    invoice = made["invoice"]["invoice_id"]
    await call(client, "mark_invoice_sent", invoice_id=invoice)
    return str(invoice)


async def invoice_for(client: Client) -> dict[str, Any]:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    return {"customer_id": customer, "line_items": [{"name": "Logo", "rate": 450, "quantity": 1}]}


async def at_once(clients: Sequence[Client], tool: str, arguments: dict[str, Any]) -> list[types.CallToolResult]:
    """The same call of all of them at the same time."""
    results: list[types.CallToolResult] = []

    async def run(client: Client) -> None:
        results.append(await client.call_tool(tool, arguments))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for client in clients:
                group.start_soon(run, client)
    return results


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    with anyio.fail_after(seconds):
        while not await holds():
            await anyio.sleep(0.05)


async def reads(redis_server: RedisServer) -> bool:
    return redis_server.has_readers()


async def token(client: Client, **arguments: Any) -> str:
    found = re.search(r'confirmation_token: "([^"]+)"', text_of(await client.call_tool("void_invoice", arguments)))
    assert found is not None
    return found[1]


async def test_a_question_of_one_replica_is_answered_at_another_and_the_call_runs_once(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    replicas = [replica(zoho, redis_server) for _ in range(3)]
    async with (
        in_turn(replicas) as (url, before),
        Client(url, mode="2026-07-28", elicitation_callback=zoho.person.elicit) as client,
    ):
        invoices = [await sent_invoice(client) for _ in range(3)]
        for invoice in invoices:
            asked_at = before.served
            await call(client, "void_invoice", invoice_id=invoice)
            assert before.served - asked_at == 2, "the question and the answer are a request each"
    assert len(zoho.person.questions) == 3
    for invoice in invoices:
        assert zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void") == 1
    assert zoho.received().count("POST /oauth/v2/token") == 0


async def test_of_two_replicas_that_are_brought_the_same_yes_one_uses_it(zoho: Zoho, redis_server: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await connect(stack, replica(zoho, redis_server, **TOKENS)) for _ in range(2)]
        for _ in range(5):
            invoice = await sent_invoice(one)
            arguments = {"invoice_id": invoice, "confirmation_token": await token(one, invoice_id=invoice)}
            results = await at_once([one, other], "void_invoice", arguments)
            assert sorted(result.is_error for result in results) == [False, True]
            assert zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void") == 1


async def test_a_call_that_waits_for_its_page_goes_on_when_another_replica_took_the_decision(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(a_desk())
        asking = replica(zoho, redis_server, browser=desk.open, can_open_browser=True)
        deciding = replica(zoho, redis_server)
        client = await connect(stack, asking)
        await connect(stack, deciding)
        invoice = await sent_invoice(client)

        async def decide() -> None:
            secret = (await desk.next()).rsplit("/", 1)[1]
            seen = await deciding.parts.approvals.find("page", secret)
            assert seen is not None
            assert seen.shown.question
            assert await deciding.parts.approvals.decide(seen, yes=True)
            with anyio.fail_after(5):
                await seen.settled.wait()
            assert seen.outcome == "Done."

        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), decide())
        assert not result.is_error, text_of(result)


async def test_the_same_invoice_at_another_replica_is_asked_about_first(zoho: Zoho, redis_server: RedisServer) -> None:
    zoho.person.answer = NO
    async with AsyncExitStack() as stack:
        one, other = [await connect(stack, replica(zoho, redis_server, fast=fast), zoho.person) for fast in (0, 300)]
        arguments = await invoice_for(one)
        number = (await call(one, "create_invoice", **arguments))["invoice"]["invoice_number"]
        result = await other.call_tool("create_invoice", arguments)
        assert kind_of(result) == "declined"
        assert number in text_of(result)
    [question] = zoho.person.questions
    assert "1 second ago" in question, "by Redis's clock, not by one that is five minutes fast"
    assert zoho.changes() == [CREATE]


async def test_the_same_invoice_at_two_replicas_at_once_is_written_by_one(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    zoho.person.answer = NO
    async with AsyncExitStack() as stack:
        clients = [await connect(stack, replica(zoho, redis_server), zoho.person) for _ in range(3)]
        arguments = await invoice_for(clients[0])
        results = await at_once(clients * 2, "create_invoice", arguments)
    assert [result.is_error for result in results].count(False) == 1
    assert zoho.changes() == [CREATE]


async def test_an_estimate_that_two_replicas_convert_at_once_becomes_one_invoice(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await connect(stack, replica(zoho, redis_server)) for _ in range(2)]
        arguments = await invoice_for(one)
        estimate = (await call(one, "create_estimate", **arguments))["estimate"]["estimate_id"]
        await call(one, "mark_estimate_sent", estimate_id=estimate)
        results = await at_once([one, other], "convert_estimate_to_invoice", {"estimate_id": estimate})
        invoices = {result.structured_content["invoice"]["invoice_id"] for result in results}
    assert len(invoices) == 1
    assert zoho.changes().count(CREATE) == 1


async def test_what_was_begun_by_a_replica_that_was_killed_is_looked_up_before_it_is_done(
    zoho: Zoho, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoho_mcp.replicas.claims.LEASE", 0.2)
    zoho.person.answer = NO
    async with AsyncExitStack() as stack:
        killed, other = replica(zoho, redis_server), replica(zoho, redis_server)
        client = await connect(stack, other, zoho.person)
        arguments = await invoice_for(client)
        # As if the process had ended between Zoho's answer and what is done with it.
        killed.parts.claims.done = killed.parts.claims.heartbeat = _nothing  # pyright: ignore[reportAttributeAccessIssue]
        async with Client(killed.server, mode="2026-07-28") as doomed:
            number = (await call(doomed, "create_invoice", **arguments))["invoice"]["invoice_number"]
        result = await client.call_tool("create_invoice", arguments)
        assert kind_of(result) == "declined"
        assert number in text_of(result)
    assert zoho.changes() == [CREATE]


async def _nothing(*_: object) -> None:
    """What a killed process still does."""


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_without_redis_reads_go_on_and_what_needs_a_yes_is_refused_until_it_is_back(
    zoho: Zoho, redis_server: RedisServer, trouble: str
) -> None:
    async with AsyncExitStack() as stack:
        client = await connect(stack, replica(zoho, redis_server, patience=PATIENCE), zoho.person)
        invoice, arguments = await sent_invoice(client), await invoice_for(client)
        arguments["reference_number"] = reference()
        done = list(zoho.changes())
        if trouble == "killed":
            redis_server.kill()
        else:
            redis_server.freeze()
        assert (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"] == "sent"
        refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(refused) == "could_not_ask"
        assert "Redis" in text_of(refused)
        unsure = await client.call_tool("create_invoice", arguments)
        assert kind_of(unsure) == "duplicate"
        assert zoho.changes() == done
        assert zoho.person.questions == []
        # What does nothing more when it is done twice, and needs nobody's yes, is done.
        await call(client, "update_invoice", invoice_id=invoice, notes="Thank you", reason="Polite")
        if trouble == "killed":
            redis_server.start()
        else:
            redis_server.thaw()

        async def works_again() -> bool:
            return not (await client.call_tool("void_invoice", {"invoice_id": invoice})).is_error

        await eventually(works_again)
        await call(client, "create_invoice", **arguments)
    assert zoho.changes().count(f"POST /invoice/v3/invoices/{invoice}/status/void") == 1


async def test_what_a_restarted_redis_has_forgotten_it_is_told_again(zoho: Zoho, redis_server: RedisServer) -> None:
    zoho.person.answer = NO
    async with AsyncExitStack() as stack:
        one, other = [await connect(stack, replica(zoho, redis_server, settle=3.0), zoho.person) for _ in range(2)]
        arguments = await invoice_for(one)
        await call(one, "create_invoice", **arguments)
        redis_server.kill()
        redis_server.start()

        async def asked() -> bool:
            return kind_of(await other.call_tool("create_invoice", arguments)) == "declined"

        await eventually(asked)
    assert zoho.changes() == [CREATE]


async def test_a_yes_from_before_a_restart_of_redis_counts_for_nothing(zoho: Zoho, redis_server: RedisServer) -> None:
    redis_server.options[:2] = ["--appendonly", "yes", "--appendfsync", "always"]
    redis_server.kill()
    redis_server.start()
    async with AsyncExitStack() as stack:
        client = await connect(stack, replica(zoho, redis_server, **TOKENS))
        invoice = await sent_invoice(client)
        given = await token(client, invoice_id=invoice)
        redis_server.kill()
        redis_server.start()
        assert "question:" in redis_server.dump(), "it was kept over the restart"
        refused = await client.call_tool("void_invoice", {"invoice_id": invoice, "confirmation_token": given})
        assert kind_of(refused) == "expired"
    assert f"POST /invoice/v3/invoices/{invoice}/status/void" not in zoho.changes()


async def test_subscribers_of_one_replica_hear_of_a_change_made_at_another(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    listening, changing = replica(zoho, redis_server), replica(zoho, redis_server)
    async with AsyncExitStack() as stack:
        client = await connect(stack, changing)
        invoice, another = await sent_invoice(client), await sent_invoice(client)
        for era in ("2026-07-28", "legacy"):
            async with subscriber(listening.server, era, f"{S}invoices/{invoice}", f"{S}invoices/{another}") as (
                _,
                heard,
            ):
                # Not before it is in touch: what was changed earlier is no news.
                await eventually(lambda: reads(redis_server))
                await call(client, "update_invoice", invoice_id=invoice, notes=reference(), reason="Polite")
                await heard.wait_for(f"{S}invoices/{invoice}")
                assert f"{S}invoices/{another}" not in heard.uris


async def test_nobody_who_reads_redis_learns_a_token_or_anything_of_a_customer(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        each = replica(zoho, redis_server, **TOKENS)
        client = await connect(stack, each)
        invoice = await sent_invoice(client)
        shown = (await call(client, "get_invoice", invoice_id=invoice))["invoice"]
        given = await token(client, invoice_id=invoice)
        known = await each.parts.tokens.recall()
        assert known.token is not None
        dump = redis_server.dump()
    assert "question:" in dump
    assert "claim:" in dump
    for secret in (
        known.token.secret, CREDENTIALS.client_secret, CREDENTIALS.refresh_token, given, shown["customer_name"],
        shown["invoice_number"], invoice, NAME + " wrong",
    ):  # fmt: skip
        assert secret not in dump


async def test_a_yes_that_was_spent_by_who_was_killed_before_sending_serves_nobody(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    killed = replica(zoho, redis_server, **TOKENS)
    async with AsyncExitStack() as stack:
        one, other = await connect(stack, killed), await connect(stack, replica(zoho, redis_server, **TOKENS))
        invoice = await sent_invoice(one)
        given = await token(one, invoice_id=invoice)
        asked = await killed.parts.approvals.find("token", given)
        assert asked is not None
        assert await killed.parts.approvals.decide(asked, yes=True)
        assert await killed.parts.approvals.spend(asked, asked.bound) == "spent"
        for trouble in ("PING", "SCRIPT FLUSH", "FLUSHALL"):
            redis_server.tell(*trouble.split())
            for client in (one, other):
                refused = await client.call_tool("void_invoice", {"invoice_id": invoice, "confirmation_token": given})
                assert refused.is_error, trouble
    assert f"POST /invoice/v3/invoices/{invoice}/status/void" not in zoho.changes()


async def test_a_yes_is_gone_with_a_redis_that_was_emptied(zoho: Zoho, redis_server: RedisServer) -> None:
    async with AsyncExitStack() as stack:
        client = await connect(stack, replica(zoho, redis_server, **TOKENS))
        invoice = await sent_invoice(client)
        given = await token(client, invoice_id=invoice)
        redis_server.tell("FLUSHALL")
        refused = await client.call_tool("void_invoice", {"invoice_id": invoice, "confirmation_token": given})
        assert refused.is_error
    assert f"POST /invoice/v3/invoices/{invoice}/status/void" not in zoho.changes()


async def test_who_can_only_write_to_redis_cannot_say_yes(zoho: Zoho, redis_server: RedisServer) -> None:
    async with a_desk() as desk, AsyncExitStack() as stack:
        page: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.05, "confirm_fallback": "page"}
        client = await connect(stack, replica(zoho, redis_server, browser=desk.open, **page))
        invoice = await sent_invoice(client)
        await client.call_tool("void_invoice", {"invoice_id": invoice})
        await desk.next()
        redis_server.tell("EVAL", FORGED_YES, "0")
        assert "approved" in redis_server.dump()
        refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert refused.is_error
    assert f"POST /invoice/v3/invoices/{invoice}/status/void" not in zoho.changes()


async def test_who_can_only_write_to_redis_cannot_move_a_yes_to_another_call(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        each = replica(zoho, redis_server, **TOKENS)
        client = await connect(stack, each)
        one, other = await sent_invoice(client), await sent_invoice(client)
        given = [await token(client, invoice_id=invoice) for invoice in (one, other)]
        asked = [await each.parts.approvals.find("token", one) for one in given]
        assert asked[0] is not None
        assert asked[1] is not None
        assert await each.parts.approvals.decide(asked[0], yes=True)
        redis_server.tell("EVAL", MOVED_YES, "0")
        assert await each.parts.approvals.spend(asked[0], asked[1].bound) != "spent"
        assert await each.parts.approvals.spend(asked[1], asked[1].bound) != "spent"


async def test_the_page_of_any_replica_shows_a_question_and_says_so_when_it_cannot(
    zoho: Zoho, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(a_desk())
        asking = replica(zoho, redis_server, browser=desk.open, can_open_browser=True)
        other = replica(zoho, redis_server)
        client = await connect(stack, asking)
        await connect(stack, other)
        invoice = await sent_invoice(client)

        async def decide() -> None:
            address = await desk.next()
            page = httpx.ASGITransport(create_page(other.parts.approvals, 0))
            async with httpx.AsyncClient(transport=page, base_url="http://127.0.0.1:0") as browser:
                assert "Void" in (await browser.get(f"/{address.rsplit('/', 1)[1]}")).text
            redis_server.kill()
            async with browser_session() as browser:
                assert (await browser.get(address)).status_code == 503
            redis_server.start()

        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), decide())
        assert kind_of(result) == "expired"
    assert f"POST /invoice/v3/invoices/{invoice}/status/void" not in zoho.changes()
