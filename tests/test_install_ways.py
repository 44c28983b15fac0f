"""`install` beyond a file: servers over HTTP, links, the apps' own commands, files that cannot be written."""

import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from test_install import CLIENTS, machine, options, prepared, said

from zoho_mcp.cli.clients import yaml_text
from zoho_mcp.cli.clients.apps import ConfigurationError, Machine
from zoho_mcp.cli.clients.install import install
from zoho_mcp.cli.clients.server import command_line
from zoho_mcp.cli.clients.uninstall import uninstall

pytestmark = pytest.mark.processes
URL = "https://books.example/mcp"
OVER_HTTP: dict[str, dict[str, Any] | None] = {
    # What is in the file with --token-env TOKEN; None: the app takes none.
    "claude-desktop": None,
    "claude-code": {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${TOKEN}"}},
    "cursor": {"url": URL, "headers": {"Authorization": "Bearer ${env:TOKEN}"}},
    "vscode": {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${env:TOKEN}"}},
    "copilot-cli": {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${TOKEN}"}, "tools": ["*"]},
    "codex": {"url": URL, "bearer_token_env_var": "TOKEN"},
    "gemini": {"type": "http", "url": URL, "headers": {"Authorization": "Bearer ${TOKEN}"}},
    "windsurf": {"serverUrl": URL, "headers": {"Authorization": "Bearer ${env:TOKEN}"}},
    "opencode": {"type": "remote", "url": URL, "headers": {"Authorization": "Bearer {env:TOKEN}"}},
    "cline": None,
    "zed": None,
    "lm-studio": None,
    "goose": {
        "name": "zoho-invoice", "enabled": True, "type": "streamable_http", "description": "Invoicing on Zoho",
        "uri": URL, "env_keys": ["TOKEN"], "timeout": 300, "headers": {"Authorization": "Bearer ${TOKEN}"},
    },
    "antigravity": None,
    "kiro": {"url": URL, "headers": {"Authorization": "Bearer ${TOKEN}"}},
}  # fmt: skip
ADDRESS_ALONE: dict[str, dict[str, Any]] = {
    "cline": {"type": "streamableHttp", "url": URL},
    "zed": {"url": URL},
    "lm-studio": {"url": URL},
    "antigravity": {"serverUrl": URL},
    "codex": {"url": URL},
    "cursor": {"url": URL},
}


def remote(client: str, token: str = "TOKEN", **changes: Any) -> Any:
    return options(client, sandbox=None, url=URL, token_env=token, **changes)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_over_http_is_installed_with_the_name_of_its_token_and_removed(client: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, client, None)
    expected = OVER_HTTP[client]
    if expected is None:
        with pytest.raises(ConfigurationError):
            install(remote(client), machine(tmp_path))
        assert not path.exists()
        return
    assert install(remote(client), machine(tmp_path)) == 0
    assert said(client, path)[CLIENTS[client].key] == {"zoho-invoice": expected}
    assert uninstall(remote(client), machine(tmp_path)) == 0
    assert not path.exists()


@pytest.mark.parametrize("client", ADDRESS_ALONE)
def test_without_a_token_the_entry_is_the_address_alone(client: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, client, None)
    assert install(remote(client, token=""), machine(tmp_path)) == 0
    assert said(client, path)[CLIENTS[client].key] == {"zoho-invoice": ADDRESS_ALONE[client]}


def test_a_link_holds_the_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def linked(client: str, **changes: Any) -> str:
        assert install(remote(client, link=True, **changes), machine(tmp_path)) == 0
        return capsys.readouterr().out.strip()

    for client in ("cursor", "lm-studio"):
        link = urlsplit(linked(client, token=""))
        assert link.scheme == {"cursor": "cursor", "lm-studio": "lmstudio"}[client]
        query = parse_qs(link.query)
        assert query["name"] == ["zoho-invoice"]
        assert json.loads(base64.b64decode(query["config"][0])) == {"url": URL}
    vscode = linked("vscode")
    assert vscode.startswith("vscode:mcp/install?")
    assert json.loads(unquote(vscode.partition("?")[2])) == {"name": "zoho-invoice", **(OVER_HTTP["vscode"] or {})}
    goose = parse_qs(urlsplit(linked("goose", token="")).query)
    assert (goose["type"], goose["url"], goose["name"]) == (["streamable_http"], [URL], ["zoho-invoice"])
    with pytest.raises(ConfigurationError):
        linked("codex")
    with pytest.raises(ConfigurationError):
        # goose opens no link that starts any program.
        install(options("goose", link=True), machine(tmp_path))
    assert list(tmp_path.iterdir()) == []


RECORDED = """
import json, pathlib, sys
home, words = pathlib.Path({home!r}), sys.argv[1:]
(home / "ran").open("a").write(json.dumps(words) + "\\n")
path, key = home / {path!r}, {key!r}
data = json.loads(path.read_text() or "{{}}") if path.exists() else {{}}
servers = data.setdefault(key, {{}})
if words[1] == "add-json":
    servers[words[4]] = json.loads(words[5])
elif words[0] == "--add-mcp":
    entry = json.loads(words[1])
    servers[entry.pop("name")] = entry
elif words[1] == "remove":
    del servers[words[-1]]
path.write_text(json.dumps(data, indent=4))
sys.exit({status})
"""
"""What `claude mcp add-json`, `claude mcp remove` and `code --add-mcp` did to their file, as recorded."""


def with_program(home: Path, client: str, *, status: int = 0) -> Machine:
    programs = home / "bin"
    programs.mkdir()
    own = CLIENTS[client].own
    assert own is not None
    program = programs / own.program
    path = str(CLIENTS[client].file(machine(home)).relative_to(home))
    text = RECORDED.format(home=str(home), path=path, key=CLIENTS[client].key, status=status)
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o755)
    return machine(home, PATH=str(programs))


LAYOUTS = {
    "no file": None,
    "an empty file": "",
    "other settings": '{"a": [1,\n 2.50]}',
    "another server": '{\n\t"KEY": {"other": {"command": "x"}}\n}\n',
    "an empty list of servers": '{ "KEY": { } }',
}


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a #! line")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("client", ["claude-code", "vscode"])
def test_the_apps_own_command_is_used_and_afterwards_the_file_is_what_it_was(
    client: str, layout: str, tmp_path: Path
) -> None:
    path = prepared(tmp_path, client, LAYOUTS[layout])
    before = path.read_bytes() if path.exists() else None
    own = with_program(tmp_path, client)
    assert install(options(client), own) == 0
    assert said(client, path)[CLIENTS[client].key]["zoho-invoice"]["args"][-1] == "--sandbox"
    assert len((tmp_path / "ran").read_text().splitlines()) == 1
    assert uninstall(options(client), own) == 0
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a #! line")
def test_geminis_command_is_not_used_where_it_would_write_secrets_into_the_file(tmp_path: Path) -> None:
    path = prepared(tmp_path, "gemini", '{"mcpServers": {"other": {"env": {"KEY": "${SECRET}"}}}}')
    assert install(options("gemini"), with_program(tmp_path, "gemini")) == 0
    assert not (tmp_path / "ran").exists()
    assert set(said("gemini", path)["mcpServers"]) == {"other", "zoho-invoice"}


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a #! line")
def test_where_the_command_fails_the_file_is_changed(tmp_path: Path) -> None:
    path = prepared(tmp_path, "claude-code", None)
    own = with_program(tmp_path, "claude-code")
    (tmp_path / "bin" / "claude").write_text("#!/bin/sh\nexit 1\n")
    assert install(options("claude-code"), own) == 0
    assert "zoho-invoice" in said("claude-code", path)["mcpServers"]


def test_a_read_only_file_is_named_as_such_and_stays(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", "{}")
    path.chmod(0o444)
    with pytest.raises(ConfigurationError) as refused:
        install(options("cursor"), machine(tmp_path))
    assert str(path) in str(refused.value)
    assert path.read_text() == "{}"
    assert list(path.parent.iterdir()) == [path]


def test_cline_is_found_as_a_program_and_as_an_extension(tmp_path: Path) -> None:
    extension = tmp_path / ".config/Code/User/globalStorage/saoudrizwan.claude-dev"
    extension.mkdir(parents=True)
    own = extension / "settings" / "cline_mcp_settings.json"
    assert CLIENTS["cline"].file(machine(tmp_path)) == own
    program = tmp_path / ".cline/data/settings/cline_mcp_settings.json"
    for file in (own, program):
        file.parent.mkdir(parents=True)
    assert CLIENTS["cline"].file(machine(tmp_path)) == program
    for file in (own, program):
        file.write_text("{}")
    with pytest.raises(ConfigurationError):
        CLIENTS["cline"].file(machine(tmp_path))
    elsewhere = machine(tmp_path, CLINE_MCP_SETTINGS_PATH=str(tmp_path / "own.json"))
    assert CLIENTS["cline"].file(elsewhere) == tmp_path / "own.json"


def test_an_earlier_antigravity_keeps_its_file(tmp_path: Path) -> None:
    folder = tmp_path / ".gemini" / "antigravity"
    folder.mkdir(parents=True)
    assert CLIENTS["antigravity"].is_installed(machine(tmp_path))
    assert CLIENTS["antigravity"].file(machine(tmp_path)) == tmp_path / ".gemini" / "config" / "mcp_config.json"
    (folder / "mcp_config.json").write_text("{}")
    assert CLIENTS["antigravity"].file(machine(tmp_path)) == folder / "mcp_config.json"


def test_opencode_keeps_the_file_it_has(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.jsonc").write_text("{}")
    assert CLIENTS["opencode"].file(machine(tmp_path)) == folder / "opencode.jsonc"


def test_a_virtual_environment_of_poetry_below_a_cache_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    prefix = tmp_path / ".cache" / "pypoetry" / "virtualenvs" / "shop-x-py3.11"
    prefix.mkdir(parents=True)
    (prefix / "zoho-invoice-mcp").touch(mode=0o755)
    assert command_line(prefix, prefix, "/code") == (str(prefix / "zoho-invoice-mcp"), [])


@pytest.mark.parametrize("text", ["extensions: 3\n", "- 1\n", "a: [\n", "a: 1\na: 2\n"])
def test_yaml_that_is_not_in_blocks_is_refused(text: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, "goose", text)
    with pytest.raises(ConfigurationError):
        install(options("goose"), machine(tmp_path))
    assert path.read_text() == text


def test_a_changed_entry_keeps_its_place_in_yaml() -> None:
    text = "extensions:\n  a:\n    cmd: x\n  zoho:\n    cmd: old\n    args:\n    - 1\n# end of them\nm: 1\n"
    changed = yaml_text.put(text, "extensions", "zoho", {"cmd": "new"})
    assert changed == text.replace("old", "new")
