"""`logout`: takes the grant back at Zoho and forgets everything about it here."""

from collections.abc import Mapping

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.profiles import connection
from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profiles, settings_of
from zoho_mcp.zoho.oauth import login as token_login
from zoho_mcp.zoho.oauth.cache import cache_for

_BY_HAND = "Remove it by hand in your Zoho account: accounts page → Sessions → Connected Apps."


def logout(environment: Mapping[str, str], *, force: bool) -> int:
    """Revoke and forget the profile; 1 when Zoho did not confirm. With `force` it is forgotten even then."""
    profiles = Profiles.of(environment)
    name = environment.get("ZOHO_PROFILE", "").strip() or profiles.default_name()
    if not name:
        raise SettingsError("There is no profile to log out of.")
    try:
        settings = settings_of(environment, name)
        revoked = anyio.run(_revoke, settings)
        if cache := cache_for(settings):
            cache.forget()
    except ZohoMcpError as problem:
        if not force:
            console.complain(f"{problem}\nNothing was forgotten; --force forgets without asking Zoho.")
            return 1
        revoked = False
    profiles.forget(name)
    unsure = "" if revoked else f" Zoho did not confirm that its token is revoked. {_BY_HAND}"
    console.line(f"Forgotten: {name}.{unsure}", "bold green" if revoked else "yellow")
    return 0 if revoked else 1


async def _revoke(settings: Settings) -> bool:
    with console.busy("Telling Zoho"):
        async with connection(settings) as http:
            return await token_login.revoke(lambda: http, settings)
