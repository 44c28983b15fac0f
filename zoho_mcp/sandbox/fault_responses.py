"""The kinds of fault: each gets the request's own answer, if it wants it, and sends something else."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode

from starlette.types import Send

Next: TypeAlias = Callable[[Send], Awaitable[None]]
"""Handles the request as if nothing were wrong, the commit included."""
Sleep: TypeAlias = Callable[[float], Awaitable[None]]
Message: TypeAlias = MutableMapping[str, Any]
_JSON, _HTML = "application/json;charset=UTF-8", "text/html"
_PAGE = b"<html><head><title>Zoho</title></head><body><h1>We will be right back</h1></body></html>"
_MEGABYTE = b" " * 1_000_000


class ConnectionCutError(Exception):
    """The connection must break here. The server of the app has to do it: ASGI has no message for it."""


class Tools(Protocol):
    """The parts of the sandbox that a fault may use."""

    @property
    def revoke(self) -> Callable[[], None]:
        """Revokes every access token."""
        ...

    @property
    def sleep(self) -> Sleep:
        """Waits."""
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `value` is the pattern of what may stand after `=`, `example` one such value."""

    meaning: str
    act: Callable[[Tools, str, Next, Send], Awaitable[None]]
    value: str = ""
    example: str = ""
    rewrite: Callable[[bytes, str], bytes] = lambda query, value: query  # of the query, before the request goes on


async def status(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """A gateway answers; the request goes no further."""
    await _answer(send, int(value), _HTML, _PAGE)


async def status_after(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out, and a gateway answers all the same."""
    await _own_answer(handle)
    await _answer(send, int(value), _HTML, _PAGE)


async def code(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """One of Zoho's refusals for too many requests."""
    await _answer(send, 429, _JSON, json.dumps({"code": int(value), "message": "Blocked on purpose."}).encode())


async def delay(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request waits, then is carried out, even if the client has gone."""
    await tools.sleep(float(value))
    await handle(send)


async def cut_before(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The connection breaks, and nothing was done."""
    raise ConnectionCutError


async def cut_after(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out, then the connection breaks."""
    await _own_answer(handle)
    raise ConnectionCutError


async def half(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The answer breaks off in the middle."""
    start, body = await _own_answer(handle)
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    raise ConnectionCutError


async def broken(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The whole response is sent, and it is not JSON."""
    start, body = await _own_answer(handle)
    await _answer(send, start["status"], _JSON, body[: len(body) * 2 // 3])


async def html(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out, and a web page comes back."""
    await _own_answer(handle)
    await _answer(send, 200, _HTML, _PAGE)


async def redirect(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The client is redirected to another host."""
    await _answer(send, 302, _HTML, b"", location="https://elsewhere.invalid/invoice/v3/invoices")


async def late(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out, and the response comes this many seconds later."""
    start, body = await _own_answer(handle)
    await tools.sleep(float(value))
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def big(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out, and this many megabytes come back."""
    await _own_answer(handle)
    await send(_start(200, _JSON))
    for _ in range(int(value)):
        await send({"type": "http.response.body", "body": _MEGABYTE, "more_body": True})
    await send({"type": "http.response.body", "body": b"{}"})


async def revoke(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """Every access token stops working, this request's first."""
    tools.revoke()
    await handle(send)


async def pass_on(tools: Tools, value: str, handle: Next, send: Send) -> None:
    """The request is carried out as it arrives here."""
    await handle(send)


def without_parameters(query: bytes, value: str) -> bytes:
    """The query without the parameters of these names."""
    ignored = value.split(",")
    kept = [(name, text) for name, text in parse_qsl(query.decode(), keep_blank_values=True) if name not in ignored]
    return urlencode(kept).encode()


_NUMBER, _SECONDS = r"\d+", r"\d+(\.\d+)?"
KINDS: Mapping[str, Kind] = {
    "status": Kind("a gateway returns this status; nothing happens", status, _NUMBER, "503"),
    "status-after": Kind("the change happens, then a gateway returns this status", status_after, _NUMBER, "502"),
    "code": Kind("refused with status 429 and this code: 44, 45 or 1070", code, _NUMBER, "1070"),
    "delay": Kind("a delay in seconds, then a normal response", delay, _SECONDS, "2"),
    "cut-before": Kind("the connection breaks; nothing happens", cut_before),
    "cut-after": Kind("the change happens, then the connection breaks", cut_after),
    "half": Kind("the change happens; the response is cut off", half),
    "broken": Kind("the change happens; the response is not JSON", broken),
    "html": Kind("the change happens; the response is a web page", html),
    "redirect": Kind("a redirect to another host; nothing happens", redirect),
    "late": Kind("the change happens; the response comes this many seconds later", late, _SECONDS, "2"),
    "big": Kind("the change happens; the response has this many megabytes", big, _NUMBER, "50"),
    "ignore": Kind(
        "query parameters of these names are ignored, as Zoho ignores filters it does not know",
        pass_on,
        r"[\w,]+",
        "status,customer_id",
        without_parameters,
    ),
    "revoke": Kind("all access tokens are revoked first", revoke),
}


async def _own_answer(handle: Next) -> tuple[Message, bytes]:
    """The response of the app, which has carried the request out by then."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await handle(keep)
    return messages[0], b"".join(bytes(message.get("body", b"")) for message in messages[1:])


def _start(number: int, media_type: str, **headers: str) -> Message:
    named = {"content-type": media_type, **headers}.items()
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named]
    return {"type": "http.response.start", "status": number, "headers": pairs}


async def _answer(send: Send, number: int, media_type: str, body: bytes, **headers: str) -> None:
    await send(_start(number, media_type, **{"content-length": str(len(body))}, **headers))
    await send({"type": "http.response.body", "body": body})
