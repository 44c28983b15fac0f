"""The Claude Desktop bundle: what its manifest says, that it is built the same each time, and that it starts."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import jsonschema
import pytest
from conftest import call
from connecting import kind_of
from mcp import Client, StdioServerParameters

import zoho_mcp
from zoho_mcp.connect.not_connected import CONNECT
from zoho_mcp.server.prompts.prompt import all_prompts
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import SETTINGS
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.processes

CHECKOUT = Path(zoho_mcp.__file__).parent.parent


def script(name: str) -> ModuleType:
    """A script of the checkout, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "bundle" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = script("build")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    with zipfile.ZipFile(BUILD.build(folder / "a.mcpb")) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def manifest(unpacked: Path) -> dict[str, Any]:
    return json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))


def test_the_manifest_is_valid_and_strictly_so(manifest: dict[str, Any]) -> None:
    schema = json.loads((CHECKOUT / "tests" / "schemas" / "mcpb-manifest-v0.4.schema.json").read_text())
    validator: Any = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [problem.message for problem in validator.iter_errors(manifest)] == []
    assert manifest["manifest_version"] == "0.4"
    assert manifest["server"]["type"] == "uv"


def test_name_version_and_tools_are_those_of_the_code(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == zoho_mcp.__version__
    listed = [CONNECT.name, *chosen(load(), from_environment({}, account=False))]
    assert [tool["name"] for tool in manifest["tools"]] == listed


def test_a_prompt_of_the_manifest_says_what_the_servers_does_with_a_place_for_every_argument(
    manifest: dict[str, Any],
) -> None:
    for prompt in manifest["prompts"]:
        assert prompt["text"].startswith(all_prompts()[prompt["name"]].text)
        assert re.findall(r"\$\{arguments\.(\w+)\}", prompt["text"]) == prompt["arguments"]


def test_the_form_asks_for_settings_that_exist_and_hides_the_secret_ones(manifest: dict[str, Any]) -> None:
    fields, variables = manifest["user_config"], manifest["server"]["mcp_config"]["env"]
    assert list(variables.values()) == [f"${{user_config.{key}}}" for key in fields]
    known = {setting.name: setting for setting in SETTINGS}
    for variable, key in zip(variables, fields, strict=True):
        assert fields[key].get("sensitive", False) == known[variable].secret
        for choice in known[variable].choices if fields[key]["type"] == "string" else ():
            assert choice in fields[key]["description"]
    # The page that connects an account takes them.
    assert not {setting.name for setting in SETTINGS if setting.secret or setting.required} & set(variables)
    assert fields["sandbox"]["type"] == fields["read_only"]["type"] == "boolean"
    assert all(toolset in fields["toolsets"]["description"] for toolset in load().toolsets)


def test_a_field_left_empty_never_stops_the_form_and_always_has_a_value(manifest: dict[str, Any]) -> None:
    for field in manifest["user_config"].values():
        assert field["required"] is False
        assert field["default"] in ("", False)
        assert field["type"] in ("string", "boolean", "directory", "file")


def test_the_same_source_gives_the_same_bundle(tmp_path: Path) -> None:
    one, two = (BUILD.build(tmp_path / name / "x.mcpb").read_bytes() for name in ("a", "b"))
    assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()


def test_the_bundle_holds_the_package_and_nothing_of_the_workshop(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir()} == {
        "manifest.json", "pyproject.toml", ".mcpbignore", "main.py", "icon.png", "LICENSE", "README.md",
        "tool_specs", "zoho_mcp",
    }  # fmt: skip
    assert not list(unpacked.rglob("__pycache__"))
    assert sum(path.stat().st_size for path in unpacked.rglob("*")) < 2_200_000


def test_the_icon_is_what_its_script_draws() -> None:
    icon = script("icon")
    file: bytes = icon.ICON.read_bytes()
    assert file[16:24] == (512).to_bytes(4, "big") * 2
    start = file.index(b"IDAT") + 4
    assert zlib.decompress(file[start:-16]) == icon.pixels()


@pytest.mark.anyio
@pytest.mark.parametrize("demo", ["false", "true"])
async def test_the_unpacked_bundle_answers(unpacked: Path, manifest: dict[str, Any], demo: str, tmp_path: Path) -> None:
    fields = manifest["user_config"]
    filled = {key: str(field["default"]).lower() for key, field in fields.items()}
    variables = {
        name: filled[placeholder.removeprefix("${user_config.").removesuffix("}")]
        for name, placeholder in manifest["server"]["mcp_config"]["env"].items()
    }
    variables |= {"ZOHO_SANDBOX": demo, "HOME": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    # As Claude Desktop does with a field that has no value at all.
    variables["ZOHO_EDITION"] = "${user_config.edition}"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ZOHO_", "PYTHON"))}
    assert manifest["server"]["mcp_config"]["args"][-1] == manifest["server"]["entry_point"]
    # The host runs `uv run --directory`; here this interpreter has the dependencies already.
    server = StdioServerParameters(
        command=sys.executable, args=[manifest["server"]["entry_point"]], env=plain | variables, cwd=unpacked
    )
    with anyio.fail_after(60):
        async with Client(server) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            assert listed == [tool["name"] for tool in manifest["tools"]]
            said = [(one["name"], one["description"], one["arguments"]) for one in manifest["prompts"]]
            prompts = (await client.list_prompts()).prompts
            assert said == [(one.name, one.description, [a.name for a in one.arguments or []]) for one in prompts]
            if demo == "true":
                assert (await call(client, "list_invoices"))["invoices"]
            elif sys.platform not in ("darwin", "win32"):  # There, it would open a window.
                assert kind_of(await client.call_tool("list_invoices", {})) == "not_connected"


def test_the_official_tool_accepts_it(tmp_path: Path) -> None:
    mcpb = shutil.which("mcpb")
    if mcpb is None:
        pytest.skip("the official tool is not on the PATH: npm install -g @anthropic-ai/mcpb")
    bundle = BUILD.build(tmp_path / "x.mcpb")
    for command in (
        ["unpack", str(bundle), str(tmp_path / "out")],
        ["validate", str(tmp_path / "out" / "manifest.json")],
        ["pack", str(tmp_path / "out"), str(tmp_path / "again.mcpb")],
    ):
        result = subprocess.run([mcpb, *command], capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
