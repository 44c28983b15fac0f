"""The part of `doctor` about the account: settings, token, scopes, organisation, clock, limits, files and Redis."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.doctor.visit import Visit, visit
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.private_files import problem_with
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profile, chosen_profile, settings_for
from zoho_mcp.settings.values import is_loopback
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.zoho.oauth.cache import accounts_host, cache_for, grant_name, granted_scopes
from zoho_mcp.zoho.oauth.scopes import covers, needs, usable

SKEW = 60.0
"""Seconds that this machine's clock may be off."""
Mark = Literal["ok", "note", "FAILS"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the report: its mark, what it is about, what was found, and how to fix it."""

    mark: Mark
    about: str
    """Stable, and the row's heading: `token`, `scopes`, …, or a chat app's title."""
    found: str
    advice: str = ""


def failed(about: str, problem: ZohoMcpError) -> Finding:
    """The row of something that raised an error."""
    return Finding("FAILS", about, problem.what.removeprefix("Settings: "), problem.next_step)


def examine_account(environment: Mapping[str, str]) -> Iterator[Finding]:
    """A row for each part of the account that the environment names. Raises ZohoMcpError for unusable settings."""
    profile = chosen_profile(environment)
    settings = settings_for(environment)
    catalog = load(settings.product, settings.edition)
    tools = chosen(catalog, settings)
    source = f"the stored login {profile.name}, {profile.path}" if profile else "environment variables"
    yield Finding("ok", "settings", f"from {source}")
    accounts = accounts_host(settings).removeprefix("https://")
    yield Finding("ok", "data centre", f"{DATA_CENTRES[settings.data_centre].name}, {accounts}")
    with console.busy("Asking Zoho"):
        visited = anyio.run(visit, settings, catalog)
    yield from _token(settings, visited)
    yield _scopes(settings, catalog, tools)
    if visited.token is not None:
        yield _organization(settings, visited)
    yield from _clock_and_limits(visited)
    yield from _files(settings, profile)
    if settings.redis_url.get_secret_value():
        try:
            yield anyio.run(_redis, settings)
        except ZohoMcpError as problem:
            yield failed("redis", problem)


def _token(settings: Settings, visited: Visit) -> Iterator[Finding]:
    if visited.token is None:
        yield failed("token", visited.token_problem or ZohoMcpError("There is none."))
        return
    login = "Self Client without a user" if settings.soid else "login"
    yield Finding("ok", "token", f"Zoho accepts the {login}; a new token is due in {visited.minutes_left} minutes")
    home = next((name for name, centre in DATA_CENTRES.items() if centre.api == visited.token.api_domain), None)
    if home and home != settings.data_centre:
        yield Finding("note", "data centre", f"Zoho names {visited.token.api_domain}", f"Set ZOHO_DC={home}.")


def _scopes(settings: Settings, catalog: Catalog, tools: Mapping[str, Operation]) -> Finding:
    granted, prefix, count = granted_scopes(settings), settings.scope_prefix, len(tools)
    if granted is None:
        return Finding("note", "scopes", f"Zoho does not say which were granted; all {count} tools are offered")
    left_out = [each for each in tools.values() if not usable(each, catalog, prefix, granted)]
    if not left_out:
        return Finding("ok", "scopes", f"sufficient for all {count} tools")
    scopes = {prefix + scope for each in left_out for scope in needs(each, catalog)}
    missing = ", ".join(sorted(scope for scope in scopes if not covers(granted, scope)))
    names = ", ".join(each.name for each in left_out)
    return Finding(
        "note" if len(left_out) < count else "FAILS",
        "scopes",
        f"{count - len(left_out)} of {count} tools are offered; the scopes do not cover {names}",
        f"To get them, log in again with {missing}.",
    )


def _organization(settings: Settings, visited: Visit) -> Finding:
    if not settings.organization_id:
        return Finding("FAILS", "organisation", "not set", f"Choose one of: {visited.listed or 'not known'}.")
    if problem := visited.organization_problem:
        return Finding("FAILS", "organisation", f"{settings.organization_id}: {problem.what}", problem.next_step)
    named = [f"{visited.names.get(number, '')} ({number})".strip() for number in visited.numbers]
    return Finding("ok", "organisation", ", ".join(named))


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
    text = f"{visited.remaining} of {visited.limit} requests are left; the day ends in {hours} h {minutes} min"
    enough = visited.remaining > 0
    yield Finding("ok" if enough else "FAILS", "limits", text, "" if enough else "Wait, or upgrade your Zoho plan.")


def _files(settings: Settings, profile: Profile | None) -> Iterator[Finding]:
    cache = cache_for(settings)
    paths = [path for path in (profile.path if profile else None, cache.path if cache else None) if path]
    problems = [problem for path in paths for part in (path.parent, path) if (problem := problem_with(part))]
    for problem in problems:
        yield Finding("FAILS", "files", *problem.split("; ", 1))
    if not problems:
        yield Finding("ok", "files", "only you can read the stored login and the token")


async def _redis(settings: Settings) -> Finding:
    """Never shows the user and the password of the address. Raises SettingsError where redis is not installed."""
    from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, host_of

    url = settings.redis_url.get_secret_value()
    where, link = host_of(url), Connection(url, grant_name(settings))
    try:
        await link.run("connection", "", [])
        memory = await link.command("INFO", "memory")
    except RedisUnavailableError as problem:
        advice = "Check ZOHO_REDIS_URL; see docs/replicas.md."
        return Finding("FAILS", "redis", f"{where} cannot be used ({problem})", advice)
    finally:
        await link.aclose()
    if memory.get("maxmemory_policy", "noeviction") != "noeviction":
        found, advice = f"{where} evicts keys when memory is short", "Set maxmemory-policy noeviction."
    elif url.startswith("redis://") and not is_loopback(where.rpartition(":")[0]):
        found = f"the connection to {where} is not encrypted"
        advice = "Use rediss:// unless the network is private."
    else:
        return Finding("ok", "redis", f"{where} answers")
    return Finding("note", "redis", found, advice)
