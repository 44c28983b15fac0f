"""What clients show people of this server and its tools, and which tools they load at once."""

import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import pytest
from conftest import ERAS, Era, Zoho
from mcp import Client

from zoho_mcp.specs.lint import MOST_ALWAYS_LOADED
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_are_told_a_title_a_description_a_website_and_a_picture(zoho: Zoho, mode: str) -> None:
    """By server/discover and by initialize."""
    async with Client(zoho.server(), mode=mode) as client:
        server = client.server_info
    assert server is not None
    assert server.title
    assert server.version
    assert 0 < len(server.description or "") <= 100
    assert (server.website_url or "").startswith("https://")
    [icon] = server.icons or []
    kind, _, picture = icon.src.partition(",")
    assert kind == f"data:{icon.mime_type}"
    assert ElementTree.fromstring(unquote(picture)).tag.endswith("svg")
    assert len(icon.src) < 500, "every session costs this much"


@pytest.mark.parametrize("era", ERAS)
async def test_the_most_used_tools_are_always_loaded_and_all_have_titles_and_hints(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        tools = (await client.list_tools()).tools
    marked = {tool.name for tool in tools if (tool.meta or {}).get("anthropic/alwaysLoad")}
    assert marked == {name for name, one in load().operations.items() if one.always_loaded}
    assert 0 < len(marked) <= MOST_ALWAYS_LOADED
    for tool in tools:
        assert tool.annotations is not None
        assert tool.title == tool.annotations.title
        hints = (tool.annotations.read_only_hint, tool.annotations.destructive_hint, tool.annotations.open_world_hint)
        assert None not in hints
        assert len(tool.name) <= 48
