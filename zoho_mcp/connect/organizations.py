"""The organisations of an account: listed, chosen, and looked up by name."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio

from zoho_mcp.errors import SettingsError, ZohoMcpError
from zoho_mcp.private_files import read_private, write_private
from zoho_mcp.settings import Settings
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.oauth.cache import accounts_host
from zoho_mcp.zoho.request import ORGANIZATIONS

if TYPE_CHECKING:
    import httpx

Row = Mapping[str, Any]


def numbered(settings: Settings, transport: "httpx.AsyncBaseTransport | None" = None) -> Settings:
    """The settings with the id of every organisation that is set by name, and with the names.

    Asks Zoho once and stores the answer beside the tokens, so that the next start needs no network and a name keeps its
    first meaning. Raises SettingsError when a name fits none or several, or Zoho cannot be reached.
    """
    if all(one.isdigit() for one in settings.organizations):
        return settings
    kept = _file(settings)
    names = _read(kept)
    if not all(one.isdigit() or one in names for one in settings.organizations):
        names = _looked_up(settings, transport)
        if kept:
            # Without the file the next start looks it up again.
            with suppress(OSError):
                write_private(kept, json.dumps(names))
    found = {one if one.isdigit() else names[one]: "" if one.isdigit() else one for one in settings.organizations}
    return replace(settings, organization_id=",".join(found), organization_names=tuple(found.values()))


async def organizations(
    settings: Settings, transport: "httpx.AsyncBaseTransport | None" = None
) -> list[dict[str, Any]]:
    """All organisations of the account, as Zoho returns them. Raises ZohoMcpError."""
    client = ZohoClient(settings, transport=transport)
    try:
        envelope = await client.send(ORGANIZATIONS)
    finally:
        await client.aclose()
    assert isinstance(envelope, dict)
    return list(envelope.get("organizations") or ())


def fitting(rows: Sequence[Row], wanted: str) -> Row:
    """The organisation with the id or name `wanted`. Raises SettingsError when there is none, or more than one."""
    found = [row for row in rows if wanted in (str(row.get("organization_id")), row.get("name"))]
    if len(found) != 1:
        known = ", ".join(f"{row.get('name', '')} ({row.get('organization_id', '')})" for row in rows)
        what = f"More than one organisation is called {wanted}." if found else f"There is no organisation {wanted}."
        raise SettingsError(what, f"The organisations of this account: {known or 'none'}.")
    return found[0]


def _looked_up(settings: Settings, transport: "httpx.AsyncBaseTransport | None") -> dict[str, str]:
    try:
        rows = anyio.run(organizations, replace(settings, organization_id=""), transport)
    except ZohoMcpError as problem:
        raise SettingsError(
            f"The organisations are set by name, and their numbers could not be looked up. {problem}",
            "Set ZOHO_ORGANIZATION_ID to numbers, or start again when Zoho can be reached.",
        ) from problem
    named = [one for one in settings.organizations if not one.isdigit()]
    return {one: str(fitting(rows, one)["organization_id"]) for one in named}


def _file(settings: Settings) -> Path | None:
    if settings.token_cache is None:
        return None
    account = f"{accounts_host(settings)}\n{settings.product}\n{settings.client_id}\n{settings.soid}\n"
    account += settings.refresh_token.get_secret_value()
    return settings.token_cache / f"{hashlib.sha256(account.encode()).hexdigest()[:32]}.organizations.json"


def _read(path: Path | None) -> dict[str, str]:
    try:
        value: Any = json.loads(read_private(path)) if path else {}
    except (OSError, ValueError, RecursionError):
        return {}
    found = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {name: str(number) for name, number in found.items() if str(number).isdigit()}
