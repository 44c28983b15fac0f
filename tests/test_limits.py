"""Zoho's limits: kept by all processes together, first come, first served, and never waited for in silence."""

import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from conftest import NOON, Time

from zoho_mcp.errors import LimitedError
from zoho_mcp.telemetry import calls
from zoho_mcp.times import moment, offset_of_midnight, span
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import PLANS, UNLIMITED, Rates

pytestmark = pytest.mark.anyio


def limiter(
    time: Time, path: Path | None = None, per_minute: int = 3, per_day: int = 1000, at_once: int = 5
) -> Limiter:
    return Limiter(Rates(per_minute, per_day, at_once), path, clock=time, sleep=time.sleep)


async def use(limits: Limiter, time: Callable[[], float], patience: float = 20, organization: str = "1") -> None:
    async with limits.acquire(organization, time() + patience):
        pass


def headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(reset),
    }


@pytest.fixture(params=["memory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "state" / "limits.db" if request.param == "file" else None


async def test_in_no_minute_go_more_than_the_plan_allows(path: Path | None) -> None:
    time = Time()
    limits = limiter(time, path, per_minute=7)
    went: list[float] = []
    for _ in range(40):
        await use(limits, time, patience=120)
        went.append(time.now)
    assert all(later - earlier >= 60 for earlier, later in zip(went, went[7:], strict=False))
    assert went[-1] - went[0] < 5 * 62 + 1
    await limits.aclose()


async def test_a_wait_longer_than_there_is_patience_for_is_an_answer_that_says_when(path: Path | None) -> None:
    time = Time()
    limits = limiter(time, path)
    for _ in range(3):
        await use(limits, time)
    time.now += 30
    with pytest.raises(LimitedError, match=r"31 seconds\b.*\b2026-05-28 20:27:41 UTC") as caught:
        await use(limits, time)
    assert time.slept == []
    assert caught.value.code == 44
    assert "3" in caught.value.what.split()
    time.now += 15
    await use(limits, time)
    assert time.now == NOON + 61
    await limits.aclose()


class Told:
    """A client's session that keeps the progress it is sent."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        self.messages.append(message or "")


async def test_a_wait_is_reported_once_and_for_how_long() -> None:
    time, told = Time(), Told()
    limits = limiter(time)
    calls.current.set(calls.CallContext(progress=calls.Progress(told)))
    for _ in range(3):
        await use(limits, time)
    time.now += 50
    await use(limits, time)
    assert len(told.messages) == 1
    assert "11 seconds" in told.messages[0]


async def test_organisations_do_not_wait_for_each_other(path: Path | None) -> None:
    time = Time()
    limits = limiter(time, path)
    for organization in ("1", "2"):
        for _ in range(3):
            await use(limits, time, organization=organization)
    assert time.slept == []
    await limits.aclose()


async def test_first_come_first_served() -> None:
    limits = Limiter(Rates(1000, 1000, 1), clock=time.time)
    order: list[int] = []
    release = anyio.Event()

    async def hold() -> None:
        async with limits.acquire("1", time.time() + 20):
            await release.wait()

    async def take(number: int) -> None:
        async with limits.acquire("1", time.time() + 20):
            order.append(number)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(hold)
            for number in range(10):
                await anyio.lowlevel.checkpoint()
                group.start_soon(take, number)
            release.set()
    assert order == list(range(10))


async def test_no_more_are_under_way_at_once_than_the_plan_allows(path: Path | None) -> None:
    limits = Limiter(Rates(1000, 1000, 3), path, clock=time.time)
    running = most = 0

    async def take() -> None:
        nonlocal running, most
        async with limits.acquire("1", time.time() + 20):
            running += 1
            most = max(most, running)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            running -= 1

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(take)
    assert most == 3
    await limits.aclose()


async def test_a_cancelled_waiter_releases_its_place_in_the_queue(path: Path | None) -> None:
    limits = Limiter(Rates(1000, 1000, 1), path, clock=time.time)
    with anyio.fail_after(10):
        async with limits.acquire("1", time.time() + 20), anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(use, limits, time.time)
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await use(limits, time.time)
    await limits.aclose()


async def test_too_many_at_once_for_too_long_is_an_answer() -> None:
    time = Time()
    limits = limiter(time, at_once=1)
    async with limits.acquire("1", time() + 20):
        with pytest.raises(LimitedError) as caught:
            await use(limits, time)
    assert caught.value.code == 1070
    assert 20 <= time.now - NOON <= 21


async def test_processes_share_one_limit(tmp_path: Path) -> None:
    time = Time()
    one, two = (limiter(time, tmp_path / "limits.db") for _ in range(2))
    for limits in (one, two, one):
        await use(limits, time)
    with pytest.raises(LimitedError):
        await use(two, time)
    await one.aclose()
    await two.aclose()


@pytest.mark.processes
async def test_a_killed_process_leaves_nothing_behind_that_blocks(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys, time; from pathlib import Path\n"
        "from zoho_mcp.zoho.rate_limit.limiter import Limiter\n"
        "from zoho_mcp.zoho.rate_limit.limits import Rates\n"
        "async def go():\n"
        "    limiter = Limiter(Rates(9, 9, 1), Path(sys.argv[1]), clock=time.time)\n"
        "    async with limiter.acquire('1', time.time() + 20):\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(go())\n"
    )
    path = tmp_path / "limits.db"
    died = await anyio.run_process([sys.executable, "-c", code, str(path)], check=False, stderr=subprocess.PIPE)
    assert died.returncode == -9, died.stderr
    limits = Limiter(Rates(9, 9, 1), path, clock=time.time)
    with anyio.fail_after(5):
        await use(limits, time.time)
    await limits.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
async def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    time = Time()
    limits = limiter(time, tmp_path / "state" / "limits.db")
    await use(limits, time)
    modes = {found.name: found.stat().st_mode & 0o777 for found in (tmp_path / "state").iterdir()}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    await limits.aclose()


@pytest.mark.parametrize("how", ["no database", "a folder", "a folder that cannot be made"])
async def test_a_file_that_cannot_be_used_is_done_without(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "limits.db"
    if how == "no database":
        path.write_text("this is no database" * 1000)
    elif how == "a folder":
        path.mkdir()
    else:
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "limits.db"
    time = Time()
    limits = limiter(time, path, per_minute=2)
    for _ in range(2):
        await use(limits, time)
    with pytest.raises(LimitedError):
        await use(limits, time)
    assert [str(path) in record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [True]
    await limits.aclose()


async def test_what_zoho_says_of_the_day_counts_more_than_what_was_counted_here(path: Path | None) -> None:
    time = Time()
    limits = limiter(time, path, per_minute=1000)
    async with limits.acquire("1", time() + 20) as slot:
        slot.note(headers(2000, 2, 3600))
    today = await limits.today("1")
    assert (today.limit, today.remaining, today.resets_at, today.by_zoho) == (2000, 2, NOON + 3600, True)
    for _ in range(2):
        await use(limits, time)
    with pytest.raises(LimitedError, match=r"\b2000\b") as caught:
        await use(limits, time)
    assert caught.value.code == 45
    time.now += 3601
    await use(limits, time)
    assert (await limits.today("1")).remaining == 1999
    await limits.aclose()


async def test_requests_under_way_are_taken_off_what_zoho_says_is_left() -> None:
    time = Time()
    limits = limiter(time, per_minute=1000)
    async with limits.acquire("1", time() + 20):
        async with limits.acquire("1", time() + 20) as slot:
            slot.note(headers(1000, 500, 3600))
        assert (await limits.today("1")).remaining == 499


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        headers(-1, 5, 5),
        headers(1000, 2000, 5),
        headers(1000, 5, 10**9),
        {**headers(1, 1, 1), "x-rate-limit-reset": "x"},
    ],
)
async def test_headers_that_make_no_sense_change_nothing(wrong: dict[str, str]) -> None:
    time = Time()
    limits = limiter(time)
    async with limits.acquire("1", time() + 20) as slot:
        slot.note(wrong)
    today = await limits.today("1")
    assert (today.limit, today.remaining, today.by_zoho) == (1000, 999, False)


async def test_the_day_is_over_until_midnight_in_the_organisations_time_zone() -> None:
    time = Time()
    limits = limiter(time)
    midnight = 1_780_027_200.0  # 04:00 UTC: midnight in New York
    told = await limits.day_is_over("1", headers(1000, 0, int(midnight - NOON)))
    assert "2026-05-29 00:00:00 UTC-04:00" in told
    with pytest.raises(LimitedError, match="00:00:00 UTC-04:00"):
        await use(limits, time)


async def test_a_block_is_kept_for_its_minute_and_then_half_the_rate_for_a_while() -> None:
    time = Time()
    limits = limiter(time, per_minute=10)
    assert "60 seconds" in await limits.slow_down("1")
    with pytest.raises(LimitedError, match="60 seconds"):
        await use(limits, time)
    time.now += 61
    for _ in range(5):
        await use(limits, time)
    with pytest.raises(LimitedError):
        await use(limits, time)
    time.now += 600
    for _ in range(10):
        await use(limits, time)


async def test_a_clock_that_was_set_back_locks_nobody_out(path: Path | None) -> None:
    time = Time()
    limits = limiter(time, path, at_once=1)
    time.now += 5 * 86_400
    await limits.slow_down("1")
    await limits.day_is_over("1", headers(1000, 0, 3600))
    time.now -= 5 * 86_400
    await use(limits, time)
    await limits.aclose()


def test_the_plans_have_the_smaller_figure_where_zohos_pages_disagree() -> None:
    assert PLANS["free"] == Rates(60, 1000, 5)
    assert PLANS["standard"] == Rates(100, 2000, 10)
    assert PLANS["professional"] == Rates(100, 5000, 10)
    assert PLANS["ultimate"] == Rates(100, 10_000, 10)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (59, "59 seconds"), (121, "3 minutes"), (7200, "2 hours"), (11_000, "3 hours 4 minutes")],
)
def test_lengths_of_time_are_said_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(("hour", "zone"), [(4, "UTC-04:00"), (18.5, "UTC+05:30"), (0, "UTC"), (14, "UTC+10:00")])
def test_the_time_zone_follows_from_when_the_day_ends(hour: float, zone: str) -> None:
    midnight = 1_780_012_800 // 86_400 * 86_400 + hour * 3600
    assert moment(midnight, offset_of_midnight(midnight)).endswith(f"00:00:00 {zone}")


async def test_a_request_costs_less_than_a_millisecond(path: Path | None) -> None:
    limits = Limiter(UNLIMITED, path, clock=time.time)
    await use(limits, time.time)
    best = min([await timed(lambda: use(limits, time.time)) for _ in range(50)])
    assert best < 0.001
    await limits.aclose()


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def test_unlimited_holds_nothing_back() -> None:
    time = Time()
    limits = Limiter(PLANS["unlimited"], clock=time, sleep=time.sleep)
    for _ in range(5000):
        await use(limits, time, patience=0)
    assert time.slept == []
