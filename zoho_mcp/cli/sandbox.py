"""Serves the embedded Zoho on loopback and prints the settings that point a server at it."""

import shlex
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn

from zoho_mcp.cli.embedded import environment_for, open_app
from zoho_mcp.errors import SettingsError
from zoho_mcp.sandbox.faults import ConnectionCutError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def serve_sandbox(
    port: int, file: str | None, *, faults: Sequence[str] = (), limits: str = "", control: bool = False
) -> int:
    """Serve until interrupted. Port 0 takes any free one; 1 when the port is taken."""
    app = open_app(file, faults=faults, limits=_limits(limits), control=control)
    # Without the protocol's number asyncio does not switch Nagle's algorithm off, which costs some answers 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as problem:
        print(f"zoho-invoice-mcp: port {port} cannot be used: {problem}. Choose another with --port.", file=sys.stderr)
        return 1
    for name, value in environment_for(f"http://127.0.0.1:{listener.getsockname()[1]}").items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    config = uvicorn.Config(with_cuts(app), log_level="warning", lifespan="off", date_header=False)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def with_cuts(app: "ASGIApp") -> "ASGIApp":
    """The app, served by uvicorn, whose ConnectionCutError closes the connection with nothing more sent."""

    async def serve(scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            await app(scope, receive, send)
        except ConnectionCutError:
            # ASGI cannot say it; uvicorn's `send` belongs to the object that holds the connection.
            send.__self__.transport.close()  # type: ignore[attr-defined]
            while (await receive())["type"] != "http.disconnect":
                pass

    return serve


def _limits(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")] if text else []
    except ValueError:
        numbers = [0]
    if len(numbers) not in (0, 3) or any(number < 1 for number in numbers):
        raise SettingsError(f"--limits {text} must be three numbers: per minute, per day, at once.")
    return numbers
