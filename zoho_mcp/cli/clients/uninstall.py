"""`uninstall`: removes this server from a chat app's configuration, and nothing else."""

import argparse
from pathlib import Path

from zoho_mcp.cli import console
from zoho_mcp.cli.clients.apps import CLIENTS, Machine, this_machine
from zoho_mcp.cli.clients.configuration import removing
from zoho_mcp.cli.clients.install import add_file_options, carried_out, find


def add_options(command: argparse.ArgumentParser) -> None:
    """Which app, which entry, and how to change the file."""
    command.set_defaults(run=uninstall)
    command.description = "Remove the server from a chat app. Asks first, and keeps a copy of the app's file."
    command.add_argument("client", metavar="CLIENT", help=f"the chat app: {', '.join(CLIENTS)}")
    add_file_options(command)


def uninstall(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Remove the entry; 0 done or nothing to do, 1 not. Raises ConfigurationError."""
    client = find(options.client)
    machine = machine or this_machine()
    path = Path(options.file).expanduser().absolute() if options.file else client.file(machine)
    change = removing(client, path, options.name)
    if change.before == change.after:
        console.line(f"{client.title} has no server {options.name}. Nothing to change in {path}.")
        return 0
    console.line(f"Removes the server {options.name} from {client.title}.")
    remove = client.own.remove if client.own and not options.file else []
    own = [options.name if word == "{name}" else word for word in remove]
    if not carried_out(client, change, options, machine, own):
        return 1
    console.line(f"{client.title} no longer has the server {options.name}.", "bold green")
    console.line(f"Next: restart {client.title}. {client.caution}".rstrip())
    return 0
