"""Takes this server out of a program's configuration again, and nothing else."""

import argparse
import sys
from pathlib import Path

from zoho_mcp.cli.clients import CLIENTS, ConfigurationError, Machine, this_machine
from zoho_mcp.cli.configuration import removing
from zoho_mcp.cli.install import PROGRAM, agreed


def uninstall(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Carry out `uninstall`; 0 done or nothing to do, 1 not."""
    client = CLIENTS[options.client]
    try:
        given = Path(options.file).expanduser().absolute() if options.file else None
        path = given or client.file(machine or this_machine())
        change = removing(client, path, options.name)
        if change.before == change.after:
            print(f"{client.title} has no server {options.name}: nothing to change in {path}.")
            return 0
        if not agreed(change, assume_yes=options.yes):
            return 1
    except ConfigurationError as problem:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return 1
    afterwards = f"Start {client.title} anew, so that it notices. {client.caution}".rstrip()
    print(f"{client.title} no longer has the server {options.name}. {afterwards}")
    return 0
