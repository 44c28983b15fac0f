"""Offers to put chat apps that work on other books, or cannot change anything, on a stored login."""

import sys
from collections.abc import Mapping
from datetime import datetime

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import agree
from zoho_mcp.cli.clients.entries import Installed, installed
from zoho_mcp.cli.clients.model import ConfigurationError, Machine
from zoho_mcp.errors import SettingsError
from zoho_mcp.settings.profiles import Profiles


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
        console.line(f"{problem}")
        return False
    console.line(f"Changed. {one.client.afterwards.format(title=one.client.title)}", "green")
    return True
