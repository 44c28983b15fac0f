"""The chat apps that `install` knows: where each keeps its MCP servers, and how an entry looks there.

Checked against the apps' own documentation in November 2026; docs/clients.md says the same for people.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from zoho_mcp.cli.clients import links, own_command
from zoho_mcp.cli.clients.model import Client, ConfigurationError, Entry, Local, Machine, Remote

_PACKAGED_CLAUDE = "Claude_*/LocalCache/Roaming/Claude"
"""Below %LOCALAPPDATA%/Packages: Windows keeps the files of a packaged (MSIX) app there, and shows it no others."""


def _claude_desktop(machine: Machine) -> Path:
    usual = machine.settings_folder() / "Claude"
    folders = [usual]
    if machine.platform == "win32":
        packages = machine.folder("LOCALAPPDATA", machine.home / "AppData" / "Local") / "Packages"
        folders = sorted(packages.glob(_PACKAGED_CLAUDE)) or folders
    return _the_one("Claude Desktop", [folder / "claude_desktop_config.json" for folder in folders])


def _the_one(title: str, files: list[Path]) -> Path:
    """The only one of the files, or the only one that exists. Raises ConfigurationError where that is not clear."""
    known = [file for file in files if file.exists()] or files
    if len(known) > 1:
        raise ConfigurationError(
            f"There is more than one {title} on this machine: " + ", ".join(map(str, known)) + ".",
            "Choose one with --file.",
        )
    return known[0]


def _claude_code(machine: Machine) -> Path:
    return machine.folder("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json"


def _cline(machine: Machine) -> Path:
    name = "cline_mcp_settings.json"
    if set_by_user := machine.environment.get("CLINE_MCP_SETTINGS_PATH"):
        return Path(set_by_user)
    data = machine.folder("CLINE_DATA_DIR", machine.folder("CLINE_DIR", machine.home / ".cline") / "data")
    extension = machine.settings_folder() / "Code" / "User" / "globalStorage" / "saoudrizwan.claude-dev"
    files = [data / "settings" / name, extension / "settings" / name]
    if not any(file.exists() for file in files):
        return files[extension.is_dir() and not data.is_dir()]
    return _the_one("Cline", files)


def _opencode(machine: Machine) -> Path:
    folder = machine.folder("OPENCODE_CONFIG_DIR", machine.xdg() / "opencode")
    files = [folder / "opencode.json", folder / "opencode.jsonc"]
    return next((file for file in files if file.exists()), files[0])


def _goose(machine: Machine) -> Path:
    if machine.platform == "win32":
        return machine.settings_folder() / "Block" / "goose" / "config" / "config.yaml"
    return machine.xdg() / "goose" / "config.yaml"


def _zed(machine: Machine) -> Path:
    if machine.platform == "win32":
        return machine.settings_folder() / "Zed" / "settings.json"
    return (machine.home / ".config" if machine.platform == "darwin" else machine.xdg()) / "zed" / "settings.json"


def _antigravity(machine: Machine) -> Path:
    # Version 2 reads the first, for the editor and the command line; earlier ones read the second.
    files = [machine.home / ".gemini" / folder / "mcp_config.json" for folder in ("config", "antigravity")]
    return next((file for file in files if file.exists()), files[0])


def _antigravity_sign(machine: Machine) -> Path:
    folder = machine.home / ".gemini" / "antigravity"
    return folder if folder.is_dir() else _antigravity(machine).parent


def _typed(server: Local) -> Entry:
    return {"type": "stdio", **server.standard()}


def _copilot(server: Local) -> Entry:
    return {"type": "local", **server.standard(), "tools": ["*"]}


def _opencode_entry(server: Local) -> Entry:
    entry: Entry = {"type": "local", "command": [server.command, *server.arguments]}
    return {**entry, "environment": dict(server.environment)} if server.environment else entry


def _goose_entry(server: Local) -> Entry:
    entry: Entry = {"enabled": True, "type": "stdio", "description": _ABOUT, "cmd": server.command}
    return {**entry, "args": list(server.arguments), "envs": dict(server.environment), "timeout": 300}


def _goose_remote(server: Remote) -> Entry:
    entry: Entry = {"enabled": True, "type": "streamable_http", "description": _ABOUT, "uri": server.url}
    entry |= {"env_keys": [server.token_variable]} if server.token_variable else {}
    return server.with_headers({**entry, "timeout": 300}, "${NAME}")


def _codex_remote(server: Remote) -> Entry:
    return {"url": server.url} | ({"bearer_token_env_var": server.token_variable} if server.token_variable else {})


def _remote(key: str = "url", reference: str = "${NAME}", **more: object) -> Callable[[Remote], Entry]:
    """The usual entry of a server over HTTP: the address under `key`, the header with its token."""
    return lambda server: server.with_headers({**more, key: server.url}, reference)


_ABOUT = "Invoicing on Zoho"
_RESTART = "Quit {title} completely and open it again."

CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        Client(
            "claude-desktop",
            "Claude Desktop",
            _claude_desktop,
            _RESTART,
            remote_instead="Add its address in Claude Desktop: Settings, Connectors, Add custom connector.",
        ),
        Client(
            "claude-code",
            "Claude Code",
            _claude_code,
            "Restart Claude Code; /mcp shows the server.",
            local=_typed,
            remote=_remote(type="http"),
            own=own_command.CLAUDE,
            caution="Claude Code rewrites its file while it runs: if the change is lost, close it and run this again.",
            sign=lambda m: m.home / ".claude",
        ),
        Client(
            "cursor",
            "Cursor",
            lambda m: m.home / ".cursor" / "mcp.json",
            _RESTART,
            remote=_remote(reference="${env:NAME}"),
            link=links.cursor,
        ),
        Client(
            "vscode",
            "VS Code",
            lambda m: m.settings_folder() / "Code" / "User" / "mcp.json",
            "Run “MCP: List Servers” in the command palette and start it.",
            key="servers",
            notation="jsonc",
            local=_typed,
            remote=_remote(reference="${env:NAME}", type="http"),
            own=own_command.VSCODE,
            link=links.vscode,
        ),
        # Its own command also changes the entries of other servers.
        Client(
            "copilot-cli",
            "GitHub Copilot CLI",
            lambda m: m.folder("COPILOT_HOME", m.home / ".copilot") / "mcp-config.json",
            "Restart Copilot CLI; /mcp shows the server.",
            local=_copilot,
            remote=_remote(type="http", tools=["*"]),
        ),
        Client(
            "codex",
            "Codex",
            lambda m: m.folder("CODEX_HOME", m.home / ".codex") / "config.toml",
            "Restart Codex; /mcp shows the server.",
            key="mcp_servers",
            notation="toml",
            remote=_codex_remote,
            own=own_command.CODEX,
        ),
        Client(
            "gemini",
            "Gemini CLI",
            lambda m: m.folder("GEMINI_CLI_HOME", m.home) / ".gemini" / "settings.json",
            "Restart Gemini CLI in a folder that it trusts; /mcp shows the server.",
            notation="jsonc",
            remote=_remote(type="http"),
            own=own_command.GEMINI,
        ),
        Client(
            "windsurf",
            "Windsurf",
            lambda m: m.home / ".codeium" / "windsurf" / "mcp_config.json",
            "Press Refresh in Windsurf's list of MCP servers.",
            remote=_remote("serverUrl", "${env:NAME}"),
        ),
        # Its own command removes nothing.
        Client(
            "opencode",
            "opencode",
            _opencode,
            "Restart opencode; `opencode mcp list` shows the server.",
            key="mcp",
            notation="jsonc",
            local=_opencode_entry,
            remote=_remote(reference="{env:NAME}", type="remote"),
        ),
        Client(
            "cline",
            "Cline",
            _cline,
            "Open Cline's list of MCP servers, or restart Cline.",
            remote=_remote(type="streamableHttp"),
            reads_variables=False,
            sign=lambda m: _cline(m).parent.parent,
        ),
        Client(
            "zed",
            "Zed",
            _zed,
            "Zed's agent settings show the server.",
            key="context_servers",
            notation="jsonc",
            remote=_remote(),
            reads_variables=False,
        ),
        Client(
            "lm-studio",
            "LM Studio",
            lambda m: m.home / ".lmstudio" / "mcp.json",
            "Switch the server on in LM Studio's Program tab.",
            remote=_remote(),
            reads_variables=False,
            link=links.lm_studio,
        ),
        Client(
            "goose",
            "goose",
            _goose,
            "Start a new goose session.",
            key="extensions",
            notation="yaml",
            local=_goose_entry,
            remote=_goose_remote,
            named=True,
            link=links.goose,
        ),
        Client(
            "antigravity",
            "Antigravity",
            _antigravity,
            "Press Refresh in Antigravity's list of MCP servers.",
            remote=_remote("serverUrl"),
            reads_variables=False,
            sign=_antigravity_sign,
        ),
        Client(
            "kiro",
            "Kiro",
            lambda m: m.home / ".kiro" / "settings" / "mcp.json",
            "Kiro's list of MCP servers shows the server.",
            remote=_remote(),
            sign=lambda m: m.home / ".kiro",
        ),
    )
}
