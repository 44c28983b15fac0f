"""Where Zoho sends the browser back to, on this machine: one right answer is taken, anything else refused."""

import errno
import secrets
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.parse import parse_qsl

import anyio
from anyio.abc import ByteStream, Listener, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from zoho_mcp.errors import AuthError, SettingsError
from zoho_mcp.zoho.oauth.login import PATH, Attempt

PATIENCE = 300.0
"""Seconds for a person to log in and say yes."""
_LONGEST_HEAD = 16_384
_LONGEST_REQUEST = 10.0
_PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>zoho-invoice-mcp</title>"
    "<body style='font:1.1em sans-serif;max-width:32em;margin:4em auto'><p>{}</p></body></html>"
)


async def redirected(attempt: Attempt, open_browser: Callable[[], Coroutine[Any, Any, object]]) -> Mapping[str, str]:
    """The query Zoho sends the browser back with. Raises SettingsError (no port) or AuthError (nobody came)."""
    found: dict[str, str] = {}
    done = anyio.Event()

    async def handle(stream: ByteStream) -> None:
        async with stream:
            with anyio.move_on_after(_LONGEST_REQUEST), suppress(anyio.BrokenResourceError):
                await stream.send(_answer(await _target(stream), attempt, found))
        if found:
            done.set()

    listeners = await _listen(attempt.port)
    async with AsyncExitStack() as stack:
        for listener in listeners:
            await stack.enter_async_context(listener)
        async with anyio.create_task_group() as group:
            for listener in listeners:
                group.start_soon(listener.serve, handle)
            group.start_soon(open_browser)
            with anyio.move_on_after(PATIENCE):
                await done.wait()
            group.cancel_scope.cancel()
    if not found:
        raise AuthError(f"Nobody said yes within {PATIENCE / 60:.0f} minutes.", "Run login again.")
    return found


async def _listen(port: int) -> list[Listener[SocketStream]]:
    """Both loopback addresses: `localhost` can mean either, and no other program is to sit on the second."""
    found: list[Listener[SocketStream]] = []
    for host in ("127.0.0.1", "::1"):
        try:
            found.append(await anyio.create_tcp_listener(local_host=host, local_port=port))
        except OSError as problem:
            if found and problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # A machine without IPv6.
            for listener in found:
                await listener.aclose()
            raise SettingsError(
                f"Port {port} of this machine cannot be used: {problem.strerror or problem}.",
                "End the program that uses it, or choose another with --port, and register that address with Zoho too.",
            ) from problem
    return found


async def _target(stream: ByteStream) -> str:
    """What is asked for, empty when it is no request for a page."""
    try:
        head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", _LONGEST_HEAD)
        method, target, _ = head.split(b"\r\n")[0].decode("ascii").split(" ")
    except (anyio.IncompleteRead, anyio.DelimiterNotFound, ValueError):
        return ""
    return target if method == "GET" else ""


def _answer(target: str, attempt: Attempt, found: dict[str, str]) -> bytes:
    """The page for a request; the first one that belongs to the attempt fills `found`."""
    path, _, text = target.partition("?")
    query = dict(parse_qsl(text))
    if path != PATH or found:
        return _page("404 Not Found", "There is nothing here.")
    if not secrets.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
        return _page("400 Bad Request", "This does not belong to the login that is under way.")
    found |= query
    if "code" not in query:
        return _page("200 OK", "Zoho did not grant access. You can close this page; the terminal says more.")
    return _page("200 OK", "Thank you. You can close this page and go back to the terminal.")


def _page(status: str, text: str) -> bytes:
    body = _PAGE.format(text).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; "
        "style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
