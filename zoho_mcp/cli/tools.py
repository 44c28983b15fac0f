"""Lists the tools that a server with these settings would offer, and what they cost a model."""

from collections.abc import Mapping

from zoho_mcp.cli.embedded import environment_for
from zoho_mcp.server.inventory import offered
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.lint import tool_size
from zoho_mcp.specs.load import load

BYTES_PER_TOKEN = 4.4
"""Measured on this server's own tools/list with OpenAI's o200k vocabulary; other models differ a little."""


def list_tools(environment: Mapping[str, str]) -> int:
    """Print a line per tool and the total; needs no account. Raises SettingsError for a name that does not exist."""
    account = {name: "0" for name in environment_for("http://127.0.0.1") if name.endswith(("ID", "SECRET", "TOKEN"))}
    settings = from_environment({**account, **environment})
    operations = offered(load(settings.product, settings.edition), settings).values()
    print(f"{'tool':32} {'toolset':20} {'effect':8} {'bytes':>6} {'tokens':>7}")
    for operation in operations:
        size = tool_size(operation)
        print(f"{operation.name:32} {operation.toolset:20} {operation.effect:8} {size:6,} {_tokens(size):7,}")
    total = sum(tool_size(operation) for operation in operations)
    print(f"{len(operations):3} tools {'':55} {total:6,} {_tokens(total):7,}")
    return 0


def _tokens(size: int) -> int:
    return round(size / BYTES_PER_TOKEN)
