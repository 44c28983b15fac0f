"""One token for all processes of a machine: the cache file, its lock, and what is remembered of a refusal."""

import json
import logging
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx
import pytest
from filelock import FileLock
from test_oauth import READ, SECRETS, Clock, FakeZoho, settings, succeed

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.oauth.cache import TokenCache, cache_for, granted_scopes
from zoho_mcp.zoho.request import Request

pytestmark = pytest.mark.anyio

Start = Callable[..., ZohoClient]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def zoho() -> FakeZoho:
    return FakeZoho()


@pytest.fixture
def start(zoho: FakeZoho, clock: Clock, tmp_path: Path) -> Start:
    """Makes a client as another process would have it: nothing in common with the others but the folder."""

    def client(**more: str) -> ZohoClient:
        found = replace(settings(**more), token_cache=tmp_path / "tokens")
        return ZohoClient(found, transport=zoho, clock=clock)

    return client


def cached(tmp_path: Path) -> Path:
    [path] = (tmp_path / "tokens").glob("*.json")
    return path


def answer(zoho: FakeZoho, **answer: object) -> None:
    zoho.token_answer = lambda: httpx.Response(200, json={"access_token": f"t{zoho.refreshes}", **answer})


REVOKED = {"error": "invalid_code"}
THROTTLED = {"error": "Access Denied", "error_description": "You have made too many requests continuously."}


async def test_processes_share_the_token_until_it_expires(zoho: FakeZoho, clock: Clock, start: Start) -> None:
    for _ in range(5):
        await start().send(READ)
    assert zoho.refreshes == 1
    clock.now += 3541
    for _ in range(5):
        await start().send(READ)
    assert zoho.refreshes == 2


async def test_credentials_that_differ_share_nothing(zoho: FakeZoho, start: Start) -> None:
    await start().send(READ)
    await start(ZOHO_REFRESH_TOKEN="1000.other").send(READ)
    await start(ZOHO_DC="eu").send(READ)
    assert zoho.refreshes == 3


async def test_the_file_is_for_this_user_alone_and_its_name_tells_nothing(start: Start, tmp_path: Path) -> None:
    await start().send(READ)
    path = cached(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for secret in (*SECRETS.values(), "1000.ID", "t1"):
        assert secret not in path.name
    for secret in SECRETS.values():
        assert secret not in path.read_text()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"access_token": 5}', b"\xff\xfe", b"[" * 100_000, b'{"access_token": "t1"}',
        b'{"access_token": "t\\r\\nX: y", "expires_at": 1000600, "asked_at": 999999}',
        b'{"access_token": "stale", "expires_at": NaN, "asked_at": 1}',
        b'{"access_token": "future", "expires_at": 9e9, "asked_at": 8e9}',
        b'{"failure": {"until": 9e99}, "asked_at": 1}', b'{"failure": 5, "asked_at": "x"}',
    ],
)  # fmt: skip
async def test_a_broken_file_is_ignored_and_replaced(
    zoho: FakeZoho, start: Start, tmp_path: Path, content: bytes
) -> None:
    await start().send(READ)
    cached(tmp_path).write_bytes(content)
    assert await start().send(READ) == {"code": 0, "message": "success"}
    assert zoho.refreshes == 2
    await start().send(READ)
    assert zoho.refreshes == 2


