"""Sessions of older clients: none without access, a limit per caller, and the oldest idle session ends first."""

import pytest
from conftest import Zoho
from serving import INITIALIZE, LIST, Site, a_site
from test_http_tokens import Tokens, tokens

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
__all__ = ["tokens"]  # a fixture


async def opened(site: Site, token: str = "") -> tuple[int, str]:
    response = await site.post(INITIALIZE, authorization=f"Bearer {token}" if token else "")
    return response.status_code, response.headers.get("mcp-session-id", "")


async def is_there(site: Site, session: str, token: str = "") -> bool:
    authorization = f"Bearer {token}" if token else ""
    return (await site.post(LIST, mcp_session_id=session, authorization=authorization)).status_code != 404


async def test_a_caller_without_access_gets_no_session(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http, no_access=frozenset({"ada"})) as site:
        assert await opened(site, tokens.ada) == (403, "")
        status, session = await opened(site, tokens.ben)
        assert (status, bool(session)) == (200, True)


async def test_the_oldest_idle_session_of_the_same_caller_ends_first(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http, max_sessions=2) as site:
        _, bens = await opened(site, tokens.ben)
        _, first = await opened(site, tokens.ada)
        _, second = await opened(site, tokens.ada)
        assert await is_there(site, first, tokens.ada)
        status, third = await opened(site, tokens.ada)
        assert status == 200
        there = [await is_there(site, one, tokens.ada) for one in (first, second, third)]
        assert there == [True, False, True]
        assert await is_there(site, bens, tokens.ben)
