"""A person with a browser who decides on approval pages over real HTTP, and servers for clients of every kind."""

import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx
import mcp_types as types
import pytest
import uvicorn
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.session import ElicitationFnT
from mcp.server.lowlevel import Server
from starlette.types import ASGIApp

from zoho_mcp.server.context import ServerContext

Decision = Literal["approve", "decline"]
_Result = TypeVar("_Result")


def browser_session(**options: Any) -> httpx.AsyncClient:
    """A client without certificates: loopback needs none, and loading them takes longer than a test."""
    return httpx.AsyncClient(verify=False, **options)


class Desk:
    """A user's desk with a browser: is given addresses to open; `next` returns them one by one."""

    def __init__(self, *, has_browser: bool = True) -> None:
        self.has_browser = has_browser
        self.addresses: list[str] = []
        self._send, self._receive = anyio.create_memory_object_stream[str](100)

    async def open(self, address: str) -> bool:
        """The function that a server uses as its browser."""
        self.addresses.append(address)
        if self.has_browser:
            self._send.send_nowait(address)
        return self.has_browser

    def close(self) -> None:
        self._send.close()
        self._receive.close()

    async def next(self) -> str:
        """The address of the next window that opens."""
        with anyio.fail_after(20):
            return await self._receive.receive()

    async def look(self, address: str) -> str:
        """The page's text as it is served."""
        async with browser_session() as browser:
            return (await browser.get(address)).text

    async def click(self, address: str, decision: Decision, number: str = "") -> str:
        """Load the page, decide, and return the next page."""
        answer = await post(address, {"view": await self.view(address), "decision": decision, "number": number})
        if answer.status_code == 303:
            return await self.look(address)
        return answer.text

    async def view(self, address: str) -> str:
        found = re.search(r'name="view" value="([^"]+)"', await self.look(address))
        return unescape(found[1]) if found else ""

    async def approve(self) -> str:
        """Wait for the next window and approve there, with the number that it asks for."""
        address = await self.next()
        asked = re.search(r'<label for="number">(.*)</label>', await self.look(address))
        shown = unescape(re.sub("<[^>]*>", "", asked[1])).split()[-1] if asked else ""
        return await self.click(address, "approve", shown.strip("“”"))

    async def decide(self, decision: Decision, number: str = "") -> str:
        """Wait for the next window and decide there."""
        return await self.click(await self.next(), decision, number)


@asynccontextmanager
async def a_desk(*, has_browser: bool = True) -> AsyncGenerator[Desk]:
    """With its windows closed at the end."""
    desk = Desk(has_browser=has_browser)
    try:
        yield desk
    finally:
        desk.close()


async def post(address: str, form: dict[str, str], **headers: str) -> httpx.Response:
    """A form sent from the page itself, unless `headers` say otherwise; an empty one is left out."""
    parts = urlsplit(address)
    sent = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with browser_session() as browser:
        return await browser.post(address, data=form, headers={name: value for name, value in sent.items() if value})


async def both(one: Awaitable[_Result], other: Awaitable[Any]) -> _Result:
    """Run both at the same time; the result of the first."""
    results: list[_Result] = []

    async def first() -> None:
        results.append(await one)

    async def second() -> None:
        await other

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(first)
            group.start_soon(second)
    return results[0]


Modes = Literal["form", "url", ""]
"""The modes of elicitation that a client declares."""


def declare(monkeypatch: pytest.MonkeyPatch, modes: Modes) -> None:
    """Make clients declare these modes. The SDK's own client always declares both, or none."""
    form = types.FormElicitationCapability() if modes == "form" else None
    url = types.UrlElicitationCapability() if modes == "url" else None
    found = types.ElicitationCapability(form=form, url=url) if modes else None

    def capabilities(session: object, version: str) -> types.ClientCapabilities:
        return types.ClientCapabilities(elicitation=found)

    monkeypatch.setattr("mcp.client.session.ClientSession._build_capabilities", capabilities)


Way = Literal["result", "request", "page"]


@dataclass(frozen=True)
class Kind:
    """A kind of client and how it is connected; `way` is how a person is asked there."""

    name: str
    era: Literal["2026-07-28", "legacy"]
    way: Way
    declares: bool = True
    answers: bool = True
    http: Literal["", "json", "stateless", "stateless json"] = ""


KINDS = (
    Kind("2026 with elicitation", "2026-07-28", "result"),
    Kind("2026 without elicitation", "2026-07-28", "page", declares=False),
    Kind("2026 that declares but never answers", "2026-07-28", "page", answers=False),
    Kind("older with elicitation", "legacy", "request"),
    Kind("older without elicitation", "legacy", "page", declares=False),
    Kind("older that declares but never answers", "legacy", "page", answers=False),
    Kind("json_response HTTP, 2026 with elicitation", "2026-07-28", "result", http="json"),
    Kind("json_response HTTP, 2026 without elicitation", "2026-07-28", "page", declares=False, http="json"),
    Kind("json_response HTTP, older with elicitation", "legacy", "page", http="json"),
    Kind("stateless HTTP, 2026 with elicitation", "2026-07-28", "result", http="stateless"),
    Kind("stateless HTTP, older with elicitation", "legacy", "page", http="stateless"),
    Kind("stateless json_response HTTP, older", "legacy", "page", http="stateless json"),
)


async def never(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Declares that it shows questions, and does not."""
    await anyio.sleep_forever()
    raise AssertionError


@asynccontextmanager
async def connected(kind: Kind, server: Server[ServerContext], elicit: ElicitationFnT) -> AsyncGenerator[Client]:
    """A client of this kind for a server."""
    callback = (elicit if kind.answers else never) if kind.declares else None
    if not kind.http:
        async with Client(server, mode=kind.era, elicitation_callback=callback) as client:
            yield client
        return
    async with served(server, kind.http) as url:
        try:
            async with Client(url, mode=kind.era, elicitation_callback=callback) as client:
                yield client
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the SDK's client stumbles over the answer to a call that it took back, if that comes while it closes


class _Loopback(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def served(server: Server[ServerContext], http: str) -> AsyncGenerator[str]:
    """A server over streamable HTTP on loopback."""
    app = server.streamable_http_app(json_response="json" in http, stateless_http="stateless" in http)
    async with serving(app) as address:
        yield f"{address}/mcp"


@asynccontextmanager
async def serving(app: ASGIApp, lifespan: Literal["on", "off"] = "on") -> AsyncGenerator[str]:
    """Any app on loopback."""
    config = uvicorn.Config(app, log_config=None, ws="none", lifespan=lifespan, timeout_graceful_shutdown=1)
    loopback = _Loopback(config)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        async with anyio.create_task_group() as group:
            group.start_soon(loopback.serve, [listener])
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                loopback.should_exit = True


@dataclass
class Told:
    """The progress messages that a client shows for a call."""

    messages: list[str] = field(default_factory=list[str])
    first: anyio.Event = field(default_factory=anyio.Event)

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.messages.append(message or "")
        self.first.set()
