"""`profiles`: which there are, which is the default, in which organisation each works."""

from collections.abc import Mapping
from dataclasses import replace

import anyio
import httpx

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import choose
from zoho_mcp.cli.organizations import fitting, organizations
from zoho_mcp.errors import AuthError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import DEFAULT, Profile, Profiles, settings_of
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.cache import accounts_host, granted_scopes
from zoho_mcp.zoho.oauth.scopes import LIST_ORGANIZATIONS, covers


def profiles(environment: Mapping[str, str], name: str, *, use: bool, organization: str) -> int:
    """List the profiles, or change one."""
    store = Profiles.of(environment)
    if organization:
        profile = store.load(name or store.default_name() or DEFAULT)
        store.save(with_organization(profile, settings_of(environment, profile.name), organization))
    if use:
        store.make_default(store.load(name, secrets=False).name)
    names = [name] if name else store.names()
    for each in names:
        favourite = each == store.favourite()
        console.line(f"{'*' if favourite else ' '} {described(store.load(each, secrets=False))}", "bold" * favourite)
    if not names:
        console.complain("there are no stored logins yet. Run: zoho-invoice-mcp login")
    return 0 if names else 1


def described(profile: Profile) -> str:
    """A profile in a line."""
    number = f"({profile.organization_id})" if profile.organization_id else "no organisation yet"
    product = {"invoice": "Zoho Invoice", "books": "Zoho Books"}[profile.product]
    where = profile.accounts_url or DATA_CENTRES[profile.data_centre].name
    return f"{profile.name}: {f'{profile.organization_name} {number}'.strip()}, {product}, {where}"


def connection(settings: Settings) -> httpx.AsyncClient:
    """To the accounts server, by the proxy of the environment unless it is on this machine."""
    return httpx.AsyncClient(timeout=30.0, trust_env=not accounts_host(settings).startswith("http://"))


def with_organization(profile: Profile, settings: Settings, wanted: str = "") -> Profile:
    """The profile with the organisation wanted (its number or name), the only one, or the one that is chosen now."""
    if wanted and not covers(granted_scopes(settings), settings.scope_prefix + LIST_ORGANIZATIONS):
        if not wanted.isdigit():
            raise AuthError("Organisations can be looked up only with settings.READ.", "Give the number instead.")
        return replace(profile, organization_id=wanted, organization_name="")
    with console.busy("Asking Zoho for your organisations"):
        found = anyio.run(organizations, settings)
    rows = [f"{row.get('name', '')} ({row.get('organization_id', '')})" for row in found]
    if not found:
        raise AuthError("This account has no organisation.", "Check --product, and the account you logged in with.")
    if wanted:
        row = fitting(found, wanted)
    elif len(found) == 1:
        [row] = found
    else:
        row = found[choose("Organisation to work in", rows, "Name it with --organization.")]
    return replace(profile, organization_id=str(row["organization_id"]), organization_name=str(row.get("name", "")))
