"""`doctor`: what works, and what to do about the rest. Changes nothing, here or at Zoho."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.clients import CLIENTS, Client, ConfigurationError, Machine, this_machine
from zoho_mcp.cli.configuration import entries
from zoho_mcp.cli.online import Visit, visit
from zoho_mcp.cli.shared_store import examine
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.private_files import problem_with
from zoho_mcp.server.tools.inventory import chosen
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profile, Profiles, chosen_profile, settings_for
from zoho_mcp.settings.variables import DATA_CENTRES, SETTINGS
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.oauth.cache import accounts_host, cache_for, granted_scopes
from zoho_mcp.zoho.oauth.scopes import covers, needs, usable

_LOOKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "FAILS": ("✗", "bold red")}
SKEW = 60.0
"""Seconds that this machine's clock may be off."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row: how it is, with what, what was found, what to do about it."""

    mark: Literal["ok", "note", "FAILS"]
    what: str
    found: str
    advice: str = ""


_NOT_LOGGED_IN = Finding(
    "FAILS",
    "account",
    "you are not logged in to Zoho",
    "Run `zoho-invoice-mcp login`. To try it without an account: --sandbox, see the README.",
)
_EMBEDDED = Finding(
    "ok",
    "account",
    "none is needed: the chat programs here work on the embedded Zoho",
    "For your own books run `zoho-invoice-mcp login`, then `zoho-invoice-mcp install` without --sandbox.",
)


def doctor(environment: Mapping[str, str]) -> int:
    """Print a table; 1 when something does not work."""
    failures = 0
    for finding in _examine(environment):
        failures += finding.mark == "FAILS"
        sign, style = _LOOKS[finding.mark] if console.decorated() else (f"{finding.mark:6}", "")
        console.block(f"{sign} {finding.what:15} ", finding.found, lead_style=style)
        if finding.advice:
            console.block(" " * (len(sign) + 17) + "-> ", finding.advice, style="bold")
    if console.decorated():
        console.line()
        console.line(*(("Not all is well yet.", "bold red") if failures else ("All is well.", "bold green")))
    return int(failures > 0)


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
            yield _EMBEDDED if _all_embedded(machine) else _NOT_LOGGED_IN
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
    yield from _chat_programs(machine)


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
    yield Finding("ok", "token", f"{kind}; the access token is good for {visited.minutes_left} more minutes")
    home = next((name for name, centre in DATA_CENTRES.items() if centre.api == visited.token.api_domain), None)
    if home and home != settings.data_centre:
        yield Finding("note", "data centre", f"Zoho names {visited.token.api_domain}", f"Set ZOHO_DC={home}.")


def _tools(settings: Settings, catalog: Catalog, tools: Mapping[str, Operation]) -> Iterator[Finding]:
    granted, prefix = granted_scopes(settings), settings.scope_prefix
    count = len(tools)
    if granted is None:
        yield Finding("note", "scopes", f"Zoho does not say which; all {count} tools are offered")
        return
    left_out = [each for each in tools.values() if not usable(each, catalog, prefix, granted)]
    scopes = {prefix + scope for each in left_out for scope in needs(each, catalog)}
    missing = ", ".join(sorted(scope for scope in scopes if not covers(granted, scope)))
    if not left_out:
        yield Finding("ok", "scopes", f"enough for all {count} tools")
        return
    names = ", ".join(each.name for each in left_out)
    yield Finding(
        "note" if len(left_out) < count else "FAILS",
        "scopes",
        f"{count - len(left_out)} of {count} tools are offered; not: {names}",
        f"If you want them, log in again with {missing}.",
    )


def _organization(settings: Settings, visited: Visit) -> Iterator[Finding]:
    if visited.token is None:
        return
    if not settings.organization_id:
        yield Finding("FAILS", "organisation", "none is set", f"Choose one of: {visited.listed or 'not known'}.")
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
        yield Finding("FAILS", "clock", f"this machine's clock is {off}", "Have it set from the network.")
    else:
        yield Finding("ok", "clock", "agrees with Zoho's")
    if visited.remaining is None:
        yield Finding("note", "limits", "Zoho does not say how many requests are left today")
        return
    hours, minutes = divmod(visited.resets_in // 60, 60)
    text = f"{visited.remaining} of {visited.limit} requests left today; all again in {hours} h {minutes} min"
    enough = visited.remaining > 0
    yield Finding("ok" if enough else "FAILS", "limits", text, "" if enough else "Wait, or ask Zoho for a bigger plan.")


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


def _chat_programs(machine: Machine) -> Iterator[Finding]:
    """A row for each program that is installed here."""
    count = 0
    for client in CLIENTS.values():
        try:
            if not client.is_installed(machine):
                continue
            count += 1
            yield _chat_program(client, client.file(machine))
        except ConfigurationError as problem:
            yield Finding("note", client.title, problem.what, problem.next_step)
    if not count:
        titles = ", ".join(client.title for client in CLIENTS.values())
        yield Finding("note", "chat programs", f"none of {titles} was found on this machine")


def _chat_program(client: Client, path: Path) -> Finding:
    ours = _ours(client, path)
    again = f"zoho-invoice-mcp install {client.name}"
    if not ours:
        return Finding("note", client.title, f"{path} does not start this server", again)
    for name, entry in ours.items():
        command = str(entry.get("command", ""))
        if os.path.isabs(command) and not os.path.exists(command):
            return Finding("FAILS", client.title, f"{name} starts {command}, which is not there", again)
        if held := [each.name for each in SETTINGS if each.secret and each.name in _text(entry)]:
            return Finding(
                "note", client.title, f"{name} in {path} holds {' and '.join(held)}, which any program can read",
                "Run `zoho-invoice-mcp login`, then take the variables out of the entry.",
            )  # fmt: skip
    return Finding("ok", client.title, f"starts this server as {', '.join(ours)}")


def _all_embedded(machine: Machine) -> bool:
    """Whether chat programs start this server, and all of them on the embedded Zoho."""
    found: list[str] = []
    for client in CLIENTS.values():
        with suppress(ConfigurationError):
            if client.is_installed(machine):
                found += map(_text, _ours(client, client.file(machine)).values())
    return bool(found) and all("--sandbox" in text or "ZOHO_SANDBOX" in text for text in found)


def _ours(client: Client, path: Path) -> dict[str, Any]:
    return {name: entry for name, entry in entries(client, path).items() if _is_ours(entry)}


def _is_ours(entry: object) -> bool:
    text = _text(entry)
    return text.startswith("{") and any(name in text for name in ("zoho-invoice-mcp", "zoho_mcp.cli"))


def _text(entry: object) -> str:
    # TOML has dates as well.
    return json.dumps(entry, default=str)
