"""The entries of this server that chat apps already have: which books they work on, and how to change that."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from zoho_mcp.cli.clients.apps import CLIENTS
from zoho_mcp.cli.clients.configuration import Change, adding, entries
from zoho_mcp.cli.clients.model import Client, ConfigurationError, Entry, Machine


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry of this server in a chat app's file."""

    client: Client
    path: Path
    name: str
    entry: Entry

    @property
    def arguments(self) -> list[str]:
        """The arguments that the app starts the server with."""
        found: Any = self.entry.get("args")
        if not isinstance(found, list):
            found = self.entry.get("command")
        parts = cast("list[object]", found) if isinstance(found, list) else []
        return [str(part) for part in parts]

    @property
    def is_on_demo_data(self) -> bool:
        """Whether it works on the sandbox."""
        text = as_text(self.entry)
        return "--sandbox" in self.arguments or '"ZOHO_SANDBOX": "true"' in text

    @property
    def is_read_only(self) -> bool:
        """Whether it offers only tools that change nothing."""
        return "--read-only" in self.arguments or '"ZOHO_READ_ONLY": "true"' in as_text(self.entry)

    @property
    def profile(self) -> str:
        """The stored login it names; empty: the default one."""
        arguments = self.arguments
        at = arguments.index("--profile") + 1 if "--profile" in arguments else len(arguments)
        return arguments[at] if at < len(arguments) else ""

    def difference(self, profile: str, default: str) -> str:
        """How it differs from a server with all tools on this stored login; empty when it does not."""
        if self.is_on_demo_data:
            return "works on demo data, not on your books"
        if (self.profile or default) != profile:
            return f"uses the stored login {self.profile or default}, not {profile}"
        return "is read-only: it cannot change anything" if self.is_read_only else ""

    def changed_to(self, profile: str, default: str) -> Change | None:
        """The change that puts it on this stored login with all tools; None where that is not an argument."""
        if self.entry.get("args") != self.arguments:
            return None
        wanted = _without(self.arguments, "--sandbox", "--profile", "--read-only")
        wanted += ["--profile", profile] if profile != default else []
        if wanted == self.arguments:
            return None
        return adding(self.client, self.path, self.name, {**self.entry, "args": wanted})


def installed(machine: Machine) -> Iterator[Installed]:
    """Every entry of this server in the apps of this machine; files that cannot be read are skipped."""
    for client in CLIENTS.values():
        try:
            if client.is_installed(machine):
                yield from installed_in(client, client.file(machine))
        except ConfigurationError:
            continue


def installed_in(client: Client, path: Path) -> list[Installed]:
    """The entries of this server in one file. Raises ConfigurationError."""
    found: list[Installed] = []
    for name, entry in entries(client, path).items():
        text = as_text(entry)
        if isinstance(entry, dict) and any(mark in text for mark in ("zoho-invoice-mcp", "zoho_mcp.cli")):
            found.append(Installed(client, path, name, cast(Entry, entry)))
    return found


def as_text(entry: object) -> str:
    """An entry as JSON; TOML and YAML know dates as well."""
    return json.dumps(entry, default=str)


def _without(arguments: list[str], *flags: str) -> list[str]:
    """The arguments without these flags and their values."""
    found: list[str] = []
    dropping = False
    for argument in arguments:
        dropping = argument in flags or (dropping and not argument.startswith("--"))
        if not dropping:
            found.append(argument)
    return found
