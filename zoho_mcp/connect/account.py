"""Profiles from settings, the login they replace, and the scopes to ask for. Knows no terminal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from zoho_mcp.errors import SettingsError
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import Profile, Profiles, chosen_profile, settings_of
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.oauth import login
from zoho_mcp.zoho.oauth.cache import accounts_host, cache_for
from zoho_mcp.zoho.oauth.scopes import wanted
from zoho_mcp.zoho.request import ORGANIZATIONS

if TYPE_CHECKING:
    import httpx


def connection(settings: Settings) -> "httpx.AsyncClient":
    """A client for the accounts server, through the environment's proxy unless that server is on this machine."""
    import httpx  # On first use: it takes a third of the start-up time that we add to a bare server.

    return httpx.AsyncClient(timeout=30.0, trust_env=not accounts_host(settings).startswith("http://"))


def scopes_for(settings: Settings, *, organization_known: bool) -> tuple[str, ...]:
    """The scopes of the tools that the settings choose, and if needed the one that lists the organisations."""
    catalog = load(settings.product)
    found = wanted(chosen(catalog, settings).values(), catalog)
    if not organization_known:
        found.add(ORGANIZATIONS.scope)
    return tuple(sorted(settings.scope_prefix + scope for scope in found))


async def granted(
    settings: Settings, query: Mapping[str, str], attempt: login.Attempt | None, scopes: tuple[str, ...]
) -> Settings:
    """The settings with what Zoho granted in the `query` of its answer to the browser. Raises ZohoMcpError."""
    code, accounts = login.code_from(settings, query)
    centre = login.data_centre_of(accounts)
    at = replace(settings, data_centre=centre, accounts_url="") if centre else settings
    async with connection(at) as http:
        return await login.exchange(lambda: http, at, code, attempt, scopes)


def profile_of(name: str, settings: Settings) -> Profile:
    """A profile with the account of the settings, without an organisation."""
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


def previous_login(environment: Mapping[str, str], profiles: Profiles, name: str) -> Settings | None:
    """The settings of the profile that a login replaces; None when it is new or cannot be used."""
    if not profiles.path_of(name).exists():
        return None
    try:
        return settings_of(environment, name)
    except SettingsError:
        return None


def with_previous_organization(profile: Profile, profiles: Profiles, previous: Settings | None) -> Profile:
    """The profile with the organisation it had before, if it is of the same client and product."""
    if previous is None or (previous.client_id, previous.product) != (profile.client_id, profile.product):
        return profile
    earlier = profiles.load(profile.name, secrets=False)
    return replace(profile, organization_id=earlier.organization_id, organization_name=earlier.organization_name)


def stored_owner(environment: Mapping[str, str]) -> str:
    """The name, or else the id, of the organisation of the stored login; empty without a usable login."""
    try:
        profile = chosen_profile(environment, secrets=False)
    except SettingsError:
        return ""
    return (profile.organization_name or profile.organization_id) if profile else ""


def forget_token(previous: Settings | None, now: Settings) -> None:
    """Delete the cached access token of the login that was replaced."""
    old, new = cache_for(previous) if previous else None, cache_for(now)
    if old and new and old.path != new.path:
        old.forget()
