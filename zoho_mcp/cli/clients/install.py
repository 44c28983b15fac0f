"""`install`: adds this server to a chat app's configuration. Says what will change, asks, and keeps a copy."""

import argparse
import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import agree
from zoho_mcp.cli.clients.apps import (
    CLIENTS,
    OTHER,
    Client,
    ConfigurationError,
    Entry,
    Local,
    Machine,
    Remote,
    this_machine,
)
from zoho_mcp.cli.clients.configuration import NOTATIONS, Change, adding, entries
from zoho_mcp.cli.clients.server import server_of
from zoho_mcp.cli.options import MEMORY, PROFILE, SANDBOX, TOOL_OPTIONS, add_option
from zoho_mcp.settings.profiles import has_account
from zoho_mcp.settings.variables import SETTINGS
from zoho_mcp.text import did_you_mean

_PATIENCE = 60
"""Seconds for an app's command that changes one file."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Which app, what its entry says, and how to change the file."""
    command.set_defaults(run=install)
    command.usage = "%(prog)s [options] CLIENT"
    command.description = "Add the server to a chat app. Asks first, and keeps a copy of the app's file."
    command.add_argument("client", nargs="?", metavar="CLIENT", help=f"the chat app: {', '.join(CLIENTS)}")
    server = command.add_argument_group("the server it starts")
    for option in (SANDBOX, PROFILE, *TOOL_OPTIONS):
        add_option(server, option)
    server.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                        help="add a setting to the entry, but no secret; can be repeated")  # fmt: skip
    remote = command.add_argument_group("or a server that runs elsewhere")
    remote.add_argument("--url", default="", help="its address")
    remote.add_argument("--token-env", default="", metavar="NAME",
                        help="the environment variable that holds the access token")  # fmt: skip
    add_file_options(command)
    command.add_argument(
        "--force", action="store_true", help="write the file even if the app seems not to be installed"
    )
    command.add_argument("--print", action="store_true", help="only print the entry, to add it by hand")
    command.add_argument("--link", action="store_true",
                         help="only print a link that adds the entry (cursor, vscode, lm-studio, goose)")  # fmt: skip


def add_file_options(command: argparse.ArgumentParser) -> None:
    """What `install` and `uninstall` have in common."""
    command.add_argument("--name", default="zoho-invoice", help="name of the entry (default: zoho-invoice)")
    command.add_argument("--file", metavar="PATH", help="configuration file, if it is not in the usual place")
    command.add_argument("--diff", action="store_true", help="show the lines that change")
    command.add_argument("--yes", action="store_true", help="do not ask")


def install(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Add the entry; 0 done, 1 not. Raises SettingsError for a wrong setting, ConfigurationError for a wrong file."""
    if options.client is None and options.sandbox in CLIENTS:
        # `install --sandbox cursor`: argparse took the name for the sandbox's file.
        options.client, options.sandbox = options.sandbox, MEMORY
    client = find(options.client) if options.client else OTHER
    server = server_of(options)
    entry = client.entry(server, options.name)
    if options.link:
        console.verbatim(client.link_for(options.name, server, entry))
    elif options.print:
        console.verbatim(_printed(client, options.name, entry))
    elif client is OTHER:
        raise ConfigurationError("Which chat app?", f"Name one of {', '.join(CLIENTS)}; for any other, use --print.")
    else:
        machine = machine or this_machine()
        return _add(client, machine, _file(client, options, machine), options, server, entry)
    return 0


def find(name: str) -> Client:
    """The chat app of this name. Raises ConfigurationError, which lists the names."""
    if name in CLIENTS:
        return CLIENTS[name]
    near = did_you_mean(name.replace(" ", "-"), CLIENTS, 0.7)
    known = f"Choose one of {', '.join(CLIENTS)}; for any other app, use --print."
    raise ConfigurationError(f"Unknown chat app {name}.", f"{near} {known}".strip())


def _file(client: Client, options: argparse.Namespace, machine: Machine) -> Path:
    if options.file:
        return Path(options.file).expanduser().absolute()
    path = client.file(machine)
    if not options.force and not client.is_installed(machine):
        raise ConfigurationError(
            f"{client.title} does not seem to be installed: there is no {client.installation(machine)[0]}.",
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
    verb = "Adds" if is_new else "Changes"
    does = f"starts `{_shell([server.command, *server.arguments])}`" if isinstance(server, Local) else server.url
    console.line(f"{verb} the server {options.name} in {client.title}: {does}")
    own = client.own_arguments(options.name, server, entry) if is_new and not options.file else []
    if not carried_out(client, change, options, machine, own):
        return 1
    console.line(f"{client.title} now has the server {options.name}.", "bold green")
    console.line(f"Next: {client.afterwards} {client.caution}".rstrip())
    if isinstance(server, Local) and options.sandbox is None and not has_account(machine.environment):
        console.line("Your first question opens a page in the browser: connect your Zoho there, or try demo data.")
    if held := [setting.name for setting in SETTINGS if setting.secret and setting.name in (change.after or "")]:
        console.line(f"The file still holds {' and '.join(held)}. With a stored login they can be removed.", "yellow")
    return 0


def carried_out(
    client: Client, change: Change, options: argparse.Namespace, machine: Machine, own: Sequence[str]
) -> bool:
    """Show which file changes, ask, and change it, by the app's own command if there is one. False: no consent."""
    what = "The file is created" if change.before is None else "The rest of the file stays as it is"
    what = "The file is deleted: `install` had created it" if change.after is None else what
    console.line(f"File: {change.path}. {what}.")
    command = _own_command(client, change, machine, own)
    if command:
        words = [PurePath(command[0]).stem, *(word for word in command[1:3] if not word.startswith("{"))]
        console.line(f"By the app's own command: {' '.join(words)}")
    if options.diff:
        for text in change.diff().splitlines():
            console.verbatim(text.expandtabs(4), {"+": "green", "-": "red"}.get(text[:1], "dim"))
    if not options.yes and not agree("Make this change?"):
        console.line("Nothing was changed.")
        return False
    if backup := _made(client, change, machine, command):
        console.line(f"A copy of the old file: {backup}")
    return True


def _own_command(client: Client, change: Change, machine: Machine, arguments: Sequence[str]) -> list[str]:
    """The app's own command with these arguments; empty where it is not on the PATH or would write secrets."""
    if client.own is None or not arguments or (client.own.writes_secrets and "$" in (change.before or "")):
        return []
    program = shutil.which(client.own.program, path=machine.environment.get("PATH", ""))
    return [program, *arguments] if program else []


def _made(client: Client, change: Change, machine: Machine, command: Sequence[str]) -> Path | None:
    if not command:
        return change.make(datetime.now())
    backup = change.copy(datetime.now())
    if _succeeds(command, machine):
        change.settle(client)
        return backup
    console.line("Its own command failed; the file is changed instead.", "yellow")
    return change.make(datetime.now())


def _succeeds(command: Sequence[str], machine: Machine) -> bool:
    """Run an app's command. Its output is ignored: the file shows the result."""
    try:
        done = subprocess.run(
            command,
            env=dict(machine.environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _printed(client: Client, name: str, entry: Entry) -> str:
    """The entry as it would be in an empty file, to be copied by hand."""
    try:
        return NOTATIONS[client.notation].put("", client.key, name, entry).rstrip("\n")
    except ValueError:
        # Without ruamel.yaml: JSON is a YAML value, so these lines can be pasted between others.
        return f"{client.key}:\n  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}"


def _shell(parts: Sequence[str]) -> str:
    return " ".join(f'"{part}"' if " " in part else part for part in parts)
