"""`login`: from a client of Zoho's API console to a profile that the server starts with."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
from pydantic import SecretStr

from zoho_mcp.approval_page.browser import open_browser
from zoho_mcp.cli import console
from zoho_mcp.cli.asking import ask, ask_secret, choose
from zoho_mcp.cli.profiles import connection, described, with_organization
from zoho_mcp.cli.redirect import PATIENCE, redirected
from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.server.tools.inventory import chosen
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import DEFAULT, Profile, Profiles, settings_of, token_folder
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.oauth import login as token_login
from zoho_mcp.zoho.oauth.cache import cache_for
from zoho_mcp.zoho.oauth.scopes import LIST_ORGANIZATIONS, wanted
from zoho_mcp.zoho.oauth.tokens import TokenSource


def login(environment: Mapping[str, str], options: argparse.Namespace) -> int:
    """Log in and keep the profile; 0 when the server can start with it and knows its organisation."""
    profiles = Profiles.of(environment)
    name = environment.get("ZOHO_PROFILE", "").strip() or DEFAULT
    before = _before(environment, profiles, name)
    settings = _granted(options, _client(options, environment, before))
    # From here on the grant is kept, whatever happens to this process.
    profile = profiles.save(_with_earlier(_profile(name, settings), profiles, before))
    try:
        profile = with_organization(profile, settings, options.organization or settings.soid.rpartition(".")[2])
    except ZohoMcpError as problem:
        kept = (
            f"with the organisation as before, {profile.organization_id}" if profile.organization_id else "without one"
        )
        console.complain(f"logged in, but the organisation could not be looked up: {kept}. {problem}")
    profiles.save(profile)
    _forget_token(before, settings)
    console.line(f"Logged in: {described(profile)}", "bold green")
    console.line(f"Kept in {profile.path}, the secrets in {'the keyring' if profile.in_keyring else 'the same file'}.")
    if not profile.organization_id:
        console.line(f"Set the organisation with: zoho-invoice-mcp profiles {name} --organization NUMBER")
    return 0 if profile.organization_id else 1


def _before(environment: Mapping[str, str], profiles: Profiles, name: str) -> Settings | None:
    """The settings of the profile that will be replaced; None when it is new or cannot be used."""
    if not profiles.path_of(name).exists():
        return None
    try:
        return settings_of(environment, name)
    except SettingsError:
        return None


def _forget_token(before: Settings | None, after: Settings) -> None:
    cache = cache_for(before) if before else None
    kept = cache_for(after)
    if cache and kept and cache.path != kept.path:
        cache.forget()


def _profile(name: str, settings: Settings) -> Profile:
    return Profile(
        name=name,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        refresh_token=settings.refresh_token,
        data_centre=settings.data_centre,
        product=settings.product,
        soid=settings.soid,
        scopes=settings.scopes,
        api_url=settings.api_url,
        accounts_url=settings.accounts_url,
    )


def _with_earlier(profile: Profile, profiles: Profiles, before: Settings | None) -> Profile:
    """The profile with the organisation that it had, where it is of the same client and product."""
    if before is None or (before.client_id, before.product) != (profile.client_id, profile.product):
        return profile
    earlier = profiles.load(profile.name, secrets=False)
    return replace(profile, organization_id=earlier.organization_id, organization_name=earlier.organization_name)


def _client(options: argparse.Namespace, environment: Mapping[str, str], before: Settings | None) -> Settings:
    """Settings without a grant: client, data centre, product and hosts, from options, variables and questions.

    The client that the profile had until now is used again unless another is named.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    wanted_id = options.client_id or given.get("ZOHO_CLIENT_ID", "")
    if before and wanted_id in ("", before.client_id):
        console.line("Using the client that this profile has.")
        given = _same_client(before) | given
    if options.dc or "ZOHO_DC" not in given:
        given["ZOHO_DC"] = options.dc or _data_centre(given)
    if options.product:
        given["ZOHO_PRODUCT"] = options.product
    if options.client_id:
        given["ZOHO_CLIENT_ID"] = options.client_id
    if "ZOHO_CLIENT_ID" not in given:
        given["ZOHO_CLIENT_ID"] = ask("Client id", "Type it, or give --client-id or ZOHO_CLIENT_ID.")
    if "ZOHO_CLIENT_SECRET" not in given:
        given["ZOHO_CLIENT_SECRET"] = ask_secret("Client secret", "Type it, or set ZOHO_CLIENT_SECRET.")
    values = {name: value for name, value in given.items() if name not in ("ZOHO_SOID", "ZOHO_SCOPES")}
    settings = from_environment(values | {"ZOHO_REFRESH_TOKEN": "to come"})
    return replace(settings, refresh_token=SecretStr(""), token_cache=token_folder(environment))


