"""Serves MCP over stdio, for a real account or on the embedded Zoho."""

import logging
import os
import sys

import anyio
from mcp.server.stdio import stdio_server

from zoho_mcp.cli.embedded import embedded
from zoho_mcp.profiles import settings_for
from zoho_mcp.server.app import create_server
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient


def serve(*, sandboxed: bool, file: str | None = None, profile: str = "") -> int:
    """Serve until the client closes stdin. `file` keeps the embedded Zoho's books."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="zoho-invoice-mcp: %(levelname)s %(message)s")
    if sandboxed:
        settings, transport = embedded(os.environ, file)
    else:
        settings, transport = settings_for(os.environ, profile), None
    server = create_server(
        settings, load(settings.product, settings.edition), ZohoClient(settings, transport=transport)
    )

    async def run() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)
    return 0
