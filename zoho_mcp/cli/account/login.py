"""`login`: from a client of Zoho's API console to a profile that the server starts with."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
from pydantic import SecretStr

from zoho_mcp.cli import console
from zoho_mcp.cli.account.profiles import described, with_organization
from zoho_mcp.cli.asking import ask, ask_secret, choose
from zoho_mcp.cli.clients.apps import this_machine
from zoho_mcp.cli.clients.installed import default_profile, offer_to_change
from zoho_mcp.cli.options import PROFILE, TOOL_OPTIONS, add_option
from zoho_mcp.connect.account import (
    connection,
    forget_token,
    granted,
    previous_login,
    profile_of,
    scopes_for,
    with_previous_organization,
)
from zoho_mcp.connect.consent import CONSENT_TIMEOUT, consented
from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.pages.browser import open_browser
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import DEFAULT, Profiles, token_folder
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth import login as token_login
from zoho_mcp.zoho.oauth.tokens import TokenSource


def add_options(command: argparse.ArgumentParser) -> None:
    """Which account, what to ask Zoho for, and how to get its consent."""
    command.set_defaults(run=login)
    command.usage = "%(prog)s [options]"
    command.description = "Connect your Zoho account in the browser, and store the login on this computer."
    add_option(command, PROFILE, "store the login under this name (default: default)")
    command.add_argument("--dc", default="", metavar="DC", help=f"where you log in to Zoho: {', '.join(DATA_CENTRES)}")
    command.add_argument("--product", choices=("invoice", "books"), help="the Zoho product you use")
    command.add_argument("--client-id", metavar="ID", help="client id from Zoho's API console; the secret is asked for")
    toolsets, read_only = TOOL_OPTIONS[0], TOOL_OPTIONS[-1]
    add_option(command, read_only, "ask Zoho for permission to read only")
    add_option(command, toolsets, "ask Zoho for the permissions of these toolsets only")
    command.add_argument("--organization", default="", metavar="ID", help="organisation to work in, by number or name")
    command.add_argument("--port", type=int, default=token_login.PORT,
                         help="port of the redirect address, http://localhost:8765/callback")  # fmt: skip
    command.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    alone = command.add_argument_group("with a Self Client instead of a browser")
    alone.add_argument("--code", nargs="?", const="", metavar="CODE",
                         help="use its code, which is asked for if you give none")  # fmt: skip
    alone.add_argument("--client-credentials", action="store_true", help="log in without a user and without a code")
    alone.add_argument("--soid", default="", metavar="SOID",
                         help="for that: product and organisation, as in ZohoInvoice.10234695")  # fmt: skip


def login(options: argparse.Namespace) -> int:
    """Log in and store the profile; 0 when the server can start with it and knows its organisation."""
    environment: Mapping[str, str] = options.environment
    profiles = Profiles.of(environment)
    name = environment.get("ZOHO_PROFILE", "").strip() or DEFAULT
    previous = previous_login(environment, profiles, name)
    settings = _granted(options, _client(options, environment, previous))
    # Stored before anything else can fail: Zoho gives a refresh token only once.
    profile = profiles.save(with_previous_organization(profile_of(name, settings), profiles, previous))
    try:
        profile = with_organization(profile, settings, options.organization or settings.soid.rpartition(".")[2])
    except ZohoMcpError as problem:
        kept = f"It is still {profile.organization_id}." if profile.organization_id else "None is set yet."
        console.complain(f"logged in, but the organisation could not be looked up. {kept} {problem}")
    profiles.save(profile)
    forget_token(previous, settings)
    console.line(f"Logged in: {described(profile)}", "bold green")
    where = "the keyring" if profile.in_keyring else "the same file"
    console.verbatim(f"Stored in {profile.path}, the secrets in {where}.")
    if not profile.organization_id:
        console.line("Next, choose the organisation:")
        console.verbatim(f"  zoho-invoice-mcp profiles {name} --organization NUMBER")
        return 1
    _next_step(environment, name)
    return 0


def _next_step(environment: Mapping[str, str], name: str) -> None:
    """What to do now: chat apps on other books are named, and may be changed at once."""
    on_this = offer_to_change(this_machine(), environment, name)
    if on_this:
        titles = ", ".join(dict.fromkeys(one.client.title for one in on_this))
        console.line(f"Next: restart {titles} and ask “Who owes us money, and since when?”")
    else:
        profile = "" if name == default_profile(environment) else f" --profile {name}"
        console.line("Next: add the server to your chat app, for example")
        console.verbatim(f"  zoho-invoice-mcp install claude-desktop{profile}")


def _client(options: argparse.Namespace, environment: Mapping[str, str], previous: Settings | None) -> Settings:
    """Settings without a grant: client, data centre, product and hosts, from options, variables and questions.

    The client of the login that is replaced is used again unless another is named.
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    wanted_id = options.client_id or given.get("ZOHO_CLIENT_ID", "")
    if previous and wanted_id in ("", previous.client_id):
        console.line("Using the client of the stored login.")
        given = profile_of("", previous).environment() | given
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
    # A grant of its own is what this login is about.
    grant = ("ZOHO_SOID", "ZOHO_SCOPES", "ZOHO_REFRESH_TOKEN")
    values = {name: value for name, value in given.items() if name not in grant}
    settings = from_environment(values | {"ZOHO_REFRESH_TOKEN": "to come"})
    return replace(settings, refresh_token=SecretStr(""), token_cache=token_folder(environment))


