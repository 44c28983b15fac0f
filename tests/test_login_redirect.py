"""The redirect address of a login: only an answer to this login is accepted, and its code goes only to Zoho."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest
from machine import free_port

from zoho_mcp.connect.consent import consented
from zoho_mcp.errors import AuthError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.zoho.oauth.login import Attempt, code_from, consent_url, data_centre_of

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


async def send(port: int, raw: str) -> str:
    """The status of the answer to a request."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(raw.replace("HOST", f"localhost:{port}").encode())
        return (await stream.receive()).decode().split(" ")[1]


def get(target: str) -> str:
    return f"GET {target} HTTP/1.1\r\nHost: HOST\r\n\r\n"


@asynccontextmanager
async def waiting(
    attempt: Attempt, exchange: Callable[[Mapping[str, str]], Awaitable[Mapping[str, str]]]
) -> AsyncGenerator[list[object]]:
    """A login that waits for its answer; what became of it is in the list at the end."""
    ready, found = anyio.Event(), list[object]()

    async def opened() -> None:
        ready.set()

    async def wait() -> None:
        try:
            found.append(await consented(attempt, opened, exchange))
        except AuthError as problem:
            found.append(problem)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await ready.wait()
            yield found


async def taken(query: Mapping[str, str]) -> Mapping[str, str]:
    await anyio.lowlevel.checkpoint()
    return query


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        (get("/callback?code=evil&state=guessed"), "400"),
        (get("/callback?code=evil"), "400"),
        (get("/callback?code=evil&state=%C3%A9"), "400"),
        (get("/favicon.ico"), "404"),
        (get("/callback?code=evil").replace("GET", "POST"), "405"),
        ("GET /callback?code=evil HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
        ("\x16\x03\x01 no HTTP at all\r\n\r\n", "400"),
        (get("/" + "x" * 70_000), "404"),
    ],
)
async def test_a_foreign_answer_is_refused_and_does_not_end_the_login(
    attempt: Attempt, request_text: str, answer: str
) -> None:
    async with waiting(attempt, taken) as found:
        assert await send(attempt.port, request_text) == answer
        assert await send(attempt.port, get(f"/callback?code=c0de&state={attempt.state}")) == "200"
    assert found == [{"code": "c0de", "state": attempt.state}]


async def test_a_silent_connection_does_not_block_the_login(attempt: Attempt) -> None:
    async with waiting(attempt, taken) as found, await anyio.connect_tcp("127.0.0.1", attempt.port):
        await send(attempt.port, get(f"/callback?error=access_denied&state={attempt.state}"))
    assert len(found) == 1


async def test_the_browser_shows_success_only_after_the_exchange_has_succeeded(attempt: Attempt) -> None:
    exchanged = list[str]()

    async def exchange(query: Mapping[str, str]) -> Mapping[str, str]:
        await anyio.lowlevel.checkpoint()
        exchanged.append(query["code"])
        raise AuthError("The client secret is wrong.")

    async with waiting(attempt, exchange) as found:
        assert await send(attempt.port, get(f"/callback?code=c0de&state={attempt.state}")) == "502"
    assert exchanged == ["c0de"]
    assert isinstance(found[0], AuthError)


async def test_the_state_and_the_verifier_are_new_each_time_and_not_shown() -> None:
    one, two = Attempt(), Attempt()
    assert one.state != two.state
    assert one.verifier != two.verifier
    assert one.verifier not in repr(one)
    assert one.verifier not in consent_url(settings(), one, ("ZohoInvoice.invoices.READ",))


def test_the_code_is_exchanged_at_the_accounts_server_of_the_answer() -> None:
    query = {"code": "c", "location": "in", "accounts-server": "https://accounts.zoho.in"}
    assert code_from(settings(), query) == ("c", "https://accounts.zoho.in")
    assert data_centre_of("https://accounts.zoho.in") == "in"
    assert code_from(settings(), {"code": "c"}) == ("c", "https://accounts.zoho.eu")


@pytest.mark.parametrize(
    "server",
    ["https://evil.example", "http://accounts.zoho.eu", "https://accounts.zoho.eu.evil.example", "https://accounts.zoho.eu@e.x"],
)  # fmt: skip
def test_a_code_is_not_sent_to_an_unknown_server(server: str) -> None:
    with pytest.raises(AuthError, match=re.escape(server)):
        code_from(settings(), {"code": "c", "accounts-server": server})


def test_a_configured_gateway_may_be_the_accounts_server() -> None:
    gateway = replace(settings(), accounts_url="https://gateway.example")
    assert (
        code_from(gateway, {"code": "c", "accounts-server": "https://gateway.example"})[1] == "https://gateway.example"
    )


def test_declining_at_zoho_is_an_error() -> None:
    with pytest.raises(AuthError, match="access_denied"):
        code_from(settings(), {"error": "access_denied"})
