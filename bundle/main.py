"""Starts the server of an unpacked bundle. It is told everything through environment variables."""

import os
import sys

from zoho_mcp.cli.main import main

for name, value in list(os.environ.items()):
    # Claude Desktop passes a field that was left empty as its own placeholder.
    if name.startswith("ZOHO_") and value.startswith("${"):
        del os.environ[name]

sys.exit(main([]))