def _data_centre(given: Mapping[str, str]) -> str:
    if not sys.stdin.isatty() or "ZOHO_ACCOUNTS_URL" in given:
        return "us"
    rows: dict[str, tuple[str, ...]] = {}
    for name, centre in DATA_CENTRES.items():
        host = centre.accounts.removeprefix("https://")
        rows[f"{centre.name} ({host})"] = (name, centre.name, host, host.split(".", 2)[2])
    return list(DATA_CENTRES)[choose("Where do you log in to Zoho", "The data centre", rows, "Name it with --dc.")]


def _port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise SettingsError(f"--port {port} is not a port.", "Choose a number from 1 to 65535.")
    return port


def _granted(options: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with what Zoho granted."""
    scopes = scopes_for(settings, organization_known=bool(options.organization))
    if options.client_credentials:
        return _without_user(options, settings, scopes)
    if options.code is not None:
        return anyio.run(_by_code, settings, options.code or _self_client_code(scopes))
    return anyio.run(_by_browser, settings, scopes, _port(options.port), not options.no_browser)


def _self_client_code(scopes: tuple[str, ...]) -> str:
    console.line("In Zoho's API console, on the Self Client's tab “Generate Code”, enter these scopes:")
    console.address(",".join(scopes))
    return ask_secret("The code it shows", "Type it, or pass it with --code.")


def _without_user(options: argparse.Namespace, settings: Settings, scopes: tuple[str, ...]) -> Settings:
    soid = options.soid or (settings.scope_prefix + options.organization if options.organization else "")
    if not soid:
        raise SettingsError("--soid is missing.", "Pass product and organisation, as in --soid ZohoInvoice.10234695.")
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
    address = token_login.consent_url(settings, attempt, scopes)
    console.line("The client in Zoho's API console must have this redirect address:")
    console.verbatim(f"  {attempt.redirect_uri}")
    console.line("Log in and accept in the browser. If none opens, open this address:")
    console.address(address)

    async def exchange(query: Mapping[str, str]) -> Settings:
        return await granted(settings, query, attempt, scopes)

    minutes = f"{CONSENT_TIMEOUT / 60:.0f}"
    with console.busy(f"Waiting for you to accept in the browser, at most {minutes} minutes; Ctrl-C cancels"):
        return await consented(
            attempt, partial(open_browser, address) if browser else anyio.lowlevel.checkpoint, exchange
        )


async def _by_code(settings: Settings, code: str) -> Settings:
    async with connection(settings) as http:
        return await token_login.exchange(lambda: http, settings, code)
