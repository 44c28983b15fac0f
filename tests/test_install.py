"""`install` and `uninstall`: one entry in a chat app's configuration, and nothing else of it."""

import argparse
import difflib
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import tomllib
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import call
from mcp import Client, StdioServerParameters

import zoho_mcp
from zoho_mcp.cli.clients import yaml_text
from zoho_mcp.cli.clients.apps import CLIENTS, ConfigurationError, Machine
from zoho_mcp.cli.clients.configuration import NOTATIONS, adding
from zoho_mcp.cli.clients.install import install
from zoho_mcp.cli.clients.server import command_line, source_in
from zoho_mcp.cli.clients.uninstall import uninstall
from zoho_mcp.errors import SettingsError

pytestmark = pytest.mark.processes

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
PLAIN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("ZOHO_", "XDG_", "CLAUDE_", "CODEX_", "GEMINI_"))
}
PLATFORMS = ("darwin", "win32", "linux")
PATHS = {
    "claude-desktop": (
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
        ".config/Claude/claude_desktop_config.json",
    ),
    "claude-code": (".claude.json",) * 3,
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
        ".config/Code/User/mcp.json",
    ),
    "codex": (".codex/config.toml",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
    "copilot-cli": (".copilot/mcp-config.json",) * 3,
    "opencode": (".config/opencode/opencode.json",) * 3,
    "cline": (".cline/data/settings/cline_mcp_settings.json",) * 3,
    "zed": (".config/zed/settings.json", "AppData/Roaming/Zed/settings.json", ".config/zed/settings.json"),
    "lm-studio": (".lmstudio/mcp.json",) * 3,
    "goose": (
        ".config/goose/config.yaml",
        "AppData/Roaming/Block/goose/config/config.yaml",
        ".config/goose/config.yaml",
    ),
    "antigravity": (".gemini/config/mcp_config.json",) * 3,
    "kiro": (".kiro/settings/mcp.json",) * 3,
}
OTHER = """{
  "KEY": {
    "other": {
      "command": "x",
      "env": {"API_TOKEN": "hush"}
    }
  },
  "n": 1.0E+2
}
"""
COMMENTS = """// mine
{
  "KEY": {
    "other": {"command": "x"} // keep: "zoho-invoice": {}
    /* last */
  }
}
"""
JSON = {
    "no file": None,
    "an empty file": "",
    "an empty object": "{}",
    "an empty object on two lines": "{\n}\n",
    "an empty list of servers": '{\n  "KEY": {}\n}\n',
    "another server": OTHER,
    "another server, windows line ends": OTHER.replace("\n", "\r\n"),
    "another server, tabs": OTHER.replace("  ", "\t"),
    "another server, byte order mark": "\ufeff" + OTHER,
    "one line": '{"KEY": {"other": {"command": "x"}}, "n": 0.10}',
    "other settings only": '{\n    "theme": "dark",\n    "list": [1, {"a": "}"}]\n}',
    "an escaped name": '{\n  "KEY": {\n    "zoho\\u002dother": {"command": "\\"}{"}\n  }\n}\n',
}
JSONC = JSON | {
    "comments": COMMENTS,
    "trailing commas": '{\n  "KEY": {\n    "other": {"command": "x",},\n  },\n}\n',
    "only a comment inside": '{\n  "KEY": {\n    // none yet\n  }\n}\n',
}
TOML = {
    "no file": None,
    "an empty file": "",
    "settings": 'model = "o4" # the good one\n\n[tui]\nx = [\n  1,\n]\n',
    "no line end": 'model = "o4"',
    "another server": '[mcp_servers.other]\ncommand = "x"\n\n[mcp_servers.other.env]\nAPI_TOKEN = "hush"\n\n\n# end\n',
    "servers in one line": 'mcp_servers = { other = { command = "x" } }\n',
    "servers in dotted keys": '[mcp_servers]\nother.command = "x"\n',
    "windows line ends": '[mcp_servers.other]\r\ncommand = "x"\r\n',
}
YAML = {
    "no file": None,
    "an empty file": "",
    "only a comment": "# mine\n",
    "settings": "# mine\nGOOSE_MODEL: x # the good one\n\nlist:\n- 1\n-\n",
    "no line end": "GOOSE_MODEL: x",
    "an empty list of servers": "KEY: {}\nGOOSE_MODEL: x\n",
    "no value": "KEY: # none yet\nGOOSE_MODEL: x\n",
    "another server": "KEY:\n  other:\n    cmd: x # first\n    envs: {}\n\n# last\nGOOSE_MODEL: x\n",
    "another server, byte order mark": "\ufeffKEY:\n  other:\n    cmd: x\n",
    "windows line ends": "KEY:\r\n    other:\r\n        cmd: x\r\n        text: |\r\n          a\r\n\r\nn: 1\r\n",
}
LAYOUTS = {"json": JSON, "jsonc": JSONC, "toml": TOML, "yaml": YAML}
CASES = [(client, layout) for client in CLIENTS for layout in LAYOUTS[CLIENTS[client].notation]]


