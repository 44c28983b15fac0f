"""The connection to Redis: one script per step, with short time limits.

A step may be sent twice, because a broken connection does not tell whether it arrived. Scripts recognise the second
time by the caller's mark.
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
"""Seconds for a connection, and for a response."""
AGAIN_AFTER = 1.0
"""Seconds without a new attempt after a failure, so that calls do not all wait for an unavailable Redis."""
SETTLE = 10.0
"""Seconds after a start of Redis in which replicas restore lost data; until then, missing data proves nothing."""
_MOST_CONNECTIONS = 20
_logger = logging.getLogger(__name__)


class RedisUnavailableError(Exception):
    """Redis failed, or may have carried out the step without a response. The text has no address and no secret."""


class Connection:
    """Redis, connected on first use.

    Attributes:
        prefix: of the keys of this account.
        settle: see `SETTLE`.
        is_down: whether the last step failed.
    """

    def __init__(self, url: str, account: str, *, settle: float = SETTLE, patience: float = PATIENCE) -> None:
        self.prefix = f"zoho-invoice-mcp:{account}:"
        self.settle = settle
        self._client = _client(url, patience)
        self._not_before = 0.0
        self.is_down = False

    async def run(self, script: Script, step: str, keys: Sequence[str], *arguments: object) -> Any:
        """The result of a script's step. Raises RedisUnavailableError."""
        epoch = f"{self.prefix}epoch"
        given = [step, str(ms(self.settle)), *(str(argument) for argument in arguments)]
        return await self._try("EVALSHA", _sha(script), 1 + len(keys), epoch, *keys, *given, script=script)

    async def command(self, *parts: object) -> Any:
        """The result of a command that may be sent twice. Raises RedisUnavailableError."""
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
                # A connection that broke while it was idle fails only now.
                if again and isinstance(problem, ConnectionError):
                    again = False
                    continue
                raise self._failure(type(problem).__name__) from None
            else:
                self._note_success()
                return answer

    def _failure(self, how: str) -> RedisUnavailableError:
        self._not_before = anyio.current_time() + AGAIN_AFTER
        if not self.is_down:
            _logger.warning("Redis cannot be used (%s): until it can, this replica asks Zoho at a quarter of the rate "
                            "and refuses what needs a person's yes or could be a repetition.", how)  # fmt: skip
        self.is_down = True
        return RedisUnavailableError(how)

    def _note_success(self) -> None:
        if self.is_down:
            _logger.warning("Redis can be used again.")
        self.is_down = False


def host_of(url: str) -> str:
    """The host for display, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _client(url: str, patience: float) -> Any:
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
            url, max_connections=_MOST_CONNECTIONS, timeout=patience, socket_timeout=patience,
            socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0), decode_responses=True, protocol=2,
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

    # Redis names scripts by it; security does not depend on it.
    return hashlib.sha1(_text(script).encode(), usedforsecurity=False).hexdigest()


def ms(seconds: float) -> int:
    """Milliseconds, the unit of Redis and of our scripts."""
    return round(seconds * 1000)
