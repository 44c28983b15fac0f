"""`logout`: revokes a login at Zoho and deletes what is stored about it here."""

import argparse

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.options import PROFILE, add_option
from zoho_mcp.connect.account import connection
from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profiles, settings_of
from zoho_mcp.zoho.oauth import login as token_login
from zoho_mcp.zoho.oauth.cache import cache_for

_BY_HAND = "Remove it in your Zoho account, under Sessions → Connected Apps."


def add_options(command: argparse.ArgumentParser) -> None:
    """Which login, and what to do when Zoho cannot be reached."""
    command.set_defaults(run=logout)
    command.description = "Disconnect your Zoho account: revoke the login at Zoho and delete it on this computer."
    add_option(command, PROFILE, "disconnect this stored login")
    command.add_argument("--force", action="store_true", help="delete it even if Zoho cannot be reached")


def logout(options: argparse.Namespace) -> int:
    """Revoke and delete the profile; 1 when Zoho did not confirm. With `--force` it is deleted even then."""
    profiles = Profiles.of(options.environment)
    name = options.environment.get("ZOHO_PROFILE", "").strip() or profiles.default_name()
    if not name:
        raise SettingsError("There is no stored login.")
    try:
        settings = settings_of(options.environment, name)
        revoked = anyio.run(_revoke, settings)
        if cache := cache_for(settings):
            cache.forget()
    except ZohoMcpError as problem:
        if not options.force:
            console.complain(f"{problem}\nNothing was deleted; --force deletes without asking Zoho.")
            return 1
        revoked = False
    profiles.forget(name)
    unsure = "" if revoked else f" Zoho did not confirm that its token is revoked. {_BY_HAND}"
    console.line(f"Logged out: {name}.{unsure}", "bold green" if revoked else "yellow")
    return 0 if revoked else 1


async def _revoke(settings: Settings) -> bool:
    with console.busy("Revoking the token"):
        async with connection(settings) as http:
            return await token_login.revoke(lambda: http, settings)