def machine(home: Path, platform: str = "linux", **environment: str) -> Machine:
    return Machine(platform, home, environment)


def options(client: str | None, **changes: Any) -> argparse.Namespace:
    plain: dict[str, Any] = {
        "client": client, "print": False, "force": False, "env": [], "sandbox": ":memory:", "profile": None,
        "toolsets": None, "tools": None, "exclude_tools": None, "read_only": False,
        "name": "zoho-invoice", "yes": True, "file": None, "diff": False, "url": "", "token_env": "", "link": False,
    }  # fmt: skip
    return argparse.Namespace(**plain | changes)


def prepared(home: Path, client: str, text: str | None) -> Path:
    path = CLIENTS[client].file(machine(home))
    path.parent.mkdir(parents=True, exist_ok=True)
    CLIENTS[client].installation(machine(home))[0].mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_bytes(text.replace("KEY", CLIENTS[client].key).encode())
    return path


def said(client: str, path: Path) -> dict[str, Any]:
    text = path.read_bytes().decode() if path.exists() else ""
    return NOTATIONS[CLIENTS[client].notation].says(text)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_keeps_its_servers_in_one_file(client: str, platform: str, tmp_path: Path) -> None:
    assert CLIENTS[client].file(machine(tmp_path, platform)) == tmp_path / PATHS[client][PLATFORMS.index(platform)]


@pytest.mark.parametrize(
    ("client", "variable", "rest"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("gemini", "GEMINI_CLI_HOME", ".gemini/settings.json"),
        ("vscode", "XDG_CONFIG_HOME", "Code/User/mcp.json"),
    ],
)
def test_a_client_that_was_moved_is_followed(client: str, variable: str, rest: str, tmp_path: Path) -> None:
    moved = machine(tmp_path, **{variable: str(tmp_path / "moved")})
    assert CLIENTS[client].file(moved) == tmp_path / "moved" / rest


def test_the_packaged_claude_desktop_of_windows_reads_its_own_folder(tmp_path: Path) -> None:
    windows = machine(tmp_path, "win32", LOCALAPPDATA=str(tmp_path / "Local"), APPDATA=str(tmp_path / "Roaming"))
    (tmp_path / "Roaming" / "Claude").mkdir(parents=True)
    assert CLIENTS["claude-desktop"].file(windows) == tmp_path / "Roaming" / "Claude" / "claude_desktop_config.json"
    packaged = [tmp_path / "Local" / "Packages" / f"Claude_{x}" / "LocalCache" / "Roaming" / "Claude" for x in "ab"]
    packaged[0].mkdir(parents=True)
    assert CLIENTS["claude-desktop"].file(windows) == packaged[0] / "claude_desktop_config.json"
    packaged[1].mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="Packages"):
        CLIENTS["claude-desktop"].file(windows)
    (packaged[1] / "claude_desktop_config.json").write_text("{}")
    assert CLIENTS["claude-desktop"].file(windows) == packaged[1] / "claude_desktop_config.json"


@pytest.mark.parametrize(("client", "layout"), CASES)
def test_installed_twice_and_removed_the_file_is_what_it_was(client: str, layout: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, client, LAYOUTS[CLIENTS[client].notation][layout])
    before, others = path.read_bytes() if path.exists() else None, said(client, path)
    assert install(options(client), machine(tmp_path)) == 0
    once = path.read_bytes()
    key = CLIENTS[client].key
    servers = said(client, path)[key]
    entry = servers.pop("zoho-invoice")
    assert (entry.get("args") or entry["command"])[-1] == "--sandbox"
    assert said(client, path) | {key: servers} == {key: {}} | {name: part for name, part in others.items() if part}
    assert install(options(client), machine(tmp_path)) == 0
    assert path.read_bytes() == once
    assert uninstall(options(client), machine(tmp_path)) == 0
    assert (path.read_bytes() if path.exists() else None) == before
    assert uninstall(options(client), machine(tmp_path)) == 0