def _same_client(before: Settings) -> dict[str, str]:
    found = {
        "ZOHO_CLIENT_ID": before.client_id,
        "ZOHO_CLIENT_SECRET": before.client_secret.get_secret_value(),
        "ZOHO_DC": before.data_centre,
        "ZOHO_PRODUCT": before.product,
        "ZOHO_API_URL": before.api_url,
        "ZOHO_ACCOUNTS_URL": before.accounts_url,
    }
    return {name: value for name, value in found.items() if value}


def _data_centre(given: Mapping[str, str]) -> str:
    if not sys.stdin.isatty() or "ZOHO_ACCOUNTS_URL" in given:
        return "us"
    rows = [f"{centre.name} ({centre.accounts.removeprefix('https://')})" for centre in DATA_CENTRES.values()]
    return list(DATA_CENTRES)[choose("Where you log in to Zoho", rows, "Name it with --dc.")]


def _port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise SettingsError(f"There is no port {port}.", "Give --port a number from 1 to 65535.")
    return port


def _scopes(options: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    """Exactly those of the tools that the settings choose, and what looks up the organisations."""
    catalog = load(settings.product)
    found = wanted(chosen(catalog, settings).values(), catalog)
    if not options.organization:
        found.add(LIST_ORGANIZATIONS)
    return tuple(sorted(settings.scope_prefix + scope for scope in found))


def _granted(options: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with what Zoho granted."""
    scopes = _scopes(options, settings)
    if options.client_credentials:
        return _without_user(options, settings, scopes)
    if options.code is not None:
        return anyio.run(_exchanged, settings, options.code or _self_client_code(scopes))
    return anyio.run(_by_browser, settings, scopes, _port(options.port), not options.no_browser)


def _self_client_code(scopes: tuple[str, ...]) -> str:
    console.line("At the API console, on the Self Client's tab “Generate Code”, enter these scopes:")
    console.address(",".join(scopes))
    return ask_secret("The code it shows", "Type it, or give it with --code.")


def _without_user(options: argparse.Namespace, settings: Settings, scopes: tuple[str, ...]) -> Settings:
    soid = options.soid or (settings.scope_prefix + options.organization if options.organization else "")
    if not soid:
        raise SettingsError("--soid is missing.", "Give product and organisation, as in --soid ZohoInvoice.10234695.")
    values = {"ZOHO_CLIENT_ID": "-", "ZOHO_CLIENT_SECRET": "-", "ZOHO_SOID": soid, "ZOHO_SCOPES": ",".join(scopes)}
    settings = replace(settings, soid=from_environment(values).soid, scopes=scopes)

    async def first() -> Settings:
        with console.busy("Asking Zoho for a token"):
            async with connection(settings) as http:
                await TokenSource(settings, lambda: http).current()
                return settings

    return anyio.run(first)


async def _by_browser(settings: Settings, scopes: tuple[str, ...], port: int, browser: bool) -> Settings:
    attempt = token_login.Attempt(port)
    address = token_login.address(settings, attempt, scopes)
    console.line(f"The client in Zoho's API console has to have this redirect address: {attempt.redirect_uri}")
    console.line("Log in and accept in the browser. If none opens, open this address:")
    console.address(address)
    with console.busy(f"Waiting for your yes in the browser, {PATIENCE / 60:.0f} minutes at most; Ctrl-C gives up"):
        query = await redirected(attempt, partial(open_browser, address) if browser else anyio.lowlevel.checkpoint)
    code, accounts = token_login.answered(settings, query)
    if centre := token_login.data_centre_of(accounts):
        settings = replace(settings, data_centre=centre, accounts_url="")
    return await _exchanged(settings, code, attempt, scopes)


async def _exchanged(
    settings: Settings, code: str, attempt: token_login.Attempt | None = None, scopes: tuple[str, ...] = ()
) -> Settings:
    with console.busy("Asking Zoho for the tokens"):
        async with connection(settings) as http:
            return await token_login.exchange(lambda: http, settings, code, attempt, scopes)
