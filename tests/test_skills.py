"""The plugin's skills are the prompts, and speak of tools and arguments that exist."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

import mcp_types as types
import pytest
import write_skills
from conftest import ERAS, Era, Zoho
from mcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from zoho_mcp.server.prompts.prompt import all_prompts
from zoho_mcp.settings.variables import SETTINGS
from zoho_mcp.specs.load import load

ROOT = Path(__file__).parent.parent
FILES = write_skills.skills()


def read(path: str) -> dict[str, Any]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def test_the_files_are_those_of_the_prompts() -> None:
    there = {path: path.read_text(encoding="utf-8") for path in write_skills.FOLDER.rglob("*") if path.is_file()}
    assert there == FILES, "run docs/write_skills.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_skill_is_of_the_format_and_names_only_what_exists(path: Path) -> None:
    found = re.match(r'---\nname: ([a-z]+(?:-[a-z]+)*)\ndescription: "([^"\n]{1,1024})"\n', FILES[path])
    assert found
    assert found[1] == path.parent.name
    operations = load().operations
    arguments = {name for one in operations.values() for name in one.input.get("properties", {})}
    own = {argument.name for prompt in all_prompts().values() for argument in prompt.arguments}
    verbs = {name.partition("_")[0] for name in operations}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", FILES[path]))
    called = {name for name in named if name.partition("_")[0] in verbs} - arguments - own
    assert called
    assert called <= set(operations)


class Skills(types.Request[dict[str, Any], Literal["skills/list", "skills/get"]]):
    """What the SDK's client has no method for."""


class Answer(BaseModel, extra="allow"):
    """Whatever comes back."""


async def ask(client: Client, method: Literal["skills/list", "skills/get"], **params: Any) -> dict[str, Any]:
    return (await client.session.send_request(Skills(method=method, params=params), Answer)).model_dump()


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_the_server_serves_the_same_files_and_lists_them_with_their_digests(zoho: Zoho, era: Era) -> None:
    texts = {f"skill://{path.parent.name}/SKILL.md": text for path, text in FILES.items()}
    async with zoho.client(era) as client:
        listed = await ask(client, "skills/list")
        assert {skill["uri"] for skill in listed["skills"]} == set(texts)
        assert listed["ttlMs"] > 0
        for skill in listed["skills"]:
            [content] = (await client.read_resource(skill["uri"])).contents
            assert isinstance(content, types.TextResourceContents)
            assert content.text == texts[skill["uri"]]
            raw = content.text.encode()
            digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
            assert skill["resources"] == [{"uri": skill["uri"], "digest": digest, "size": len(raw)}]
            header = dict(line.split(": ", 1) for line in content.text.split("---\n")[1].splitlines())
            assert {name: value.strip('"') for name, value in header.items()} == skill["frontmatter"]
            assert (await ask(client, "skills/get", uri=skill["uri"]))["skill"] == skill
        with pytest.raises(MCPError) as caught:
            await ask(client, "skills/get", uri="skill://secrets/SKILL.md")
        assert caught.value.code == types.INVALID_PARAMS
        assert set(texts) <= {str(one.uri) for one in (await client.list_resources()).resources}
    assert zoho.received() == []


@pytest.mark.anyio
async def test_a_skill_that_cannot_be_followed_is_not_there(zoho: Zoho) -> None:
    async with zoho.client(read_only=True) as client:
        listed = (await ask(client, "skills/list"))["skills"]
        assert "skill://bill-customer/SKILL.md" not in {one["uri"] for one in listed}
        with pytest.raises(MCPError):
            await client.read_resource("skill://bill-customer/SKILL.md")


def test_the_manifests_start_a_command_that_exists_and_agree() -> None:
    claude, gemini = read(".claude-plugin/plugin.json"), read("gemini-extension.json")
    assert claude["mcpServers"] == gemini["mcpServers"]
    [plugin] = read(".claude-plugin/marketplace.json")["plugins"]
    assert (plugin["name"], plugin["description"]) == (claude["name"], claude["description"])
    assert (ROOT / plugin["source"] / ".claude-plugin" / "plugin.json").exists()
    [server] = claude["mcpServers"].values()
    assert server["args"][0] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(server.get("env", {})) <= {setting.name for setting in SETTINGS}
