"""The address the browser comes back to: only an answer to this login counts, and its code goes only to Zoho."""

from collections.abc import Mapping
from dataclasses import replace

import anyio
import pytest
from machine import free_port

from zoho_mcp.cli.redirect import redirected
from zoho_mcp.errors import AuthError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.zoho.oauth.login import Attempt, address, answered, data_centre_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(free_port())


def settings(**more: str) -> Settings:
    return from_environment(
        {
            "ZOHO_CLIENT_ID": "1000.ID",
            "ZOHO_CLIENT_SECRET": "s",
            "ZOHO_REFRESH_TOKEN": "1000.r",
            "ZOHO_DC": "eu",
            **more,
        }
    )


async def send(port: int, raw: str, host: str = "127.0.0.1") -> str:
    """The first line of the answer to a request."""
    async with await anyio.connect_tcp(host, port) as stream:
        await stream.send(raw.encode())
        return (await stream.receive()).decode().split("\r\n")[0]


async def after(attempt: Attempt, *requests: str) -> tuple[list[str], Mapping[str, str]]:
    """What each request is answered, and what was taken in the end; the last request is the right one."""
    ready, answers = anyio.Event(), list[str]()
    found: dict[str, str] = {}

    async def opened() -> None:
        ready.set()

    async def wait() -> None:
        found.update(await redirected(attempt, opened))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await ready.wait()
            for request in (*requests, f"GET /callback?code=c0de&state={attempt.state} HTTP/1.1\r\n\r\n"):
                answers.append(await send(attempt.port, request))
    return answers, found


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("GET /callback?code=evil&state=guessed HTTP/1.1\r\n\r\n", "400"),
        ("GET /callback?code=evil HTTP/1.1\r\n\r\n", "400"),
        ("GET /callback?code=evil&state=%C3%A9 HTTP/1.1\r\n\r\n", "400"),
        ("GET /favicon.ico HTTP/1.1\r\n\r\n", "404"),
        ("POST /callback?code=evil HTTP/1.1\r\n\r\n", "404"),
        ("\x16\x03\x01 no HTTP at all\r\n\r\n", "404"),
        ("GET /" + "x" * 20_000 + " HTTP/1.1\r\n\r\n", "404"),
        ("GET http://[ HTTP/1.1\r\n\r\n", "404"),
    ],
)
async def test_what_does_not_belong_to_the_login_is_refused_and_does_not_end_it(
    attempt: Attempt, request_text: str, answer: str
) -> None:
    answers, found = await after(attempt, request_text)
    assert [line.split(" ")[1] for line in answers] == [answer, "200"]
    assert found["code"] == "c0de"


async def test_a_client_that_says_nothing_does_not_stand_in_the_way(attempt: Attempt) -> None:
    ready, line = anyio.Event(), ""

    async def opened() -> None:
        ready.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(redirected, attempt, opened)
            await ready.wait()
            async with await anyio.connect_tcp("127.0.0.1", attempt.port):
                line = await send(
                    attempt.port, f"GET /callback?error=access_denied&state={attempt.state} HTTP/1.1\r\n\r\n"
                )
    assert line.split(" ")[1] == "200"


async def test_the_state_and_the_verifier_are_new_each_time_and_not_shown() -> None:
    one, two = Attempt(), Attempt()
    assert one.state != two.state
    assert one.verifier != two.verifier
    assert one.verifier not in repr(one)
    assert one.verifier not in address(settings(), one, ("ZohoInvoice.invoices.READ",))


def test_the_code_is_exchanged_at_the_accounts_server_of_the_answer() -> None:
    query = {"code": "c", "location": "in", "accounts-server": "https://accounts.zoho.in"}
    assert answered(settings(), query) == ("c", "https://accounts.zoho.in")
    assert data_centre_of("https://accounts.zoho.in") == "in"
    assert answered(settings(), {"code": "c"}) == ("c", "https://accounts.zoho.eu")


@pytest.mark.parametrize(
    "server",
    ["https://evil.example", "http://accounts.zoho.eu", "https://accounts.zoho.eu.evil.example", "https://accounts.zoho.eu@e.x"],
)  # fmt: skip
def test_a_code_goes_to_no_stranger(server: str) -> None:
    with pytest.raises(AuthError, match="none of Zoho's"):
        answered(settings(), {"code": "c", "accounts-server": server})


def test_a_gateway_that_is_set_may_name_itself() -> None:
    gateway = replace(settings(), accounts_url="https://gateway.example")
    assert (
        answered(gateway, {"code": "c", "accounts-server": "https://gateway.example"})[1] == "https://gateway.example"
    )


def test_a_no_is_a_no() -> None:
    with pytest.raises(AuthError, match="access_denied"):
        answered(settings(), {"error": "access_denied"})
