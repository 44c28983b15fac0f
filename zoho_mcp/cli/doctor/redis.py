"""The part of `doctor` about the Redis that replicas share. Never shows its user and password."""

import anyio

from zoho_mcp.settings import Settings
from zoho_mcp.settings.values import is_loopback


def examine(settings: Settings) -> tuple[bool, str, str]:
    """Whether it works, the finding, and the advice. Raises SettingsError where redis is not installed."""
    return anyio.run(_examine, settings)


async def _examine(settings: Settings) -> tuple[bool, str, str]:
    from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, host_of
    from zoho_mcp.zoho.oauth.cache import grant_name

    url = settings.redis_url.get_secret_value()
    where, link = host_of(url), Connection(url, grant_name(settings))
    try:
        await link.run("connection", "", [])
        memory = await link.command("INFO", "memory")
    except RedisUnavailableError as problem:
        return (
            False,
            f"{where} cannot be used ({problem})",
            "Check ZOHO_REDIS_URL; see docs/replicas.md.",
        )
    finally:
        await link.aclose()
    if memory.get("maxmemory_policy", "noeviction") != "noeviction":
        return True, f"{where} evicts keys when memory is short", "Set maxmemory-policy noeviction."
    if url.startswith("redis://") and not is_loopback(where.rpartition(":")[0]):
        return True, f"the connection to {where} is not encrypted", "Use rediss:// unless the network is private."
    return True, f"{where} answers", ""
