"""server.json for the MCP registry: as generated, as its schema of 2025-12-11 wants it, and as the code is."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import zoho_mcp
from zoho_mcp.http.settings import PATH
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import SETTINGS

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
SERVER: dict[str, Any] = json.loads((CHECKOUT / "server.json").read_text(encoding="utf-8"))
[PACKAGE] = SERVER["packages"]


def registry() -> ModuleType:
    spec = importlib.util.spec_from_file_location("registry", CHECKOUT / "docs" / "registry.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_file_is_the_generated_one() -> None:
    written = (CHECKOUT / "server.json").read_text(encoding="utf-8")
    assert written == registry().text(), "run: .venv/bin/python docs/registry.py"


def test_it_has_the_shape_of_its_schema() -> None:
    assert SERVER["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    assert set(SERVER) <= {"$schema", "name", "title", "description", "repository", "version", "packages", "remotes"}
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]/[a-zA-Z0-9][a-zA-Z0-9._-]*[a-zA-Z0-9]", SERVER["name"])
    assert 1 <= len(SERVER["description"]) <= 100
    assert 1 <= len(SERVER["title"]) <= 100
    assert SERVER["repository"]["source"] == "github"
    assert (PACKAGE["registryType"], PACKAGE["registryBaseUrl"]) == ("pypi", "https://pypi.org")
    assert (PACKAGE["runtimeHint"], PACKAGE["transport"]) == ("uvx", {"type": "stdio"})
    for variable in PACKAGE["environmentVariables"]:
        assert set(variable) <= {"name", "description", "isRequired", "isSecret", "default", "choices", "format"}
        assert variable.get("format", "string") in ("string", "number", "boolean", "filepath")
        assert isinstance(variable.get("default", ""), str)
        assert variable.get("default") in (None, *variable.get("choices", [variable.get("default")]))


def test_the_remote_is_a_form_for_a_server_of_ones_own() -> None:
    [remote] = SERVER["remotes"]
    assert set(remote) == {"type", "url", "variables", "headers"}
    assert remote["type"] == "streamable-http"
    assert re.findall(r"{(\w+)}", remote["url"]) == list(remote["variables"])
    assert remote["url"].endswith(PATH)
    [header] = remote["headers"]
    assert (header["name"], header["isSecret"]) == ("Authorization", True)


def test_versions_names_and_variables_are_those_of_the_code() -> None:
    assert SERVER["version"] == PACKAGE["version"] == zoho_mcp.__version__
    assert not re.search(r"[\^~<>=*]|latest", SERVER["version"])
    assert PACKAGE["identifier"] == "zoho-invoice-mcp"
    variables = {variable["name"]: variable for variable in PACKAGE["environmentVariables"]}
    assert list(variables) == [setting.name for setting in SETTINGS]
    for setting in SETTINGS:
        assert variables[setting.name].get("isSecret", False) == setting.secret
        # Without an account the server starts, too.
        assert "isRequired" not in variables[setting.name]


def test_its_defaults_are_those_of_the_settings() -> None:
    defaults = {one["name"]: one["default"] for one in PACKAGE["environmentVariables"] if "default" in one}
    assert from_environment(defaults, account=False) == from_environment({}, account=False)


def test_the_readme_proves_who_owns_the_name() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"mcp-name: {re.escape(SERVER['name'])}(?![a-zA-Z0-9._/-])", readme)
