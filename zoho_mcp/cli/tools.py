"""`tools`: lists the tools that a server with these settings would offer, and what they cost a model."""

import argparse

from zoho_mcp.cli import console
from zoho_mcp.cli.options import PROFILE, TOOL_OPTIONS, add_option
from zoho_mcp.server.tools.offered import offered
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.specs.check import BYTES_PER_TOKEN, tool_size
from zoho_mcp.specs.load import load

_COLOURS = {"read": "green", "write": "cyan", "send": "yellow", "destroy": "red"}


def add_options(command: argparse.ArgumentParser) -> None:
    """Which tools to list."""
    command.set_defaults(run=list_tools)
    command.usage = "%(prog)s [options]"
    command.description = "List the tools that the assistant gets, and the tokens that each takes in a chat."
    for option in (PROFILE, *TOOL_OPTIONS):
        add_option(command, option)


def list_tools(options: argparse.Namespace) -> int:
    """Print a line per tool and the total; needs no account. Raises SettingsError for a name that does not exist."""
    settings = settings_for(options.environment, account=False)
    operations = offered(load(settings.product, settings.edition), settings).values()
    rows = [_row(each.name, each.toolset, each.effect, tool_size(each)) for each in operations]
    rows.append(_row(f"{len(operations)} tools", "", "", sum(map(tool_size, operations))))
    console.table(("tool", "toolset", "effect", "bytes", "tokens"), rows, numbers=(3, 4), colours=_COLOURS)
    return 0


def _row(tool: str, toolset: str, effect: str, size: int) -> tuple[str, ...]:
    return tool, toolset, effect, f"{size:,}", f"{round(size / BYTES_PER_TOKEN):,}"
