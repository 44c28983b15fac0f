"""`install`: adds this server to a chat app's configuration. Says what will change, asks, and keeps a copy."""

import argparse
import json
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import agree
from zoho_mcp.cli.clients import own_command
from zoho_mcp.cli.clients.apps import CLIENTS
from zoho_mcp.cli.clients.configuration import NOTATIONS, Change, adding, entries
from zoho_mcp.cli.clients.entry import entry_of, server_of
from zoho_mcp.cli.clients.model import Client, ConfigurationError, Entry, Local, Machine, Remote, this_machine
from zoho_mcp.cli.options import MEMORY, PROFILE, TOOL_OPTIONS, add_option
from zoho_mcp.settings.profiles import has_account
from zoho_mcp.settings.variables import SETTINGS


def add_options(command: argparse.ArgumentParser) -> None:
    """Which app, what its entry says, and how to change the file."""
    command.set_defaults(run=install)
    command.add_argument("client", nargs="?", metavar="CLIENT", help=f"the chat app: {', '.join(CLIENTS)}")
    command.add_argument("--sandbox", nargs="?", const=MEMORY, default=argparse.SUPPRESS, metavar="FILE",
                         help="use the sandbox with demo data; FILE keeps the demo books")  # fmt: skip
    command.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                         help="a setting for the entry, but not a secret; can be repeated")  # fmt: skip
    for option in (PROFILE, *TOOL_OPTIONS):
        add_option(command, option, default=argparse.SUPPRESS)
    command.add_argument("--url", default="", help="connect to a server over HTTP instead of starting one")
    command.add_argument("--token-env", default="", metavar="NAME",
                         help="with --url: the environment variable that holds the access token")  # fmt: skip
    command.add_argument("--print", action="store_true", help="only print the entry, for any other app")
    command.add_argument("--link", action="store_true",
                         help="only print a link that adds the entry (cursor, vscode, lm-studio, goose)")  # fmt: skip
    command.add_argument("--force", action="store_true", help="write the file even if the app seems not installed")
    add_file_options(command)


def add_file_options(command: argparse.ArgumentParser) -> None:
    """What `install` and `uninstall` have in common."""
    command.add_argument("--name", default="zoho-invoice", help="name of the entry (default: zoho-invoice)")
    command.add_argument("--file", metavar="PATH", help="the configuration file, if it is not in the usual place")
    command.add_argument("--diff", action="store_true", help="show the lines of the file that change")
    command.add_argument("--yes", action="store_true", help="do not ask")


