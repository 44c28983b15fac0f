"""The kinds of fault: what is sent instead of the response of a request, and whether the request is carried out."""

import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
"""A message of ASGI."""
Reply: TypeAlias = Callable[[Message, bytes, str], Iterable[Message | None]]
"""From the start and the body of the app's own response (empty if the request is not carried out) and the rule's value:
the messages to send. None breaks the connection."""
_JSON, _HTML = "application/json;charset=UTF-8", "text/html"
_PAGE = b"<html><head><title>Zoho</title></head><body><h1>We will be right back</h1></body></html>"
_MEGABYTE = b" " * 1_000_000


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `value` is the pattern of what may stand after `=`, `example` one such value."""

    meaning: str
    reply: Reply
    value: str = ""
    example: str = ""
    is_carried_out: bool = True


def _start(status: int, media_type: str, **headers: str) -> Message:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http.response.start", "status": status,
        "headers": [(b"content-type", media_type.encode("latin-1")), *pairs],
    }  # fmt: skip


def _body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def _response(status: int, media_type: str, content: bytes, **headers: str) -> list[Message]:
    return [_start(status, media_type, **{"content-length": str(len(content))}, **headers), _body(content)]


def _own(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return [start, _body(body)]


def _gateway(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return _response(int(value), _HTML, _PAGE)


def _cut(start: Message, body: bytes, value: str) -> Iterable[None]:
    return [None]


def _half(start: Message, body: bytes, value: str) -> Iterable[Message | None]:
    return [start, _body(body[: len(body) // 2], more=True), None]


def _code(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return _response(429, _JSON, json.dumps({"code": int(value), "message": "Blocked on purpose."}).encode())


def _broken(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return _response(start["status"], _JSON, body[: len(body) * 2 // 3])


def _html(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return _response(200, _HTML, _PAGE)


def _redirect(start: Message, body: bytes, value: str) -> Iterable[Message]:
    return _response(302, _HTML, b"", location="https://elsewhere.invalid/invoice/v3/invoices")


def _big(start: Message, body: bytes, value: str) -> Iterable[Message]:
    yield _start(200, _JSON)
    for _ in range(int(value)):
        yield _body(_MEGABYTE, more=True)
    yield _body(b"{}")


_NUMBER, _SECONDS = r"\d+", r"\d+(\.\d+)?"
KINDS: Mapping[str, Kind] = {
    "status": Kind("a gateway returns this status; nothing happens", _gateway, _NUMBER, "503", is_carried_out=False),
    "status-after": Kind("the change happens, then a gateway returns this status", _gateway, _NUMBER, "502"),
    "code": Kind("refused with status 429 and this code: 44, 45 or 1070", _code, _NUMBER, "1070", is_carried_out=False),
    "delay": Kind("a delay in seconds, then a normal response", _own, _SECONDS, "2"),
    "cut-before": Kind("the connection breaks; nothing happens", _cut, is_carried_out=False),
    "cut-after": Kind("the change happens, then the connection breaks", _cut),
    "half": Kind("the change happens; the response is cut off", _half),
    "broken": Kind("the change happens; the response is not JSON", _broken),
    "html": Kind("the change happens; the response is a web page", _html),
    "redirect": Kind("a redirect to another host; nothing happens", _redirect, is_carried_out=False),
    "late": Kind("the change happens; the response comes this many seconds later", _own, _SECONDS, "2"),
    "big": Kind("the change happens; the response has this many megabytes", _big, _NUMBER, "50"),
    "ignore": Kind(
        "query parameters of these names are ignored, as Zoho ignores filters it does not know",
        _own,
        r"[\w,]+",
        "status,customer_id",
    ),
    "revoke": Kind("all access tokens are revoked first", _own),
}
