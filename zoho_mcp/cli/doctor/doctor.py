"""`doctor`: what works, and how to fix what does not. Changes nothing at Zoho, and here only what you agree to."""

import argparse
import logging
import os
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from zoho_mcp.cli import console
from zoho_mcp.cli.clients.apps import CLIENTS, Client, ConfigurationError, Machine, this_machine
from zoho_mcp.cli.clients.installed import Installed, default_profile, installed, installed_in, offer_to_change
from zoho_mcp.cli.doctor.account import Finding, examine_account, failed
from zoho_mcp.cli.options import PROFILE, SANDBOX, add_option, is_sandboxed
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.profiles import Profiles, chosen_profile
from zoho_mcp.settings.variables import SETTINGS

_LOOKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "FAILS": ("✗", "bold red")}
_COLUMN = 18
"""Characters of what a row is about: no chat app's name is longer."""
_NOT_CONNECTED = Finding(
    "FAILS",
    "account",
    "no Zoho account is connected yet",
    "Run `zoho-invoice-mcp login`. Or ask something in your chat app: a page opens to connect Zoho or try demo data.",
)
_DEMO_APPS = Finding(
    "ok", "account", "not needed: your chat apps use demo data", "For your own books, run `zoho-invoice-mcp login`."
)
_DEMO_SETTING = Finding(
    "ok", "account", "not needed: ZOHO_SANDBOX is true, so the server uses demo data", "For your own books, unset it."
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Which account to look at."""
    command.set_defaults(run=doctor)
    command.description = "Check the setup and say how to fix it. Changes nothing without asking."
    add_option(command, PROFILE, "check this stored login")
    add_option(command, SANDBOX, "check a server on demo data, which needs no account")


def doctor(options: argparse.Namespace) -> int:
    """Print the report; 1 when something does not work."""
    failures = 0
    with _without_log():
        for finding in examine(options.environment, this_machine()):
            failures += finding.mark == "FAILS"
            _show(finding)
    if console.decorated():
        console.line()
        console.line(*(("Something needs fixing: see ✗.", "bold red") if failures else ("All set.", "bold green")))
    if not failures and sys.stdin.isatty() and (profile := _profile_in_use(options.environment)):
        offer_to_change(this_machine(), options.environment, profile)
    return int(failures > 0)


def examine(environment: Mapping[str, str], machine: Machine) -> Iterator[Finding]:
    """A row for each thing that matters: the account, then the chat apps of this machine."""
    try:
        from_environment(environment, account=False)
        names_one = any(environment.get(setting.name) for setting in SETTINGS if setting.required)
        if is_sandboxed(environment):
            yield _DEMO_SETTING
        elif names_one or Profiles.of(environment).names():
            yield from examine_account(environment)
        else:
            apps = list(installed(machine))
            yield _DEMO_APPS if apps and all(one.is_on_demo_data for one in apps) else _NOT_CONNECTED
    except ZohoMcpError as problem:
        yield failed("settings", problem)
    found = [client for client in CLIENTS.values() if _is_installed(client, machine)]
    for client in found:
        try:
            yield _chat_app(client, client.file(machine), environment)
        except ConfigurationError as problem:
            yield Finding("note", client.title, problem.what, problem.next_step)
    if not found:
        yield Finding("note", "chat apps", "none found on this machine", "See `zoho-invoice-mcp install --help`.")


def _show(finding: Finding) -> None:
    sign, style = _LOOKS[finding.mark] if console.decorated() else (f"{finding.mark:6}", "")
    console.block(f"{sign} {finding.about:{_COLUMN}} ", finding.found, lead_style=style)
    if finding.advice:
        console.block(" " * (len(sign) + _COLUMN + 2) + "-> ", finding.advice, style="bold")


@contextmanager
def _without_log() -> Generator[None]:
    """Disables logging: the report contains the same facts."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(disabled)


def _profile_in_use(environment: Mapping[str, str]) -> str:
    """The stored login in use; empty if variables name the account, or it works on the sandbox."""
    try:
        profile = None if is_sandboxed(environment) else chosen_profile(environment, secrets=False)
    except ZohoMcpError:
        return ""
    return profile.name if profile else ""


def _is_installed(client: Client, machine: Machine) -> bool:
    try:
        return client.is_installed(machine)
    except ConfigurationError:
        return True  # There are several; the row says so.


def _chat_app(client: Client, path: Path, environment: Mapping[str, str]) -> Finding:
    ours = installed_in(client, path)
    again = f"zoho-invoice-mcp install {client.name}"
    if not ours:
        return Finding("note", client.title, f"{path} does not start this server", again)
    for one in ours:
        if problem := _problem_of(one, again):
            return problem
    profile = _profile_in_use(environment)
    for one in ours if profile else ():
        if difference := one.difference(profile, default_profile(environment)):
            return Finding("note", client.title, f"{one.name} {difference}", again)
    return Finding("ok", client.title, f"starts this server as {', '.join(one.name for one in ours)}")


def _problem_of(one: Installed, again: str) -> Finding | None:
    title = one.client.title
    command = str(one.entry.get("command", ""))
    if os.path.isabs(command) and not os.path.exists(command):
        return Finding("FAILS", title, f"{one.name} starts {command}, which does not exist", again)
    if held := [each.name for each in SETTINGS if each.secret and each.name in one.text]:
        return Finding(
            "note", title, f"{one.name} in {one.path} holds {' and '.join(held)}, which any program can read",
            "Run `zoho-invoice-mcp login`, then remove the variables from the entry.",
        )  # fmt: skip
    return None
