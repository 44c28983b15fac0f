"""The plugin's skills are the prompts, and speak of tools and arguments that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import write_skills

from zoho_mcp.server.prompts.handlers import PROMPTS
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
    own = {argument.name for prompt in PROMPTS.values() for argument in prompt.arguments}
    verbs = {name.partition("_")[0] for name in operations}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", FILES[path]))
    called = {name for name in named if name.partition("_")[0] in verbs} - arguments - own
    assert called
    assert called <= set(operations)


def test_the_manifests_start_a_command_that_exists_and_agree() -> None:
    claude, gemini = read(".claude-plugin/plugin.json"), read("gemini-extension.json")
    assert claude["mcpServers"] == gemini["mcpServers"]
    [plugin] = read(".claude-plugin/marketplace.json")["plugins"]
    assert (plugin["name"], plugin["description"]) == (claude["name"], claude["description"])
    assert (ROOT / plugin["source"] / ".claude-plugin" / "plugin.json").exists()
    [server] = claude["mcpServers"].values()
    assert server["args"][0] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(server.get("env", {})) <= {setting.name for setting in SETTINGS}
