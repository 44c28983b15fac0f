"""The public information of a server over HTTP: its page, its card, and how to get a token."""

from pathlib import Path

import httpx
import pytest
from conftest import Zoho
from serving import a_site

from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.http.tokens import add_token

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def tokens(tmp_path: Path) -> HttpSettings:
    file = tmp_path / "tokens.json"
    add_token(file, "ada")
    return HttpSettings(tokens=file)


async def test_the_page_gives_the_address_and_cannot_run_scripts(zoho: Zoho) -> None:
    async with a_site(zoho) as site:
        page = await site.get("/")
    assert page.status_code == 200
    assert site.mcp in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_catalog_leads_to_a_card_that_leads_to_the_server(zoho: Zoho, tokens: HttpSettings) -> None:
    async with a_site(zoho, tokens, page=True) as site:
        catalog = await site.get("/.well-known/mcp/catalog.json")
        [entry] = catalog.json()["entries"]
        async with httpx.AsyncClient() as http:
            card = await http.get(entry["url"])
        [remote] = card.json()["remotes"]
        assert card.headers["content-type"].startswith(entry["type"])
        assert remote["url"] == site.mcp
        assert remote["headers"][0]["isSecret"]
        assert len(card.json()["description"]) <= 100
        assert {answer.headers["access-control-allow-origin"] for answer in (catalog, card)} == {"*"}


async def test_without_a_public_address_there_is_no_card(zoho: Zoho) -> None:
    async with a_site(zoho) as site:
        answers = [await site.get(path) for path in ("/.well-known/mcp/catalog.json", "/mcp/server-card")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_caller_without_a_token_learns_how_to_get_one(zoho: Zoho, tokens: HttpSettings) -> None:
    async with a_site(zoho, tokens) as site:
        refused = await site.post()
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_token"
    assert "token add" in refused.json()["error_description"]
    assert "www-authenticate" in refused.headers
