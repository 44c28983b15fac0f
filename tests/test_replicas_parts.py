"""What replicas share for speaking to Zoho: one access token and one budget, on hosts whose clocks differ."""

import inspect
import math
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import anyio
import pytest
from conftest import Zoho
from machine import ROOT
from pydantic import SecretStr
from redis_server import RedisServer, needs_redis, redis_server
from replicated import replica

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.cli.serve.stdio import connected
from zoho_mcp.errors import LimitedError, SettingsError, UnavailableError
from zoho_mcp.policy.approvals import Approvals, Binding
from zoho_mcp.replicas.approvals import RedisApprovals
from zoho_mcp.replicas.connection import Connection
from zoho_mcp.replicas.limits import RedisLimiter
from zoho_mcp.replicas.replicas import Replicas
from zoho_mcp.server.delivery.claims import Previous
from zoho_mcp.server.delivery.reconcile import Attempt
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.oauth.grant_state import Failure, GrantState, Token
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates
from zoho_mcp.zoho.request import ORGANIZATIONS

__all__ = ["redis_server"]
pytestmark = [pytest.mark.anyio, needs_redis, pytest.mark.replicas]
ACCOUNT = environment_for("http://127.0.0.1")


@asynccontextmanager
async def hosts(
    redis: RedisServer, count: int = 2, rates: Rates | None = None, **changes: Any
) -> AsyncGenerator[list[Replicas]]:
    """The shared parts of several hosts, each with a clock that is further off."""
    settings = replace(from_environment(ACCOUNT), redis_url=SecretStr(redis.url), **changes)
    found = [Replicas(settings, _clock(at), settle=0, patience=30, rates=rates) for at in range(count)]
    try:
        yield found
    finally:
        for each in found:
            await link_of(each).aclose()


def link_of(parts: Replicas) -> Connection:
    return cast(Any, parts)._redis


def refreshes(zoho: Zoho) -> int:
    return sum(request.path == "/oauth/v2/token" for request in zoho.app.state.request_log)


async def test_many_clients_on_several_hosts_fetch_one_token(zoho: Zoho, redis_server: RedisServer) -> None:
    replicas = [replica(zoho, redis_server, fast=fast) for fast in (0, 40, -40, 300)]
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for each in replicas * 5:
                group.start_soon(each.client.send, ORGANIZATIONS)
    assert refreshes(zoho) == 1
    zoho.clock.advance(minutes=61)
    # By Redis's clock no time has passed: the first one that Zoho refuses fetches another token for all.
    for each in replicas:
        await each.client.send(ORGANIZATIONS)
    assert refreshes(zoho) == 2
    for each in replicas:
        await link_of(each.parts).aclose()
        await each.client.aclose()


async def test_what_was_fetched_under_a_lock_that_expired_replaces_nothing_newer(redis_server: RedisServer) -> None:
    async with hosts(redis_server) as (slow, quick):
        async with slow.tokens.locked():
            await _expire(slow, redis_server)
            async with quick.tokens.locked():
                await quick.tokens.keep(GrantState(Token("newer", time.time() + 3600), time.time(), "later"))
            await slow.tokens.keep(GrantState(Token("older", time.time() + 3600), time.time()))
        known = await slow.tokens.recall()
        assert known.token is not None
        assert (known.token.secret, known.refresh_token) == ("newer", "later")


async def test_a_token_that_came_late_is_better_than_a_refusal(redis_server: RedisServer) -> None:
    async with hosts(redis_server) as (slow, quick):
        async with slow.tokens.locked():
            await _expire(slow, redis_server)
            async with quick.tokens.locked():
                refusal = Failure("invalid_code", "", time.time() + 60)
                await quick.tokens.keep(GrantState(asked_at=time.time(), failure=refusal))
            await slow.tokens.keep(GrantState(Token("good", time.time() + 3600), time.time(), "rotated"))
        known = await quick.tokens.recall()
        assert known.token is not None
        assert (known.token.secret, known.refresh_token, known.failure) == ("good", "rotated", None)