def install(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Add the entry; 0 done, 1 not. Raises SettingsError for a wrong setting, ConfigurationError for a wrong file."""
    if options.client is None and options.sandbox in CLIENTS:
        # `install --sandbox cursor`: argparse took the name for the sandbox's file.
        options.client, options.sandbox = options.sandbox, MEMORY
    client = find(options.client) if options.client else None
    server = server_of(options)
    entry = entry_of(client, server, options.name)
    if options.link:
        console.verbatim(_link(client, options.name, server, entry))
        return 0
    if options.print:
        console.verbatim_block(_printed(client, options.name, entry))
        return 0
    if client is None:
        raise ConfigurationError("Which chat app?", f"Name one of {', '.join(CLIENTS)}; for any other, use --print.")
    machine = machine or this_machine()
    return _add(client, machine, _file(client, options, machine), options, server, entry)


def find(name: str) -> Client:
    """The chat app of this name. Raises ConfigurationError, with a similar name if there is one."""
    if name in CLIENTS:
        return CLIENTS[name]
    near = get_close_matches(name.lower().replace(" ", "-"), [*CLIENTS], 1, 0.5)
    hint = f"Did you mean {near[0]}?" if near else f"The names: {', '.join(CLIENTS)}; for any other app, use --print."
    raise ConfigurationError(f"Unknown chat app {name}.", hint)


def _file(client: Client, options: argparse.Namespace, machine: Machine) -> Path:
    if options.file:
        return Path(options.file).expanduser().absolute()
    path = client.file(machine)
    if not options.force and not client.is_installed(machine):
        raise ConfigurationError(
            f"{client.title} does not seem to be installed: there is no {client.folder(machine)}.",
            f"Install it and open it once, then run this again, or add --force to write {path} anyway.",
        )
    return path


def _add(
    client: Client, machine: Machine, path: Path, options: argparse.Namespace, server: Local | Remote, entry: Entry
) -> int:
    is_new = options.name not in entries(client, path)
    change = adding(client, path, options.name, entry)
    if change.before == change.after:
        console.line(f"{client.title} already has exactly this server {options.name}. Nothing to change in {path}.")
        return 0
    own = None
    if is_new and not options.file:
        own = own_command.to_add(client, machine, change.before, options.name, server, entry)
    verb = "Adds" if is_new else "Changes"
    does = f"starts `{_shell([server.command, *server.arguments])}`" if isinstance(server, Local) else server.url
    console.line(f"{verb} the server {options.name} in {client.title}: {does}")
    if not carried_out(client, change, options, own):
        return 1
    console.line(f"{client.title} now has the server {options.name}.", "bold green")
    console.line(f"Next: {client.afterwards.format(title=client.title)} {client.caution}".rstrip())
    if isinstance(server, Local) and options.sandbox is None and not has_account(machine.environment):
        console.line("Your first question opens a page in the browser: connect your Zoho there, or try demo data.")
    if held := [setting.name for setting in SETTINGS if setting.secret and setting.name in (change.after or "")]:
        console.line(f"The file still holds {' and '.join(held)}. With a stored login they can be removed.", "yellow")
    return 0


def carried_out(
    client: Client, change: Change, options: argparse.Namespace, own: own_command.Run | None = None
) -> bool:
    """Say which file changes, ask, and change it, with the app's own command if there is one; False: nobody agreed."""
    what = "The file is created" if change.before is None else "The rest of the file stays as it is"
    what = "The file is deleted: `install` had created it" if change.after is None else what
    console.line(f"File: {change.path}. {what}.")
    if own is not None:
        console.line(f"By the app's own command: {own}")
    if options.diff:
        for text in change.diff().splitlines():
            console.verbatim(text.expandtabs(4), {"+": "green", "-": "red"}.get(text[:1], "dim"))
    if not options.yes and not agree("Make this change?"):
        console.line("Nothing was changed.")
        return False
    backup = _made(client, change, own)
    if backup is not None:
        console.line(f"A copy of the old file: {backup}")
    return True


def _made(client: Client, change: Change, own: own_command.Run | None) -> Path | None:
    now = datetime.now()
    if own is None:
        return change.make(now)
    backup = change.copy(now)
    if own.succeeds():
        change.settle(client)
        return backup
    console.line("Its own command failed; the file is changed instead.", "yellow")
    return change.make(now)


def _link(client: Client | None, name: str, server: Local | Remote, entry: Entry) -> str:
    if client is None or client.link is None:
        linked = ", ".join(one.name for one in CLIENTS.values() if one.link)
        raise ConfigurationError(f"There are links for {linked}.", "For any other app, use --print.")
    return client.link(name, server, entry)


def _printed(client: Client | None, name: str, entry: Entry) -> str:
    """The entry as it would be in an empty file, to be copied by hand."""
    notation, key = (NOTATIONS[client.notation], client.key) if client else (NOTATIONS["json"], "mcpServers")
    try:
        return notation.put("", key, name, entry).rstrip("\n")
    except ValueError:
        # Without ruamel.yaml: JSON is a YAML value, so these lines can be pasted between others.
        return f"{key}:\n  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}"


def _shell(parts: Sequence[str]) -> str:
    return " ".join(f'"{part}"' if " " in part else part for part in parts)
