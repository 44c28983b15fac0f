"""E-mail addresses that this server gave to contact persons within a day. When mailing, they count as outsiders.

Stored with the claims, for all processes and replicas, as hashes keyed with the client secret.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from zoho_mcp.policy.facts import addresses_given, addresses_of, same_address
from zoho_mcp.server.context import ServerContext

LASTS = 86_400.0
"""Seconds; at most as long as claims remember created records."""
_ANY = ""
"""Stored with every address, to find out whether there are any."""
Json = Mapping[str, Any]


async def note(app: ServerContext, arguments: Json, before: Json) -> None:
    """Record the addresses that a change is about to give, except those that the customer had `before`."""
    old = {same_address(address) for address in addresses_of(before)}
    new = [address for address in addresses_given(arguments) if same_address(address) not in old]
    for address in [_ANY, *new] if new else ():
        await app.claims.record_created(_name(app, address))


async def recent(app: ServerContext, customer: Json | None) -> frozenset[str]:
    """The addresses of a customer that were given within a day."""
    names = {_name(app, address): address for address in addresses_of(customer or {})}
    found = await app.claims.created_here(names, app.api.client.clock() - LASTS)
    return frozenset(names[name] for name in found)


async def are_any(app: ServerContext) -> bool:
    """Whether any customer of this organisation was given an address within a day."""
    return bool(await app.claims.created_here([_name(app, _ANY)], app.api.client.clock() - LASTS))


def _name(app: ServerContext, address: str) -> str:
    key = app.settings.client_secret.get_secret_value().encode()
    text = f"address\n{app.api.books}\n{same_address(address)}"
    return hmac.new(key, text.encode("utf-8", "replace"), "sha256").hexdigest()
