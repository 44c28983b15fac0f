"""Enters this server in the configuration of a program people chat in: shows the change, asks, keeps a copy."""

import argparse
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from zoho_mcp import __version__
from zoho_mcp.cli import console
from zoho_mcp.cli.clients import CLIENTS, Client, ConfigurationError, Machine, this_machine
from zoho_mcp.cli.command_line import MEMORY
from zoho_mcp.cli.configuration import NOTATIONS, Change, adding
from zoho_mcp.errors import SettingsError
from zoho_mcp.server.tools.inventory import offered
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import SETTINGS
from zoho_mcp.specs.load import load

PROGRAM = "zoho-invoice-mcp"
_CHOICES = ("toolsets", "tools", "exclude_tools")
_UV_CACHE = ("archive-v0", "environments-v2")
_CACHES = (".cache", "Cache", "Caches", *_UV_CACHE)
"""Folders whose content may be cleared away at any time: `uvx` and `pipx run` start programs from there."""


def install(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Carry out `install`; 0 done, 1 not. Raises SettingsError for a wrong setting."""
    machine = machine or this_machine()
    if options.client is None and options.sandbox in CLIENTS:
        # `install --sandbox cursor`: the name was taken for the sandbox's file.
        options.client, options.sandbox = options.sandbox, MEMORY
    client = CLIENTS[options.client] if options.client else None
    try:
        entry = _entry(client, options)
        if options.print:
            print(_printed(client, options.name, entry))
            return 0
        if client is None:
            raise ConfigurationError(
                "Say which program to install it in.", f"One of {', '.join(CLIENTS)}; for any other, --print."
            )
        return _enter(client, _file(client, options, machine), options, entry)
    except ConfigurationError as problem:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return 1


def _file(client: Client, options: argparse.Namespace, machine: Machine) -> Path:
    if options.file:
        return Path(options.file).expanduser().absolute()
    path = client.file(machine)
    if not options.force and not client.is_installed(machine):
        raise ConfigurationError(
            f"{client.title} does not seem to be installed: there is no {client.folder(machine)}.",
            f"Install it and open it once, then run this again, or add --force to write {path} all the same.",
        )
    return path


def _enter(client: Client, path: Path, options: argparse.Namespace, entry: dict[str, Any]) -> int:
    change = adding(client, path, options.name, entry)
    if change.before == change.after:
        print(f"{client.title} already has the server {options.name}, exactly so: nothing to change in {path}.")
        return 0
    if not agreed(change, assume_yes=options.yes):
        return 1
    afterwards = client.afterwards.format(title=client.title)
    print(f"{client.title} now has the server {options.name}. {afterwards} {client.caution}".rstrip())
    if options.sandbox is None and options.profile is None:
        print(f"If you have not done so yet, log in to Zoho: {PROGRAM} login")
    if held := [setting.name for setting in SETTINGS if setting.secret and setting.name in (change.after or "")]:
        print(f"The file still holds {' and '.join(held)}: with a stored login they can be taken out.")
    return 0


def agreed(change: Change, *, assume_yes: bool) -> bool:
    """Show a change, ask, and make it; False when nobody said yes."""
    for line in change.diff().splitlines():
        console.line(line.expandtabs(4), {"+": "green", "-": "red"}.get(line[:1], "dim"))
    if not assume_yes:
        try:
            answer = input("\nMake this change? [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            print("Nothing was changed.")
            return False
    backup = change.make(datetime.now())
    if backup is not None:
        print(f"A copy of the old file is {backup}.")
    return True


def _entry(client: Client | None, options: argparse.Namespace) -> dict[str, Any]:
    """What a configuration says about this server."""
    command, first = command_line(Path(sysconfig.get_path("scripts")), Path(sys.prefix), published=_is_published())
    entry: dict[str, Any] = {"type": "stdio"} if client is not None and client.typed else {}
    entry |= {"command": command, "args": [*first, *_arguments(options)]}
    environment = _environment(options.env)
    _check(options, environment)
    return {**entry, "env": environment} if environment else entry


def _arguments(options: argparse.Namespace) -> list[str]:
    if options.sandbox is not None and options.profile is not None:
        raise SettingsError("--sandbox and --profile exclude each other.")
    arguments: list[str] = []
    if options.sandbox is not None:
        # The client starts the server in a folder of its own choice.
        file = [] if options.sandbox == MEMORY else [os.path.abspath(Path(options.sandbox).expanduser())]
        arguments += ["--sandbox", *file]
    for option in ("profile", *_CHOICES):
        value = getattr(options, option)
        arguments += ["--" + option.replace("_", "-"), value] if value is not None else []
    return [*arguments, "--read-only"] if options.read_only else arguments


def _environment(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE`s for the entry, checked; a secret is refused: these files are copied, synchronised and shown."""
    known = {setting.name: setting for setting in SETTINGS}
    environment: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in known:
            raise SettingsError(f"--env {name}: there is no such setting.", f"There are {', '.join(known)}.")
        if known[name].secret:
            raise SettingsError(
                f"--env {name}: a secret does not belong into this file.",
                f"Store it with {PROGRAM} login, and install with --profile.",
            )
        environment[name] = value
    return environment


def _check(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raise SettingsError for what would stop the server when the client starts it, where nobody reads its message."""
    chosen = {f"ZOHO_{option.upper()}": getattr(options, option) or "" for option in _CHOICES}
    settings = from_environment({**chosen, **environment}, account=False)
    offered(load(settings.product, settings.edition), settings)


def command_line(scripts: Path, prefix: Path, *, published: bool) -> tuple[str, list[str]]:
    """The absolute path that starts this very installation, and what has to come before any argument.

    `published`: it came from the package index, so that uvx would get the same by name and version.
    """
    if any(part in _CACHES for part in prefix.parts):
        uvx = shutil.which("uvx")
        if uvx and published and any(part in _UV_CACHE for part in prefix.parts):
            return os.path.abspath(uvx), [f"{PROGRAM}@{__version__}"]
        raise ConfigurationError(
            "This runs from a cache that may be cleared.", f"First: uv tool install {PROGRAM}, or pipx install."
        )
    if found := shutil.which(PROGRAM, path=str(scripts)) or shutil.which(PROGRAM):
        return os.path.abspath(found), []
    return sys.executable, ["-m", "zoho_mcp.cli.main"]


def _is_published() -> bool:
    """Whether an index has this package: an installation from a folder, a file or an address leaves a note of that."""
    try:
        return metadata.distribution(PROGRAM).read_text("direct_url.json") is None
    except metadata.PackageNotFoundError:
        return False


def _printed(client: Client | None, name: str, entry: dict[str, Any]) -> str:
    """The entry as it would be in an empty file, to be copied by hand."""
    notation, key = (NOTATIONS[client.notation], client.key) if client else (NOTATIONS["json"], "mcpServers")
    try:
        return notation.put("", key, name, entry).rstrip("\n")
    except ValueError:
        return json.dumps({key: {name: entry}}, indent=2, ensure_ascii=False)
