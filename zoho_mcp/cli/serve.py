"""Serves MCP over stdio, for a real account or on the embedded Zoho."""

import logging
import sys
from collections.abc import Mapping

import anyio
from mcp.server.stdio import stdio_server

from zoho_mcp.cli.embedded import embedded
from zoho_mcp.errors import SettingsError
from zoho_mcp.profiles import settings_for
from zoho_mcp.server.app import create_server
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient


def serve(environment: Mapping[str, str], *, sandboxed: bool, file: str | None = None) -> int:
    """Serve until the client closes stdin. `file` keeps the embedded Zoho's books."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="zoho-invoice-mcp: %(levelname)s %(message)s")
    if sandboxed:
        settings, transport = embedded(environment, file)
    else:
        settings, transport = settings_for(environment), None
        if not settings.audit_file:
            raise SettingsError(
                "There is no folder to record changes in: the environment names no home.",
                "Set ZOHO_AUDIT_FILE to a file in a folder that is kept.",
            )
    server = create_server(
        settings, load(settings.product, settings.edition), ZohoClient(settings, transport=transport)
    )

    async def run() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)
    return 0
