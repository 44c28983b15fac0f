"""`profiles`: lists the stored logins, sets the default one, and sets the organisation each works in."""

import argparse
from dataclasses import replace

import anyio

from zoho_mcp.cli import console
from zoho_mcp.cli.asking import choose
from zoho_mcp.connect.organizations import fitting, organizations
from zoho_mcp.errors import AuthError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import DEFAULT, Profile, Profiles, settings_of
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.cache import granted_scopes
from zoho_mcp.zoho.oauth.scopes import covers
from zoho_mcp.zoho.request import ORGANIZATIONS


def add_options(command: argparse.ArgumentParser) -> None:
    """Which login, and what to change about it."""
    command.set_defaults(run=profiles)
    command.add_argument("name", nargs="?", default="", metavar="NAME", help="a stored login (default: list all)")
    command.add_argument("--use", action="store_true", help="make NAME the default")
    command.add_argument("--organization", default="", metavar="ID", help="work in this organisation with NAME")


def profiles(options: argparse.Namespace) -> int:
    """List the profiles, or change one."""
    store, name = Profiles.of(options.environment), options.name
    if options.organization:
        profile = store.load(name or store.default_name() or DEFAULT)
        store.save(with_organization(profile, settings_of(options.environment, profile.name), options.organization))
    if options.use:
        store.make_default(store.load(name, secrets=False).name)
    names = [name] if name else store.names()
    for each in names:
        default = each == store.favourite()
        console.line(f"{'*' if default else ' '} {described(store.load(each, secrets=False))}", "bold" * default)
    if not names:
        console.complain("there are no stored logins yet. Run `zoho-invoice-mcp login`.")
    return 0 if names else 1


def described(profile: Profile) -> str:
    """A profile in one line."""
    number = f"({profile.organization_id})" if profile.organization_id else "no organisation yet"
    product = {"invoice": "Zoho Invoice", "books": "Zoho Books"}[profile.product]
    where = profile.accounts_url or DATA_CENTRES[profile.data_centre].name
    return f"{profile.name}: {f'{profile.organization_name} {number}'.strip()}, {product}, {where}"


def with_organization(profile: Profile, settings: Settings, wanted: str = "") -> Profile:
    """The profile with the organisation `wanted` (number or name), else the only one, else the one chosen now."""
    if wanted and not covers(granted_scopes(settings), settings.scope_prefix + ORGANIZATIONS.scope):
        if not wanted.isdigit():
            raise AuthError("Looking up organisations needs the scope settings.READ.", "Use the number instead.")
        return replace(profile, organization_id=wanted, organization_name="")
    with console.busy("Asking Zoho for your organisations"):
        found = anyio.run(organizations, settings)
    if not found:
        raise AuthError("This account has no organisation.", "Check --product and the account you logged in with.")
    if wanted:
        row = fitting(found, wanted)
    elif len(found) == 1:
        [row] = found
    else:
        named = [(str(row.get("name", "")), str(row.get("organization_id", ""))) for row in found]
        rows = {f"{name} ({number})": (name, number) for name, number in named}
        row = found[choose("Organisation to work in", "The organisation", rows, "Name it with --organization.")]
    return replace(profile, organization_id=str(row["organization_id"]), organization_name=str(row.get("name", "")))
