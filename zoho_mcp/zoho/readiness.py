"""Whether Zoho can be worked with right now, without spending a request each time somebody asks."""

import anyio

from zoho_mcp.errors import UnavailableError, ZohoMcpError
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import ORGANIZATIONS

REMEMBERED = 15 * 60.0
"""Seconds for which an answer of Zoho's, to whatever, shows that it is there. An idle server asks 96 times a day."""
TRIED_AGAIN = 30.0
"""Seconds after which a failure is looked into again."""


class Readiness:
    """The last result, for every caller."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client
        self._looking = anyio.Lock()
        self._problem: ZohoMcpError | None = None
        self._until = 0.0

    async def check(self) -> None:
        """Return if there is a token and Zoho answered lately. Raises AuthError, LimitedError or UnavailableError."""
        async with self._looking:
            if self._problem is None or self._client.clock() >= self._until:
                self._problem = await self._look()
                self._until = self._client.clock() + TRIED_AGAIN
            if self._problem is not None:
                raise self._problem

    async def _look(self) -> ZohoMcpError | None:
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
