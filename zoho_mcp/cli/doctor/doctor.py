"""`doctor`: what works, and how to fix what does not. Changes nothing at Zoho, and here only what you agree to."""

import argparse
import logging
import os
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.clients.apps import CLIENTS, Client, ConfigurationError, Machine, this_machine
from zoho_mcp.cli.clients.installed import Installed, default_profile, installed, installed_in, offer_to_change
from zoho_mcp.cli.doctor.redis import examine
from zoho_mcp.cli.doctor.visit import Visit, visit
from zoho_mcp.cli.options import PROFILE, add_option
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.private_files import problem_with
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profile, Profiles, chosen_profile, settings_for
from zoho_mcp.settings.variables import DATA_CENTRES, SETTINGS
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.oauth.cache import accounts_host, cache_for, granted_scopes
from zoho_mcp.zoho.oauth.scopes import covers, needs, usable

_LOOKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "FAILS": ("✗", "bold red")}
_COLUMN = 18
"""Characters of what a row is about: no chat app's name is longer."""
SKEW = 60.0
"""Seconds that this machine's clock may be off."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the report: its mark, what it is about, what was found, and how to fix it."""

    mark: Literal["ok", "note", "FAILS"]
    what: str
    found: str
    advice: str = ""


_NOT_LOGGED_IN = Finding(
    "FAILS",
    "account",
    "you are not logged in to Zoho",
    "Run `zoho-invoice-mcp login`, or ask something in your chat app: a page opens to connect Zoho or try demo data.",
)
_DEMO_ONLY = Finding(
    "ok",
    "account",
    "not needed: the chat apps on this machine use demo data",
    "For your own books, run `zoho-invoice-mcp login`.",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Which login to look at."""
    command.set_defaults(run=doctor)
    add_option(command, PROFILE, default=argparse.SUPPRESS)


def doctor(options: argparse.Namespace) -> int:
    """Print the report; 1 when something does not work."""
    failures = 0
    with _without_log():
        for finding in _examine(options.environment):
            failures += finding.mark == "FAILS"
            _show(finding)
    if console.decorated():
        console.line()
        console.line(
            *(("Something does not work yet.", "bold red") if failures else ("Everything works.", "bold green"))
        )
    if not failures and sys.stdin.isatty() and (profile := _profile_in_use(options.environment)):
        offer_to_change(this_machine(), options.environment, profile)
    return int(failures > 0)


def _show(finding: Finding) -> None:
    sign, style = _LOOKS[finding.mark] if console.decorated() else (f"{finding.mark:6}", "")
    console.block(f"{sign} {finding.what:{_COLUMN}} ", finding.found, lead_style=style)
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
    """The stored login in use; empty if variables name the account."""
    try:
        profile = chosen_profile(environment, secrets=False)
    except ZohoMcpError:
        return ""
    return profile.name if profile else ""


def _examine(environment: Mapping[str, str]) -> Iterator[Finding]:
    machine = this_machine()
    try:
        profile = chosen_profile(environment)
        settings = settings_for(environment)
        catalog = load(settings.product, settings.edition)
        tools = chosen(catalog, settings)
    except ZohoMcpError as problem:
        if _names_an_account(environment):
            yield _failed("settings", problem)
        else:
            yield _DEMO_ONLY if _all_on_demo_data(machine) else _NOT_LOGGED_IN
    else:
        where = f"profile {profile.name}, {profile.path}" if profile else "environment variables"
        yield Finding("ok", "settings", where)
        accounts = accounts_host(settings).removeprefix("https://")
        yield Finding("ok", "data centre", f"{DATA_CENTRES[settings.data_centre].name}, {accounts}")
        with console.busy("Asking Zoho"):
            visited = anyio.run(visit, settings, catalog)
        yield from _token(settings, visited)
        yield from _tools(settings, catalog, tools)
        yield from _organization(settings, visited)
        yield from _clock_and_limits(visited)
        yield from _files(settings, profile)
        yield from _redis(settings)
    yield from _chat_apps(machine, environment)


def _names_an_account(environment: Mapping[str, str]) -> bool:
    variables = any(environment.get(setting.name) for setting in SETTINGS if setting.required)
    return variables or bool(Profiles.of(environment).names())


def _failed(what: str, problem: ZohoMcpError) -> Finding:
    return Finding("FAILS", what, problem.what.removeprefix("Settings: "), problem.next_step)


def _token(settings: Settings, visited: Visit) -> Iterator[Finding]:
    if visited.token is None:
        yield _failed("token", visited.token_problem or ZohoMcpError("There is none."))
        return
    kind = "Self Client without a user" if settings.soid else "refresh token accepted"
    yield Finding("ok", "token", f"{kind}; the access token is valid for {visited.minutes_left} more minutes")
    home = next((name for name, centre in DATA_CENTRES.items() if centre.api == visited.token.api_domain), None)
    if home and home != settings.data_centre:
        yield Finding("note", "data centre", f"Zoho names {visited.token.api_domain}", f"Set ZOHO_DC={home}.")


def _tools(settings: Settings, catalog: Catalog, tools: Mapping[str, Operation]) -> Iterator[Finding]:
    granted, prefix = granted_scopes(settings), settings.scope_prefix
    count = len(tools)
    if granted is None:
        yield Finding("note", "scopes", f"Zoho does not say which were granted; all {count} tools are offered")
        return
    left_out = [each for each in tools.values() if not usable(each, catalog, prefix, granted)]
    scopes = {prefix + scope for each in left_out for scope in needs(each, catalog)}
    missing = ", ".join(sorted(scope for scope in scopes if not covers(granted, scope)))
    if not left_out:
        yield Finding("ok", "scopes", f"sufficient for all {count} tools")
        return
    names = ", ".join(each.name for each in left_out)
    yield Finding(
        "note" if len(left_out) < count else "FAILS",
        "scopes",
        f"{count - len(left_out)} of {count} tools are offered; the scopes do not cover {names}",
        f"To get them, log in again with {missing}.",
    )


def _organization(settings: Settings, visited: Visit) -> Iterator[Finding]:
    if visited.token is None:
        return
    if not settings.organization_id:
        yield Finding("FAILS", "organisation", "not set", f"Choose one of: {visited.listed or 'not known'}.")
    elif visited.organization_problem:
        problem = visited.organization_problem
        yield Finding("FAILS", "organisation", f"{settings.organization_id}: {problem.what}", problem.next_step)
    else:
        named = ", ".join(f"{visited.names.get(number, '')} ({number})".strip() for number in visited.numbers)
        yield Finding("ok", "organisation", f"{named} {'answer' if len(visited.numbers) > 1 else 'answers'}")


def _clock_and_limits(visited: Visit) -> Iterator[Finding]:
    if visited.skew is None:
        return
    off = f"{abs(visited.skew):.0f} s {'behind' if visited.skew > 0 else 'ahead of'} Zoho's"
    if abs(visited.skew) > SKEW:
        yield Finding("FAILS", "clock", f"this machine's clock is {off}", "Set it from the network.")
    else:
        yield Finding("ok", "clock", "matches Zoho's")
    if visited.remaining is None:
        yield Finding("note", "limits", "Zoho does not say how many requests are left today")
        return
    hours, minutes = divmod(visited.resets_in // 60, 60)
    text = f"{visited.remaining} of {visited.limit} requests left today; reset in {hours} h {minutes} min"
    enough = visited.remaining > 0
    yield Finding("ok" if enough else "FAILS", "limits", text, "" if enough else "Wait, or upgrade your Zoho plan.")


def _files(settings: Settings, profile: Profile | None) -> Iterator[Finding]:
    cache = cache_for(settings)
    paths = [path for path in (profile.path if profile else None, cache.path if cache else None) if path]
    problems = [problem for path in paths for part in (path.parent, path) if (problem := problem_with(part))]
    for problem in problems:
        yield Finding("FAILS", "files", *problem.split("; ", 1))
    if not problems:
        yield Finding("ok", "files", "only this user can read the profile and the token")


def _redis(settings: Settings) -> Iterator[Finding]:
    if not settings.redis_url.get_secret_value():
        return
    try:
        works, found, advice = examine(settings)
    except ZohoMcpError as problem:
        yield _failed("redis", problem)
    else:
        yield Finding("FAILS" if not works else "note" if advice else "ok", "redis", found, advice)


def _chat_apps(machine: Machine, environment: Mapping[str, str]) -> Iterator[Finding]:
    """A row for each chat app that is installed here."""
    count = 0
    for client in CLIENTS.values():
        try:
            if not client.is_installed(machine):
                continue
            count += 1
            yield _chat_app(client, client.file(machine), environment)
        except ConfigurationError as problem:
            yield Finding("note", client.title, problem.what, problem.next_step)
    if not count:
        yield Finding("note", "chat apps", "no supported chat app was found on this machine")


def _chat_app(client: Client, path: Path, environment: Mapping[str, str]) -> Finding:
    ours = installed_in(client, path)
    again = f"zoho-invoice-mcp install {client.name}"
    if not ours:
        return Finding("note", client.title, f"{path} does not start this server", again)
    for one in ours:
        if problem := _problem_of(one, again):
            return problem
    names = ", ".join(one.name for one in ours)
    profile = _profile_in_use(environment)
    for one in ours if profile else ():
        if difference := one.difference(profile, default_profile(environment)):
            return Finding("note", client.title, f"{one.name} {difference}", again)
    return Finding("ok", client.title, f"starts this server as {names}")


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


def _all_on_demo_data(machine: Machine) -> bool:
    """Whether chat apps start this server, and all of them on the sandbox."""
    found = list(installed(machine))
    return bool(found) and all(one.is_on_demo_data for one in found)