async def test_a_file_open_to_others_is_ignored_said_and_replaced(
    zoho: FakeZoho, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await start().send(READ)
    cached(tmp_path).chmod(0o644)
    await start().send(READ)
    assert zoho.refreshes == 2
    assert "mode 644" in caplog.text
    assert stat.S_IMODE(cached(tmp_path).stat().st_mode) == 0o600


async def test_a_folder_open_to_others_is_not_used(
    zoho: FakeZoho, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens").chmod(0o777)
    await start().send(READ)
    await start().send(READ)
    assert zoho.refreshes == 2
    assert list((tmp_path / "tokens").iterdir()) == []
    assert "mode 777" in caplog.text


async def test_a_link_is_not_followed(zoho: FakeZoho, start: Start, tmp_path: Path) -> None:
    await start().send(READ)
    cached(tmp_path).rename(tmp_path / "moved")
    TokenCache(tmp_path / "tokens" / "x.json").path.unlink(missing_ok=True)
    link = cache_for(replace(settings(), token_cache=tmp_path / "tokens"))
    assert link is not None
    link.path.symlink_to(tmp_path / "moved")
    await start().send(READ)
    assert zoho.refreshes == 2
    assert not link.path.is_symlink()


async def test_without_a_place_for_files_each_process_has_its_own_token(
    zoho: FakeZoho, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    found = replace(settings(), token_cache=tmp_path / "file" / "tokens")
    shared = ZohoClient(found, transport=zoho, clock=clock)
    for _ in range(3):
        await shared.send(READ)
    assert zoho.refreshes == 1
    assert str(tmp_path / "file") in caplog.text


async def test_a_token_that_another_process_has_renewed_is_taken_over(zoho: FakeZoho, start: Start) -> None:
    first, second = start(), start()
    await first.send(READ)
    await second.send(READ)
    zoho.answer = lambda request: (
        httpx.Response(401, json={"code": 57, "message": "You are not authorized"})
        if request.headers["Authorization"] == "Zoho-oauthtoken t1"
        else succeed(request)
    )
    await first.send(READ)
    await second.send(READ)
    assert zoho.refreshes == 2


async def test_a_scope_that_was_not_granted_costs_no_refresh(zoho: FakeZoho, start: Start) -> None:
    answer(zoho, scope="ZohoInvoice.contacts.ALL ZohoInvoice.invoices.CREATE")
    zoho.answer = lambda request: httpx.Response(401, json={"code": 57, "message": "You are not authorized"})
    for _ in range(3):
        with pytest.raises(AuthError, match=r"invoices\.READ"):
            await start().send(READ)
    assert zoho.refreshes == 1


async def test_a_revoked_token_is_named_and_tried_once_a_minute_by_all_processes(
    zoho: FakeZoho, clock: Clock, start: Start
) -> None:
    zoho.token_answer = lambda: httpx.Response(200, json=REVOKED)
    for _ in range(5):
        with pytest.raises(AuthError, match="ZOHO_REFRESH_TOKEN"):
            await start().send(READ)
        clock.now += 11
    assert zoho.refreshes == 1
    clock.now += 6
    same = start()
    for _ in range(5):
        with pytest.raises(AuthError, match="zoho-invoice-mcp login"):
            await same.send(READ)
    assert zoho.refreshes == 2


async def test_one_process_alone_does_not_hammer_either(zoho: FakeZoho, clock: Clock) -> None:
    zoho.token_answer = lambda: httpx.Response(200, json=REVOKED)
    alone = ZohoClient(settings(), transport=zoho, clock=clock)
    for _ in range(5):
        with pytest.raises(AuthError):
            await alone.send(READ)
    assert zoho.refreshes == 1


async def test_the_throttle_is_obeyed_by_all_processes_and_says_when_it_ends(
    zoho: FakeZoho, clock: Clock, start: Start
) -> None:
    zoho.token_answer = lambda: httpx.Response(400, json=THROTTLED)
    for _ in range(10):
        with pytest.raises(LimitedError, match=r"\d\d:\d\d"):
            await start().send(READ)
        clock.now += 59
    assert zoho.refreshes == 1
    clock.now += 11
    answer(zoho)
    await start().send(READ)
    assert zoho.refreshes == 2


async def test_a_throttled_renewal_leaves_the_token_to_those_whom_it_serves(zoho: FakeZoho, start: Start) -> None:
    """One process is refused something; the others go on with the token there is."""
    await start().send(READ)
    zoho.token_answer = lambda: httpx.Response(200, json=THROTTLED)
    zoho.answer = lambda request: httpx.Response(401, json={"code": 57, "message": "no"})
    with pytest.raises(LimitedError):
        await start().send(READ)
    zoho.answer = succeed
    await start().send(READ)
    assert zoho.refreshes == 2


async def test_no_network_is_not_remembered(zoho: FakeZoho, start: Start) -> None:
    def broken() -> httpx.Response:
        raise httpx.ConnectError("no")

    zoho.token_answer = broken
    with pytest.raises(UnavailableError):
        await start().send(READ)
    answer(zoho)
    await start().send(READ)


async def test_a_refresh_token_that_comes_later_is_kept_and_used_one_that_does_not_come_is_not_lost(
    zoho: FakeZoho, clock: Clock, start: Start
) -> None:
    answer(zoho, refresh_token="1000.later")
    await start().send(READ)
    assert b"plant3d-refresh" in zoho.token_request.content
    answer(zoho)
    for _ in range(2):
        clock.now += 3600
        await start().send(READ)
        assert b"1000.later" in zoho.token_request.content
    zoho.token_answer = lambda: httpx.Response(200, json=REVOKED)
    clock.now += 3600
    with pytest.raises(AuthError):
        await start().send(READ)
    clock.now += 61
    answer(zoho)
    await start().send(READ)
    assert b"plant3d-refresh" in zoho.token_request.content


async def test_a_self_client_without_a_user_asks_with_its_organisation_and_scopes(zoho: FakeZoho, start: Start) -> None:
    client = start(ZOHO_REFRESH_TOKEN="", ZOHO_SOID="ZohoInvoice.10", ZOHO_SCOPES="ZohoInvoice.invoices.READ")
    await client.send(READ)
    form = dict(httpx.QueryParams(zoho.token_request.content.decode()))
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "1000.ID",
        "client_secret": "plant3d-secret",
        "scope": "ZohoInvoice.invoices.READ",
        "soid": "ZohoInvoice.10",
    }


async def test_waiting_for_another_process_ends_in_time_and_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "x.json"
    path.parent.mkdir(mode=0o700)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.lowlevel.checkpoint()
            ticks += 1

    with FileLock(path.with_suffix(".lock")), anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            with pytest.raises(UnavailableError):
                async with TokenCache(path).locked(0.2):
                    pytest.fail("two at once")
            group.cancel_scope.cancel()
        with anyio.move_on_after(0.05) as scope:
            async with TokenCache(path).locked():
                pytest.fail("two at once")
        assert scope.cancelled_caught
    assert ticks > 100
    with anyio.fail_after(10):
        async with TokenCache(path).locked():
            pass


async def test_a_cancelled_holder_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    tmp_path.chmod(0o700)
    with anyio.move_on_after(0.05):
        async with TokenCache(path).locked():
            await anyio.sleep_forever()
    with anyio.fail_after(5):
        async with TokenCache(path).locked():
            pass


async def test_what_was_granted_is_known_from_the_token_else_from_the_settings(
    zoho: FakeZoho, start: Start, tmp_path: Path
) -> None:
    told = replace(settings(ZOHO_SCOPES="ZohoInvoice.contacts.READ"), token_cache=tmp_path / "tokens")
    assert granted_scopes(settings()) is None
    assert granted_scopes(told) == {"ZohoInvoice.contacts.READ"}
    answer(zoho, scope="ZohoInvoice.invoices.READ ZohoInvoice.settings.READ")
    await start().send(READ)
    assert granted_scopes(told) == {"ZohoInvoice.invoices.READ", "ZohoInvoice.settings.READ"}


@pytest.mark.parametrize("given", [{"expires_in": 3_600_000}, {"expires_in": "soon"}, {"expires_in": -1}, {}])
async def test_a_strange_lifetime_is_taken_for_an_hour(
    zoho: FakeZoho, clock: Clock, start: Start, given: dict[str, object]
) -> None:
    answer(zoho, **given)
    await start().send(READ)
    stored = json.loads(next((start().settings.token_cache or Path()).glob("*.json")).read_text())
    assert stored["expires_at"] == clock.now + 3600


async def test_nothing_about_the_cache_shows_a_secret(
    zoho: FakeZoho, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer(zoho, refresh_token="1000.later")
    zoho.token_answer = lambda: httpx.Response(200, json={"access_token": "t0ken", "refresh_token": "1000.later"})
    client = start()
    await client.send(READ)
    cached(tmp_path).chmod(0o644)
    await start().send(Request("GET", "/contacts", scope="contacts.READ"))
    text = caplog.text + repr(client.settings) + repr(vars(client))
    for secret in (*SECRETS.values(), "t0ken", "1000.later"):
        assert secret not in text
