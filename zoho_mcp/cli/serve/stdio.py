"""Serves MCP over stdio, for a Zoho account or on the sandbox. Without a command, this is what the program does."""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server

from zoho_mcp.cli.options import MEMORY, is_sandboxed
from zoho_mcp.cli.serve.answering import AnsweringStream
from zoho_mcp.connect.organizations import numbered
from zoho_mcp.errors import SettingsError
from zoho_mcp.pages.browser import OpenBrowser, open_browser
from zoho_mcp.server.app import create_server
from zoho_mcp.server.context import ServerContext
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import has_account, settings_for
from zoho_mcp.specs.load import load
from zoho_mcp.telemetry.logging import announce
from zoho_mcp.telemetry.setup import set_up
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import PLANS

if TYPE_CHECKING:
    from zoho_mcp.connect.serving import ConnectServer
    from zoho_mcp.replicas.replicas import Replicas


_WAITING = "waiting for a chat app (see `install`); `demo` shows what it does. Ctrl-C stops it."


def serve(options: argparse.Namespace) -> int:
    """Serve until the client closes stdin. Raises SettingsError."""
    try:
        server = server_for(options.environment, file=options.sandbox)
    finally:
        gc.freeze()
        gc.enable()
    # The SDK puts something else in the place of stdin.
    by_hand = sys.stdin.isatty()

    async def run() -> None:
        interrupted = _noting_interrupts()
        async with stdio_server() as (incoming, outgoing):
            if by_hand:
                announce(_WAITING)
            try:
                readable: Any = AnsweringStream(incoming, outgoing)
                changing = NotificationOptions(tools_changed=True)
                await server.run(readable, outgoing, server.create_initialization_options(changing))
            finally:
                if interrupted:
                    # The server has stopped and closed its connections. The thread that waits for stdin cannot be
                    # woken: a tidy return would wait for one more line of input.
                    os._exit(130)

    anyio.run(run)
    return 0


def server_for(environment: Mapping[str, str], *, file: str | None = None) -> Server[ServerContext]:
    """The server for the account that the environment names.

    On the sandbox, and where there is no account, it offers to connect one. Raises SettingsError.
    """
    set_up(from_environment(environment, account=False), environment)
    if is_sandboxed(environment) or not has_account(environment):
        return offering_server(environment, file=file, demo=is_sandboxed(environment))
    return _created(environment, file=file)


def offering_server(
    environment: Mapping[str, str],
    *,
    file: str | None = None,
    demo: bool = False,
    browser: OpenBrowser = open_browser,
    page: "ConnectServer | None" = None,
    wait: float | None = None,
) -> Server[ServerContext]:
    """A server on no books yet, or on the `demo` data, that offers to connect an account. Raises SettingsError."""
    # None of it is for a server that has its account.
    from zoho_mcp.connect.account import stored_owner
    from zoho_mcp.connect.not_connected import WAIT, offering
    from zoho_mcp.connect.serving import ConnectServer
    from zoho_mcp.connect.switch import Account, BooksSwitch
    from zoho_mcp.sandbox.credentials import CREDENTIALS

    on_sandbox, on_account = {**environment, "ZOHO_SANDBOX": "true"}, {**environment, "ZOHO_SANDBOX": ""}
    account = Account(partial(stored_owner, on_account), partial(_created, on_account))
    switch = BooksSwitch(CREDENTIALS.organization_name, account, demo=demo)
    page = page or ConnectServer(on_account)
    return offering(_created(on_sandbox, file=file), switch, page, browser, wait=WAIT if wait is None else wait)


def _created(environment: Mapping[str, str], *, file: str | None = None) -> Server[ServerContext]:
    settings, client, replicas = connected(environment, file=file)
    return create_server(settings, load(settings.product, settings.edition), client, shared=replicas)


def connected(
    environment: Mapping[str, str], *, file: str | None = None
) -> "tuple[Settings, ZohoClient, Replicas | None]":
    """The settings, the client for the account they name or for the sandbox, and what replicas of this server share.

    `file` keeps the sandbox's books, MEMORY or None: they end with the process. Raises SettingsError.
    """
    if is_sandboxed(environment):
        from zoho_mcp.cli.local_sandbox import sandboxed

        settings, transport = sandboxed(environment, None if file == MEMORY else file)
    else:
        settings, transport = settings_for(environment), None
        if not settings.audit_file:
            raise SettingsError(
                "There is no folder for the record of changes: HOME is not set.",
                "Set ZOHO_AUDIT_FILE to a file that is kept.",
            )
    settings = numbered(settings, transport)
    # Requests to the sandbox must not use up the limits of the real account.
    counted_in = "" if settings.is_sandbox else settings.limits_file
    replicas = _replicas(settings)
    if replicas is not None:
        client = ZohoClient(settings, transport=transport, limiter=replicas.limiter, tokens=replicas.tokens)
    else:
        limiter = Limiter(PLANS[settings.plan], Path(counted_in) if counted_in else None, clock=time.time)
        client = ZohoClient(settings, transport=transport, limiter=limiter)
    return settings, client, replicas


def _replicas(settings: Settings) -> "Replicas | None":
    if not settings.redis_url.get_secret_value():
        return None
    from zoho_mcp.replicas.replicas import Replicas

    return Replicas(settings, time.time)


def _noting_interrupts() -> list[int]:
    """A list that gets an element when the user presses Ctrl-C, which then does what it did before."""
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, note)
    return interrupts
