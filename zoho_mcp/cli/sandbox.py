"""`sandbox`: serves the sandbox on this machine and prints the settings that point a server at it."""

import argparse
import shlex
import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.requests import ClientDisconnect

from zoho_mcp.cli.console import complain, note, verbatim
from zoho_mcp.cli.local_sandbox import environment_for, open_app
from zoho_mcp.cli.options import MEMORY
from zoho_mcp.errors import SettingsError
from zoho_mcp.sandbox.faults import ConnectionCutError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_FAREWELL = 1
"""Seconds for responses on their way when it is told to stop; a fault can delay one forever."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Where it is served, where its books are, and what goes wrong on purpose."""
    command.set_defaults(run=serve_sandbox)
    command.usage = "%(prog)s [options]"
    command.description = "Run the sandbox, a practice Zoho on this computer, and print the settings to reach it."
    command.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    command.add_argument("--file", default=MEMORY, metavar="FILE", help="keep the books in FILE (default: in memory)")
    command.add_argument("--fault", action="append", default=[], metavar="RULE",
                         help="fail on purpose: [METHOD ]PATH:KIND[=VALUE][:TIMES], e.g. 'POST /invoices:cut-after:3'; "
                         "can be repeated, see docs/limits.md")  # fmt: skip
    command.add_argument("--limits", default="", metavar="MINUTE,DAY,AT_ONCE",
                         help="request limits per minute, per day and at once (default: the free plan's)")  # fmt: skip
    command.add_argument("--control", action="store_true", help="let programs set faults, at /sandbox/faults")


def serve_sandbox(options: argparse.Namespace) -> int:
    """Serve until interrupted; 1 when the port is taken."""
    file = None if options.file == MEMORY else options.file
    app = open_app(file, faults=options.fault, limits=_limits(options.limits), control=options.control)
    # Without the protocol's number asyncio does not switch Nagle's algorithm off, which costs some answers 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", options.port))
        listener.listen()  # A client that is quicker than uvicorn waits instead of being refused.
    except (OSError, OverflowError) as problem:
        complain(f"port {options.port} cannot be used: {problem}. Choose another with --port.")
        return 1
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    note(f"The sandbox is served at {url}. These settings point a program at it, for example in another terminal:")
    for name, value in environment_for(url).items():
        verbatim(f"export {name}={shlex.quote(value)}")
    note("Ctrl-C stops it.")
    config = uvicorn.Config(
        with_cuts(app), log_level="warning", lifespan="off", date_header=False, timeout_graceful_shutdown=_FAREWELL
    )
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
        except ClientDisconnect:
            pass  # The client was gone before its whole request was here: there is nothing to carry out.

    return serve


def _limits(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")] if text else []
    except ValueError:
        numbers = [0]
    if len(numbers) not in (0, 3) or any(number < 1 for number in numbers):
        raise SettingsError(f"--limits must be three numbers, per minute, per day and at once, not {text}.")
    return numbers
