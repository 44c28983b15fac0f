"""The shared token: one refresh for everybody, no lock left behind, every error named, no secret anywhere."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from zoho_mcp.errors import AuthError, LimitedError, OutcomeUnknownError, UnavailableError, ZohoMcpError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import ORGANIZATIONS, Request

pytestmark = pytest.mark.anyio

SECRETS = {"ZOHO_CLIENT_SECRET": "plant3d-secret", "ZOHO_REFRESH_TOKEN": "1000.plant3d-refresh"}
READ = Request("GET", "/invoices", scope="invoices.READ")
WRITE = Request("POST", "/invoices", body={"customer_id": "1"}, scope="invoices.CREATE")


def settings(**more: str) -> Settings:
    return from_environment({"ZOHO_CLIENT_ID": "1000.ID", "ZOHO_ORGANIZATION_ID": "10", **SECRETS, **more})


def succeed(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"code": 0, "message": "success"})


class FakeZoho(httpx.AsyncBaseTransport):
    """Just enough of Zoho to count: tokens are `t1`, `t2`, …; `answer` decides about everything else."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | None = None) -> None:
        self.answer: Callable[[httpx.Request], httpx.Response] = answer or succeed
        self.refreshes = 0
        self.sent: list[httpx.Request] = []
        self.token_answer: Callable[[], httpx.Response] = lambda: httpx.Response(
            200,
            json={"access_token": f"t{self.refreshes}", "expires_in": 3600, "api_domain": "https://www.zohoapis.eu"},
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        await request.aread()
        if request.url.path == "/oauth/v2/token":
            self.refreshes += 1
            self.token_request = request
            return self.token_answer()
        self.sent.append(request)
        return self.answer(request)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def client(zoho: FakeZoho, clock: Clock | None = None, **more: str) -> ZohoClient:
    return ZohoClient(settings(**more), transport=zoho, clock=clock or Clock(), sleep=no_sleep)


async def no_sleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


async def test_twenty_callers_share_one_refresh() -> None:
    zoho = FakeZoho()
    shared = client(zoho)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(shared.send, READ)
    assert zoho.refreshes == 1
    assert len(zoho.sent) == 20
    assert {request.headers["Authorization"] for request in zoho.sent} == {"Zoho-oauthtoken t1"}


async def test_a_caller_that_is_cancelled_while_it_refreshes_leaves_nothing_locked() -> None:
    zoho = FakeZoho()
    refreshing, stuck = anyio.Event(), anyio.Event()

    class Slow(FakeZoho):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/oauth/v2/token" and not refreshing.is_set():
                refreshing.set()
                await stuck.wait()
            return await super().handle_async_request(request)

    zoho = Slow()
    shared = client(zoho)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(shared.send, READ)
            await refreshing.wait()
            group.cancel_scope.cancel()
        assert await shared.send(READ) == {"code": 0, "message": "success"}
    assert zoho.refreshes == 1


async def test_a_token_is_renewed_before_it_expires() -> None:
    zoho, clock = FakeZoho(), Clock()
    shared = client(zoho, clock)
    await shared.send(READ)
    clock.now += 3500
    await shared.send(READ)
    assert zoho.refreshes == 1
    clock.now += 50
    await shared.send(READ)
    assert zoho.refreshes == 2


async def test_a_401_costs_one_refresh_and_one_more_try() -> None:
    zoho = FakeZoho(
        lambda request: (
            httpx.Response(401, json={"code": 57, "message": "You are not authorized"})
            if request.headers["Authorization"] == "Zoho-oauthtoken t1"
            else httpx.Response(201, json={"code": 0, "message": "created"})
        )
    )
    assert await client(zoho).send(WRITE) == {"code": 0, "message": "created"}
    assert (zoho.refreshes, len(zoho.sent)) == (2, 2)


async def test_a_missing_scope_is_named_and_does_not_use_up_the_refreshes() -> None:
    zoho = FakeZoho(lambda request: httpx.Response(401, json={"code": 57, "message": "You are not authorized"}))
    shared = client(zoho)
    for _ in range(5):
        with pytest.raises(AuthError, match=r"invoices\.READ"):
            await shared.send(READ)
    assert zoho.refreshes == 2


@pytest.mark.parametrize(
    ("answer", "error", "name"),
    [
        ({"error": "invalid_client"}, AuthError, "ZOHO_DC"),
        ({"error": "invalid_client_secret"}, AuthError, "ZOHO_CLIENT_SECRET"),
        ({"error": "invalid_code"}, AuthError, "ZOHO_REFRESH_TOKEN"),
        ({"error": "general_error"}, AuthError, "general_error"),
        ({}, AuthError, ""),
        ([], AuthError, ""),
        (
            {
                "error": "Access Denied",
                "error_description": "You have made too many requests continuously. Please try again after some time.",
                "status": "failure",
            },
            LimitedError,
            "ten minutes",
        ),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
async def test_a_token_error_is_read_from_the_body_whatever_its_status(
    status: int, answer: Any, error: type[ZohoMcpError], name: str
) -> None:
    zoho = FakeZoho()
    zoho.token_answer = lambda: httpx.Response(status, json=answer)
    with pytest.raises(error, match=name or None):
        await client(zoho).send(READ)
    assert zoho.sent == []


@pytest.mark.parametrize("status", [200, 302, 403, 502])
async def test_a_web_page_in_place_of_a_token_is_named_and_not_asked_for_at_every_call(status: int) -> None:
    zoho, clock = FakeZoho(), Clock()
    zoho.token_answer = lambda: httpx.Response(status, html="<html>Sign in to the network</html>")
    own = client(zoho, clock)
    for _ in range(3):
        with pytest.raises(UnavailableError, match=rf"\b{status}\b.*text/html.*ZOHO_DC"):
            await own.send(READ)
    assert (zoho.refreshes, zoho.sent) == (1, [])
    clock.now += 61
    zoho.token_answer = FakeZoho().token_answer
    await own.send(READ)
    assert len(zoho.sent) == 1


async def test_the_domain_that_comes_with_the_token_is_the_base_if_it_is_zohos() -> None:
    zoho = FakeZoho()
    await client(zoho, ZOHO_DC="us").send(READ)
    assert zoho.sent[0].url.host == "www.zohoapis.eu"
    zoho.token_answer = lambda: httpx.Response(200, json={"access_token": "t", "api_domain": "https://evil.example"})
    await client(zoho, ZOHO_DC="jp").send(READ)
    assert zoho.sent[1].url.host == "www.zohoapis.jp"
    assert zoho.token_request.url.host == "accounts.zoho.jp"


async def test_a_gateway_that_is_set_wins_over_the_domain_of_the_token() -> None:
    zoho = FakeZoho()
    await client(zoho, ZOHO_API_URL="https://gateway.example", ZOHO_ACCOUNTS_URL="https://login.example").send(READ)
    assert str(zoho.sent[0].url) == "https://gateway.example/invoice/v3/invoices?organization_id=10"
    assert zoho.token_request.url.host == "login.example"


async def test_secrets_go_in_the_body_of_the_token_request_never_in_its_address() -> None:
    zoho = FakeZoho()
    await client(zoho).send(READ)
    assert zoho.token_request.url.query == b""
    assert b"plant3d-secret" in zoho.token_request.content


async def test_every_request_names_the_organisation_but_the_one_that_lists_them() -> None:
    zoho = FakeZoho()
    shared = client(zoho)
    await shared.send(READ)
    await shared.send(ORGANIZATIONS)
    assert [request.url.params.get("organization_id") for request in zoho.sent] == ["10", None]


async def test_without_an_organisation_nothing_is_sent_but_the_list_of_them() -> None:
    zoho = FakeZoho()
    shared = client(zoho, ZOHO_ORGANIZATION_ID="")
    with pytest.raises(AuthError, match="ZOHO_ORGANIZATION_ID"):
        await shared.send(WRITE)
    await shared.send(ORGANIZATIONS)
    assert len(zoho.sent) == 1


def breaking(kind: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise kind("broken: plant3d-secret", request=request)

    return answer


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError])
async def test_a_write_whose_answer_is_lost_is_sent_once_and_said_to_be_unknown(
    kind: type[httpx.TransportError],
) -> None:
    zoho = FakeZoho(breaking(kind))
    with pytest.raises(OutcomeUnknownError, match="POST /invoices"):
        await client(zoho).send(WRITE)
    assert len(zoho.sent) == 1


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout])
async def test_a_write_that_never_left_is_said_to_have_changed_nothing(kind: type[httpx.TransportError]) -> None:
    with pytest.raises(UnavailableError):
        await client(FakeZoho(breaking(kind))).send(WRITE)