@pytest.mark.parametrize(("client", "layout"), CASES)
def test_without_the_copy_what_others_wrote_is_still_left_as_it_is(client: str, layout: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, client, LAYOUTS[CLIENTS[client].notation][layout])
    others = said(client, path)
    install(options(client), machine(tmp_path))
    for copy in path.parent.glob("*.zoho-backup-*"):
        copy.unlink()
    uninstall(options(client), machine(tmp_path))
    key = CLIENTS[client].key
    assert {key: {}} | said(client, path) == {key: {}} | {name: part for name, part in others.items() if part}


@pytest.mark.parametrize("layout", ["another server", "another server, windows line ends", "another server, tabs"])
def test_lines_are_only_added_and_in_the_style_of_the_file(layout: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", JSON[layout])
    before = path.read_bytes().decode().splitlines(keepends=True)
    install(options("cursor"), machine(tmp_path))
    after = path.read_bytes().decode().splitlines(keepends=True)
    assert [line for line in difflib.ndiff(before, after) if line[0] not in "+ "] == []
    assert {line.endswith("\r\n") for line in after} == {"windows" in layout}
    assert {line[:1] for line in after if len(line.strip()) > 1} == {"\t" if "tabs" in layout else " "}


def test_comments_stay_at_the_lines_they_belong_to(tmp_path: Path) -> None:
    path = prepared(tmp_path, "vscode", COMMENTS)
    install(options("vscode"), machine(tmp_path))
    assert '"other": {"command": "x"} // keep' in path.read_text()


BROKEN = {
    "half a file": ("cursor", '{"mcpServers": {'),
    "comments where the client allows none": ("claude-desktop", '{\n // no\n "mcpServers": {}\n}'),
    "a list": ("cursor", "[]"),
    "servers in a list": ("cursor", '{"mcpServers": []}'),
    "servers that are null": ("cursor", '{"mcpServers": null}'),
    "the same key twice": ("cursor", '{"mcpServers": {}, "mcpServers": {"a": {}}}'),
    "not UTF-8": ("cursor", None),
    "nested too deep": ("cursor", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "no TOML": ("codex", "model ="),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_changed_safely_is_refused_and_left_alone(case: str, tmp_path: Path) -> None:
    client, text = BROKEN[case]
    path = prepared(tmp_path, client, text)
    if text is None:
        path.write_bytes('{"mcpServers": {}}'.encode("utf-16"))
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as refused:
        install(options(client), machine(tmp_path))
    assert str(path) in str(refused.value)
    assert path.read_bytes() == before
    assert [file for file in path.parent.iterdir() if file.is_file()] == [path]


def test_what_a_person_added_to_the_entry_is_kept(tmp_path: Path) -> None:
    path = prepared(tmp_path, "codex", None)
    install(options("codex"), machine(tmp_path))
    path.write_text(
        path.read_text() + "enabled = false\nstartup_timeout_sec = 20.5\n"
        '\n[mcp_servers.zoho-invoice.env]\nZOHO_DC = "eu"\n\n# next\n[tui]\nx = 1\n'
    )
    install(options("codex", read_only=True), machine(tmp_path))
    entry = tomllib.loads(path.read_text())["mcp_servers"]["zoho-invoice"]
    assert entry["args"][-2:] == ["--sandbox", "--read-only"]
    assert (entry["enabled"], entry["startup_timeout_sec"], entry["env"]) == (False, 20.5, {"ZOHO_DC": "eu"})
    assert path.read_text().endswith("\n\n# next\n[tui]\nx = 1\n")
    uninstall(options("codex"), machine(tmp_path))
    assert path.read_text().lstrip() == "# next\n[tui]\nx = 1\n"


def test_secrets_are_refused_and_those_of_the_environment_are_not_written(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", "{}")
    for name in ("ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"):
        with pytest.raises(SettingsError, match=name):
            install(options("cursor", env=[f"{name}=hush-hush"]), machine(tmp_path))
    assert path.read_text() == "{}"
    secrets = {"ZOHO_CLIENT_SECRET": "hush-hush", "ZOHO_REFRESH_TOKEN": "hush-hush", "HOME": str(tmp_path)}
    result = run("install", "cursor", "--yes", "--env", "ZOHO_DC=eu", **secrets)
    assert result.returncode == 0, result.stderr
    assert json.loads(path.read_text())["mcpServers"]["zoho-invoice"]["env"] == {"ZOHO_DC": "eu"}
    assert "hush" not in path.read_text() + result.stdout + result.stderr


def test_secrets_that_are_in_the_file_already_are_pointed_out_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry: dict[str, Any] = {
        "command": "old",
        "args": [],
        "env": {"ZOHO_CLIENT_SECRET": "hush", "ZOHO_REFRESH_TOKEN": "hush"},
    }
    path = prepared(tmp_path, "cursor", json.dumps({"mcpServers": {"zoho-invoice": entry}}, indent=2))
    assert install(options("cursor", sandbox=None, profile="shop"), machine(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN" in shown
    assert "hush" not in shown
    assert json.loads(path.read_text())["mcpServers"]["zoho-invoice"]["env"] == entry["env"]


def run(*arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoho_mcp.cli.main", *arguments],
        env=PLAIN | {"PYTHONPATH": str(CHECKOUT)} | environment,
        input=answer, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("answer", "done"), [("", False), ("n\n", False), ("\n", False), ("y\n", True)])
def test_the_change_is_shown_and_waits_for_a_yes(answer: str, done: bool, tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", OTHER)
    before = path.read_text()
    result = run("install", "cursor", "--sandbox", "--diff", answer=answer, HOME=str(tmp_path))
    assert str(path) in result.stdout
    assert '+    "zoho-invoice": {' in result.stdout
    assert "hush" not in result.stdout
    assert "\x1b" not in result.stdout
    assert (result.returncode, path.read_text() != before) == ((0, True) if done else (1, False))
    copies = list(path.parent.glob("mcp.json.zoho-backup-*"))
    assert [copy.read_text() for copy in copies] == ([before] if done else [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_at_the_question_leaves_no_mess(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", OTHER)
    with subprocess.Popen(
        [sys.executable, "-m", "zoho_mcp.cli.main", "install", "cursor"],
        env=PLAIN | {"PYTHONPATH": str(CHECKOUT), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        shown = ""
        while not shown.endswith("[y/N] "):
            shown += process.stdout.read(1)
        for _ in range(6):
            # One that comes just before Python waits for a line is noticed with the next key.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
                break
        assert process.poll() == 130
        assert process.stderr.read() == ""
    assert [file.name for file in path.parent.iterdir()] == ["mcp.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_ends_a_server_that_waits_for_input() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "zoho_mcp.cli.main"],
        env=PLAIN | {"PYTHONPATH": str(CHECKOUT), "ZOHO_SANDBOX": "true"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such modes")
def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", None)
    real = tmp_path / "dotfiles.json"
    real.write_text(OTHER)
    real.chmod(0o640)
    path.symlink_to(real)
    install(options("cursor"), machine(tmp_path))
    assert path.is_symlink()
    assert "zoho-invoice" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    new = prepared(tmp_path, "windsurf", None)
    install(options("windsurf"), machine(tmp_path))
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_a_file_that_another_program_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", OTHER)
    change = adding(CLIENTS["cursor"], path, "zoho-invoice", {"command": "x"})
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="mcp"):
        change.make(datetime.now())
    assert path.read_text() == "{}"
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_is_not_there_is_not_invented(client: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        install(options(client), machine(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert f" {tmp_path}." not in str(refused.value), "its home folder is there"
    assert install(options(client, force=True), machine(tmp_path)) == 0
    assert CLIENTS[client].file(machine(tmp_path)).exists()


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_is_told_to_look_for_a_server_that_was_taken_out(
    client: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(tmp_path, client, None)
    install(options(client), machine(tmp_path))
    advice = capsys.readouterr().out.splitlines()[-1]
    uninstall(options(client), machine(tmp_path))
    said = capsys.readouterr().out
    assert CLIENTS[client].title in said
    assert advice not in said


def test_without_a_client_the_choice_is_named_and_any_other_gets_the_entry_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match="claude-desktop, claude-code, cursor"):
        install(options(None), machine(tmp_path))
    with pytest.raises(ConfigurationError, match="cursor"):
        install(options("curser"), machine(tmp_path))
    assert install(options(None, print=True, name="zoho"), machine(tmp_path)) == 0
    assert list(json.loads(capsys.readouterr().out)["mcpServers"]) == ["zoho"]
    assert install(options("codex", print=True), machine(tmp_path)) == 0
    assert "zoho-invoice" in tomllib.loads(capsys.readouterr().out)["mcp_servers"]
    assert list(tmp_path.iterdir()) == []


def test_an_entry_for_goose_can_be_pasted_without_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ruamel.yaml", None)
        assert install(options("goose", print=True), machine(tmp_path)) == 0
    found = yaml_text.read("GOOSE_MODE: auto\n" + capsys.readouterr().out + "theme: dark\n")
    assert list(found) == ["GOOSE_MODE", "extensions", "theme"]
    assert list(found["extensions"]) == ["zoho-invoice"]


def test_options_of_the_server_go_into_the_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(**changes: Any) -> list[str]:
        assert install(options("vscode", print=True, **changes), machine(tmp_path)) == 0
        entry = json.loads(capsys.readouterr().out)["servers"]["zoho-invoice"]
        assert entry["type"] == "stdio"
        assert Path(entry["command"]).is_absolute()
        return [part for part in entry["args"] if part not in ("-m", "zoho_mcp.cli.main")]

    assert printed(sandbox=None) == []
    assert printed(sandbox="books.db") == ["--sandbox", os.path.abspath("books.db")]
    assert printed(sandbox=None, profile="shop", toolsets="invoices,customers", read_only=True) == [
        "--profile", "shop", "--toolsets", "invoices,customers", "--read-only",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile": "x"}, "--profile"),
        ({"toolsets": "invoces"}, "invoces"),
        ({"env": ["ZOHO_DC=mars"]}, "ZOHO_DC"),
        ({"env": ["ZOHO_NOPE=1"]}, "ZOHO_NOPE"),
    ],
)
def test_what_would_stop_the_server_later_is_refused_now(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", "{}")
    with pytest.raises(SettingsError, match=message):
        install(options("cursor", **changes), machine(tmp_path))
    assert path.read_text() == "{}"


def test_the_sandbox_may_be_named_before_the_client(tmp_path: Path) -> None:
    path = prepared(tmp_path, "cursor", None)
    assert install(options(None, sandbox="cursor"), machine(tmp_path)) == 0
    assert json.loads(path.read_text())["mcpServers"]["zoho-invoice"]["args"][-1] == "--sandbox"


def test_the_command_is_that_of_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("PATH", str(elsewhere))
    here = partial(command_line, tmp_path, tmp_path, "zoho-invoice-mcp")
    assert here() == (sys.executable, ["-m", "zoho_mcp.cli.main"])
    (elsewhere / "zoho-invoice-mcp").touch(mode=0o755)
    assert here() == (str(elsewhere / "zoho-invoice-mcp"), [])
    (tmp_path / "zoho-invoice-mcp").touch(mode=0o755)
    assert here() == (str(tmp_path / "zoho-invoice-mcp"), [])


def test_a_command_in_a_cache_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "zoho-invoice-mcp").touch(mode=0o755)
    (tmp_path / "uvx").touch(mode=0o755)
    uv, pipx = tmp_path / "uv" / "archive-v0" / "x", tmp_path / ".cache" / "pipx" / "x"
    assert command_line(tmp_path, uv, "zoho-invoice-mcp") == (
        str(tmp_path / "uvx"),
        [f"zoho-invoice-mcp@{zoho_mcp.__version__}"],
    )
    for prefix, source in ((uv, "/a folder"), (pipx, "zoho-invoice-mcp")):
        with pytest.raises(ConfigurationError) as refused:
            command_line(tmp_path, prefix, source)
        assert f"uv tool install {shlex.quote(source)}" in refused.value.next_step


@pytest.mark.parametrize(
    ("note", "source"),
    [
        ({"url": "file:///home/you/the%20code", "dir_info": {}}, "/home/you/the code"),
        ({"url": "https://x.example/z.git", "vcs_info": {"vcs": "git"}}, "git+https://x.example/z.git"),
        ({"url": "https://x.example/z.whl", "archive_info": {}}, "https://x.example/z.whl"),
    ],
)
def test_what_was_installed_can_be_installed_again(note: dict[str, Any], source: str) -> None:
    assert source_in(note) == source


@pytest.mark.anyio
async def test_the_entry_that_was_written_starts_the_server(tmp_path: Path) -> None:
    path = prepared(tmp_path, "claude-desktop", OTHER)
    install(options("claude-desktop", toolsets="customers,lookups"), machine(tmp_path))
    entry = json.loads(path.read_text())["mcpServers"]["zoho-invoice"]
    server = StdioServerParameters(
        command=entry["command"], args=entry["args"], env=PLAIN | {"PYTHONPATH": str(CHECKOUT)}, cwd=tmp_path
    )
    with anyio.fail_after(60):
        async with Client(server) as client:
            assert "create_invoice" not in {tool.name for tool in (await client.list_tools()).tools}
            assert (await call(client, "list_customers"))["customers"]