async def test_who_was_killed_while_fetching_keeps_nobody_from_it_for_long(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoho_mcp.replicas.tokens.LEASE", 1.0)
    async with hosts(redis_server) as (killed, other):
        await cast(Any, killed.tokens)._lock("nobody gives this back", 5.0)
        with pytest.raises(UnavailableError):
            async with other.tokens.locked(0.2):
                raise AssertionError
        assert not link_of(other).is_down, "it was the lock, not Redis"
        with anyio.fail_after(5):
            async with other.tokens.locked():
                await other.tokens.keep(GrantState(Token("x", time.time() + 3600), time.time()))
        assert (await killed.tokens.recall()).token is not None


async def _expire(parts: Replicas, redis_server: RedisServer) -> None:
    await link_of(parts).command("DEL", f"{link_of(parts).prefix}token:lock")


async def test_a_token_is_good_for_as_long_on_a_host_whose_clock_is_wrong(redis_server: RedisServer) -> None:
    async with hosts(redis_server) as (right, fast):
        async with right.tokens.locked():
            await right.tokens.keep(GrantState(Token("x", time.time() + 3600), time.time()))
        known = await fast.tokens.recall()
        assert known.token is not None
        assert math.isclose(known.token.expires_at - (time.time() + 300), 3600, abs_tol=5)


async def test_another_client_secret_reads_nothing_and_breaks_nothing(redis_server: RedisServer) -> None:
    async with hosts(redis_server, 1) as [one], hosts(redis_server, 1, client_secret=SecretStr("other")) as [stranger]:
        async with one.tokens.locked():
            await one.tokens.keep(GrantState(Token("x", time.time() + 3600), time.time()))
        assert await stranger.tokens.recall() == GrantState()


async def test_the_limits_are_kept_over_all_replicas_in_the_order_of_asking(redis_server: RedisServer) -> None:
    underway = most = sent = 0
    refused: list[LimitedError] = []
    async with hosts(redis_server, 3, Rates(30, 1000, 3)) as found:
        limiters = [each.limiter for each in found]

        async def ask(limiter: Limiter, now: float) -> None:
            nonlocal underway, most, sent
            try:
                async with limiter.acquire("1", now + 3):
                    underway, sent = underway + 1, sent + 1
                    most = max(most, underway)
                    await anyio.sleep(0.01)
                    underway -= 1
            except LimitedError as problem:
                refused.append(problem)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for number in range(60):
                    at = number % 3
                    group.start_soon(ask, limiters[at], _clock(at)())
        assert (sent, most, len(refused)) == (30, 3, 30)
        assert all(each.code == 44 and "30" in each.what.split() for each in refused)
        today = await limiters[1].today("1")
        assert (today.limit, today.remaining) == (1000, 970)


def _clock(at: int) -> Any:
    return lambda: time.time() + at * 300


async def test_the_slots_of_a_killed_replica_come_back(redis_server: RedisServer) -> None:
    rates = Rates(1000, 1000, 1)
    async with hosts(redis_server, rates=rates) as (killed, other):
        limiter = RedisLimiter(rates, link_of(killed), "127.0.0.1", clock=time.time, lease=1.0)
        for _ in ("sends", "waits"):
            await limiter.turn(await limiter.enqueue("1", time.time() + 20), "1")
        started = time.monotonic()
        async with other.limiter.acquire("1", _clock(1)() + 15):
            assert 0.5 < time.monotonic() - started < 10
        await limiter.aclose()


async def test_what_zoho_says_of_the_day_or_refuses_counts_for_all(redis_server: RedisServer) -> None:
    async with hosts(redis_server, rates=Rates(100, 1000, 5)) as found:
        limiters = [each.limiter for each in found]
        async with limiters[0].acquire("1", time.time() + 5) as slot:
            slot.note({"x-rate-limit-limit": "2000", "x-rate-limit-remaining": "7", "x-rate-limit-reset": "3600"})
        today = await limiters[1].today("1")
        assert (today.limit, today.remaining, today.by_zoho) == (2000, 7, True)
        assert math.isclose(today.resets_at - _clock(1)(), 3600, abs_tol=5)
        await limiters[0].slow_down("1")
        with pytest.raises(LimitedError, match=r"\b6[01] seconds"):
            async with limiters[1].acquire("1", _clock(1)() + 5):
                raise AssertionError
        async with limiters[1].acquire("2", _clock(1)() + 5):
            pass
        await limiters[0].day_is_over("2", {})
        with pytest.raises(LimitedError) as caught:
            async with limiters[1].acquire("2", _clock(1)() + 5):
                raise AssertionError
        assert caught.value.code == 45


async def test_without_redis_a_replica_keeps_to_a_quarter_and_says_so(redis_server: RedisServer) -> None:
    async with hosts(redis_server, rates=Rates(20, 1000, 8)) as (one, other):
        limiter = one.limiter
        async with limiter.acquire("1", time.time() + 1):
            pass
        redis_server.kill()
        for _ in range(4):  # with the one before, a quarter of twenty
            async with limiter.acquire("1", time.time() + 1):
                pass
        with pytest.raises(LimitedError, match="Redis"):
            async with limiter.acquire("1", time.time() + 1):
                raise AssertionError
        redis_server.start()
        await anyio.sleep(1.1)  # until it is tried again
        await limiter.restore()
        for _ in range(15):
            async with other.limiter.acquire("1", _clock(1)() + 1):
                pass
        with pytest.raises(LimitedError, match=r"\b20\b"):
            async with other.limiter.acquire("1", _clock(1)() + 1):
                raise AssertionError


async def test_no_question_is_kept_by_one_replica_alone() -> None:
    steps = {name for name, each in vars(Approvals).items() if inspect.iscoroutinefunction(each)}
    assert steps <= set(vars(RedisApprovals))


async def test_a_redis_that_was_just_started_is_not_believed_that_nothing_was_sent(redis_server: RedisServer) -> None:
    settings = replace(from_environment(ACCOUNT), redis_url=SecretStr(redis_server.url))
    parts = Replicas(settings, time.time, settle=60, patience=30, rates=Rates(4, 1000, 8))
    limiter = parts.limiter
    async with limiter.acquire("1", time.time() + 1):
        pass
    with pytest.raises(LimitedError, match="Redis"):
        async with limiter.acquire("1", time.time() + 1):
            raise AssertionError
    await link_of(parts).aclose()


async def test_a_password_is_used_and_never_shown(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path_factory.mktemp("redis"), password="hunter2hunter2")
    server.start()
    async with hosts(server, 1) as [one]:
        async with one.tokens.locked():
            await one.tokens.keep(GrantState(Token("x", time.time() + 3600), time.time()))
        assert (await one.tokens.recall()).token is not None
        server.kill()
        assert await one.tokens.recall() == GrantState()
    assert "ConnectionError" in caplog.text
    assert "hunter2" not in caplog.text


async def test_the_user_that_the_docs_make_may_do_all_that_is_done(zoho: Zoho, redis_server: RedisServer) -> None:
    docs = (ROOT / "docs" / "replicas.md").read_text(encoding="utf-8")
    [line] = re.findall(r"ACL SETUSER .+", docs)
    redis_server.tell(*line.replace("PASSWORD", "hunter2").split())
    redis_server.url = redis_server.url.replace("redis://", "redis://zoho:hunter2@")
    async with hosts(redis_server, 1) as [one]:
        async with one.tokens.locked():
            await one.tokens.keep(GrantState(Token("x", time.time() + 3600), time.time()))
        async with one.limiter.acquire("1", time.time() + 1):
            pass
        bound = Binding("call", "record")
        asked = await one.approvals.ask("token", bound)
        await one.approvals.asked("client")
        assert not await one.approvals.silent("client", 1)
        await one.approvals.answered("client")
        assert await one.approvals.decide(asked, yes=True)
        assert await one.approvals.spend(asked, bound) == "spent"
        await one.publish_change({"invoice_id": {"1"}})
        await one.claims.record_created("1")
        await one.claims.heartbeat()
        assert await one.claims.created_here(["1", "2"]) == {"1"}
        async with one.converting:
            assert not link_of(one).is_down


async def test_a_repetition_that_came_to_nothing_leaves_what_went_before(redis_server: RedisServer) -> None:
    operation = load().operations["create_invoice"]
    async with hosts(redis_server, 3) as found:
        sent = [Attempt(operation, {}, _clock(at)()) for at in range(3)]
        first, second, third = (each.claims for each in found)
        assert await first.claim("same", sent[0]) is None
        await first.done("same", Previous(sent[0], {"invoice_id": "7"}))
        assert await second.claim("same", sent[1]) is not None
        await second.force("same", sent[1])
        await second.done("same", None)
        earlier = await third.claim("same", sent[2])
        assert earlier is not None
        assert earlier.record == {"invoice_id": "7"}
        assert math.isclose(earlier.attempt.at, sent[2].at, abs_tol=2)
        await third.forget("same", earlier)
        assert await first.claim("other", sent[0]) is None
        assert await third.claim("same", sent[2]) is None


@pytest.mark.parametrize(
    "url", ["127.0.0.1:6379", "http://127.0.0.1", "redis://", "redis://:hunter2@h:port", "redis://u:hunter2:x"]
)
def test_a_wrong_address_is_told_without_what_it_says(url: str) -> None:
    with pytest.raises(SettingsError, match="ZOHO_REDIS_URL") as problem:
        from_environment(ACCOUNT | {"ZOHO_REDIS_URL": url})
    assert "hunter2" not in str(problem.value)
    assert problem.value.__cause__ is None


def test_what_is_missing_for_redis_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    environment = ACCOUNT | {"ZOHO_REDIS_URL": "redis://127.0.0.1", "ZOHO_AUDIT_FILE": "/nonexistent"}
    with pytest.raises(SettingsError, match=r"zoho-invoice-mcp\[redis\]"):
        connected(environment)


def test_a_sandboxed_process_shares_nothing() -> None:
    environment = ACCOUNT | {"ZOHO_REDIS_URL": "redis://127.0.0.1"}
    _, _, replicas = connected(environment | {"ZOHO_SANDBOX": "true"})
    assert replicas is None
