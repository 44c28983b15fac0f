"""Whether Zoho can be used right now, without a request for each check."""

import anyio

from zoho_mcp.errors import UnavailableError, ZohoMcpError
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import ORGANIZATIONS

REMEMBERED = 15 * 60.0
"""Seconds for which any response shows that Zoho is up. An idle server sends 96 requests a day."""
TRIED_AGAIN = 30.0
"""Seconds after a failure before the next attempt."""


class Readiness:
    """Checks for all callers at once; a failure is remembered."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client
        self._lock = anyio.Lock()
        self._problem: ZohoMcpError | None = None
        self._until = 0.0

    async def check(self) -> None:
        """Return if there is a token and Zoho has responded. Raises AuthError, LimitedError or UnavailableError."""
        async with self._lock:
            if self._problem is None or self._client.clock() >= self._until:
                self._problem = await self._problem_now()
                self._until = self._client.clock() + TRIED_AGAIN
            if self._problem is not None:
                raise self._problem

    async def _problem_now(self) -> ZohoMcpError | None:
        client = self._client
        try:
            await client.token()
            if client.answered_at is None or client.clock() - client.answered_at > REMEMBERED:
                await client.send(ORGANIZATIONS)
        except UnavailableError as problem:
            return problem
        except ZohoMcpError as problem:
            # A refusal because of a scope or a limit shows that Zoho is up.
            return problem if client.answered_at is None else None
        return None
