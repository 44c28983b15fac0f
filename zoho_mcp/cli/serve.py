"""Serves MCP over stdio, for a real account or on the embedded Zoho."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import anyio
from mcp.server.stdio import stdio_server

from zoho_mcp.cli.embedded import embedded
from zoho_mcp.server.app import create_server
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.limits import PLANS, Limiter


def serve(*, sandboxed: bool, file: str | None = None) -> int:
    """Serve until the client closes stdin. `file` keeps the embedded Zoho's books."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="zoho-invoice-mcp: %(levelname)s %(message)s")
    if sandboxed:
        settings, transport = embedded(os.environ, file)
    else:
        settings, transport = from_environment(os.environ), None
    limiter = Limiter(PLANS[settings.plan], limits_file(settings, os.environ), clock=time.time)
    client = ZohoClient(settings, transport=transport, limiter=limiter)
    server = create_server(settings, load(settings.product, settings.edition), client)

    async def run() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)
    return 0


def limits_file(settings: Settings, environment: Mapping[str, str]) -> Path | None:
    """Where all processes of a user count their requests; None for a Zoho on this machine, which nobody else asks."""
    state = environment.get("XDG_STATE_HOME") or environment.get("LOCALAPPDATA", "")
    home = environment.get("HOME", "")
    if settings.api_url.startswith("http://") or not (state or home):
        return None
    return (Path(state) if state else Path(home) / ".local" / "state") / "zoho-invoice-mcp" / "limits.db"
