"""The connection to Redis: one script a step, answered soon or not at all.

Every step may be asked for twice (a broken connection does not say whether it arrived), so scripts know by a mark of
the caller's that it was them before.
"""

import logging
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import anyio

from zoho_mcp.errors import SettingsError

Script = Literal["connection", "tokens", "limits", "claims", "approvals"]
PATIENCE = 1.5
"""Seconds for a connection, and for an answer."""
AGAIN_AFTER = 1.0
"""Seconds without a new attempt after a failure, so that calls do not all wait for an unavailable Redis."""
SETTLE = 10.0
"""Seconds after a start of Redis in which replicas say again what it may have forgotten; until then it is not believed
that nothing is there."""
_MOST_CONNECTIONS = 20
_logger = logging.getLogger(__name__)


class RedisUnavailableError(Exception):
    """Redis did not do it, or may have and did not say so. The text says how, and holds no address and no secret."""


class Connection:
    """Redis, and the names of this account's keys in it. Connects when it is first used."""

    def __init__(self, url: str, account: str, *, settle: float = SETTLE) -> None:
        self.prefix = f"zoho-invoice-mcp:{account}:"
        self.settle = settle
        self._client = _client(url)
        self._not_before = 0.0
        self.gone = False
        """Whether the last thing tried did not work."""

    async def run(self, script: Script, step: str, keys: Sequence[str], *arguments: object) -> Any:
        """What the script says. Raises Gone."""
        epoch = f"{self.prefix}epoch"
        given = [step, str(ms(self.settle)), *(str(argument) for argument in arguments)]
        return await self._try("EVALSHA", _sha(script), 1 + len(keys), epoch, *keys, *given, script=script)

    async def command(self, *parts: object) -> Any:
        """What Redis answers to a command that may be given twice. Raises Gone."""
        return await self._try(*parts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _try(self, *parts: Any, script: Script | None = None) -> Any:
        from redis.exceptions import ConnectionError, NoScriptError, RedisError

        if anyio.current_time() < self._not_before:
            raise RedisUnavailableError("it did not answer a moment ago")
        again = True
        while True:
            try:
                answer = await self._client.execute_command(*parts)
            except NoScriptError:
                parts = ("EVAL", _text(cast(Script, script)), *parts[2:])
            except (RedisError, OSError) as problem:
                # A connection that broke while nobody used it says so only now.
                if again and isinstance(problem, ConnectionError):
                    again = False
                    continue
                raise self._lost(type(problem).__name__) from None
            else:
                self._found()
                return answer

    def _lost(self, how: str) -> RedisUnavailableError:
        self._not_before = anyio.current_time() + AGAIN_AFTER
        if not self.gone:
            _logger.warning("Redis cannot be used (%s): until it can, this replica asks Zoho at a quarter of the rate "
                            "and refuses what needs a person's yes or could be a repetition.", how)  # fmt: skip
        self.gone = True
        return RedisUnavailableError(how)

    def _found(self) -> None:
        if self.gone:
            _logger.warning("Redis can be used again.")
        self.gone = False


def host_of(url: str) -> str:
    """The host for display, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _client(url: str) -> Any:
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as problem:
        raise SettingsError(
            "ZOHO_REDIS_URL is set, but what speaks to Redis is not installed.",
            "Install zoho-invoice-mcp[redis], or take ZOHO_REDIS_URL away if there is only one server.",
        ) from problem
    try:
        pool = cast(Any, BlockingConnectionPool).from_url(
            url, max_connections=_MOST_CONNECTIONS, timeout=PATIENCE, socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0), decode_responses=True, protocol=2,
        )  # fmt: skip
    except ValueError:
        raise SettingsError(
            "ZOHO_REDIS_URL is not an address that can be used.", "docs/replicas.md shows some that are."
        ) from None
    return cast(Any, Redis.from_pool(pool))


@cache
def _text(script: Script) -> str:
    here = files("zoho_mcp.replicas")
    return "\n".join((here / f"{name}.lua").read_text(encoding="utf-8") for name in ("common", script))


@cache
def _sha(script: Script) -> str:
    import hashlib

    # How Redis names scripts; nothing rests on it.
    return hashlib.sha1(_text(script).encode(), usedforsecurity=False).hexdigest()


def ms(seconds: float) -> int:
    """Milliseconds, in which Redis and our scripts count."""
    return round(seconds * 1000)
