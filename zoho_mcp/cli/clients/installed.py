"""The entries of this server that chat apps have: which books they work on, and an offer to change that."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import agree
from zoho_mcp.cli.clients.apps import CLIENTS, Client, ConfigurationError, Entry, Machine
from zoho_mcp.cli.clients.configuration import Change, adding, entries
from zoho_mcp.errors import SettingsError
from zoho_mcp.settings.profiles import Profiles


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry of this server in a chat app's file."""

    client: Client
    path: Path
    name: str
    entry: Entry

    @property
    def text(self) -> str:
        """The entry as JSON; TOML and YAML know dates as well."""
        return json.dumps(self.entry, default=str)

    @property
    def arguments(self) -> list[str]:
        """The arguments that the app starts the server with."""
        found: Any = self.entry.get("args")
        if not isinstance(found, list):
            found = self.entry.get("command")
        return [str(part) for part in cast("list[object]", found)] if isinstance(found, list) else []

    @property
    def is_on_demo_data(self) -> bool:
        """Whether it works on the sandbox."""
        return "--sandbox" in self.arguments or '"ZOHO_SANDBOX": "true"' in self.text

    @property
    def profile(self) -> str:
        """The stored login it names; empty: the default one."""
        return next((value for flag, value in pairwise(self.arguments) if flag == "--profile"), "")

    def difference(self, profile: str, default: str) -> str:
        """How it differs from a server with all tools on this stored login; empty when it does not."""
        if self.is_on_demo_data:
            return "works on demo data, not on your books"
        if (self.profile or default) != profile:
            return f"uses the stored login {self.profile or default}, not {profile}"
        is_read_only = "--read-only" in self.arguments or '"ZOHO_READ_ONLY": "true"' in self.text
        return "is read-only: it cannot change anything" if is_read_only else ""

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
    found = [
        Installed(client, path, name, cast(Entry, entry))
        for name, entry in entries(client, path).items()
        if isinstance(entry, dict)
    ]
    return [one for one in found if "zoho-invoice-mcp" in one.text or "zoho_mcp.cli" in one.text]


def default_profile(environment: Mapping[str, str]) -> str:
    """The stored login that a server uses when none is named; empty when there is none or it is not clear."""
    try:
        return Profiles.of(environment).default_name()
    except SettingsError:
        return ""


def offer_to_change(machine: Machine, environment: Mapping[str, str], profile: str) -> list[Installed]:
    """Name the entries that differ and, on a terminal, ask about each; the entries that are on `profile` in the end."""
    default = default_profile(environment)
    fine: list[Installed] = []
    for one in installed(machine):
        difference = one.difference(profile, default)
        if not difference or _changed(one, difference, profile, default):
            fine.append(one)
    return fine


def _changed(one: Installed, difference: str, profile: str, default: str) -> bool:
    console.line(f"{one.client.title}: {one.name} {difference}.", "yellow")
    again = f"zoho-invoice-mcp install {one.client.name}" + (f" --profile {profile}" if profile != default else "")
    try:
        change = one.changed_to(profile, default)
        if change is None or not sys.stdin.isatty():
            console.line(f"To change that: {again}")
            return False
        if not agree(f"Change it to the stored login {profile}, with all tools?"):
            return False
        change.make(datetime.now())
    except ConfigurationError as problem:
        console.line(str(problem))
        return False
    console.line(f"Changed. {one.client.afterwards}", "green")
    return True


def _without(arguments: list[str], *flags: str) -> list[str]:
    """The arguments without these flags and their values."""
    found: list[str] = []
    dropping = False
    for argument in arguments:
        dropping = argument in flags or (dropping and not argument.startswith("--"))
        if not dropping:
            found.append(argument)
    return found