async def test_an_answer_too_long_is_not_read_to_its_end() -> None:
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # pyright: ignore[reportUnknownParameterType] # of chunks
            nonlocal read
            while True:
                read += 1_000_000
                yield b" " * 1_000_000

    zoho = FakeZoho(lambda request: httpx.Response(200, stream=Endless()))
    with pytest.raises(UnavailableError):
        await client(zoho).send(READ)
    assert read < 30_000_000


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    zoho = FakeZoho(lambda request: httpx.Response(302, headers={"location": "https://evil.example/"}))
    with pytest.raises(UnavailableError):
        await client(zoho).send(READ)
    assert [request.url.host for request in zoho.sent] == ["www.zohoapis.eu"]


async def test_no_secret_is_in_any_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    broken = FakeZoho(breaking(httpx.ReadError))
    refused = FakeZoho()
    refused.token_answer = lambda: httpx.Response(200, json={"error": "invalid_code"})
    unreachable = FakeZoho()

    def no_network() -> httpx.Response:
        raise httpx.ConnectError("plant3d-secret")

    unreachable.token_answer = no_network
    for zoho in (broken, refused, unreachable):
        with pytest.raises(ZohoMcpError) as caught:
            await client(zoho).send(WRITE)
        errors.append(str(caught.value))
    everything = caplog.text + "".join(errors)
    for secret in ("plant3d-secret", "plant3d-refresh", "Zoho-oauthtoken t1"):
        assert secret not in everything
