"""The chat apps that `install` knows: where each keeps its MCP servers, and how an entry looks there.

Checked against the apps' own documentation in November 2026; docs/clients.md says the same for people.
"""

from collections.abc import Mapping
from pathlib import Path

from zoho_mcp.cli.clients.model import Client, ConfigurationError, Entry, Local, Machine

_PACKAGED_CLAUDE = "Claude_*/LocalCache/Roaming/Claude"
"""Below %LOCALAPPDATA%/Packages: Windows keeps the files of a packaged (MSIX) app there, and shows it no others."""


def _claude_desktop(machine: Machine) -> Path:
    usual = machine.settings_folder() / "Claude"
    folders = [usual]
    if machine.platform == "win32":
        packages = machine.folder("LOCALAPPDATA", machine.home / "AppData" / "Local") / "Packages"
        folders = sorted(packages.glob(_PACKAGED_CLAUDE)) or folders
    files = [folder / "claude_desktop_config.json" for folder in folders]
    known = [file for file in files if file.exists()] or files
    if len(known) > 1:
        raise ConfigurationError(
            "There is more than one Claude Desktop on this machine: " + ", ".join(map(str, known)) + ".",
            "Choose one with --file.",
        )
    return known[0]


def _claude_code(machine: Machine) -> Path:
    return machine.folder("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json"


def _typed(server: Local) -> Entry:
    return {"type": "stdio", **server.standard()}


_RESTART = "Quit {title} completely and open it again."

CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        Client("claude-desktop", "Claude Desktop", _claude_desktop, _RESTART),
        Client(
            "claude-code",
            "Claude Code",
            _claude_code,
            "Restart Claude Code; /mcp shows the server.",
            local=_typed,
            caution="Claude Code rewrites its file while it runs: if the change is lost, close it and run this again.",
            sign=lambda m: m.home / ".claude",
        ),
        Client("cursor", "Cursor", lambda m: m.home / ".cursor" / "mcp.json", _RESTART),
        Client(
            "vscode",
            "VS Code",
            lambda m: m.settings_folder() / "Code" / "User" / "mcp.json",
            "Run “MCP: List Servers” in the command palette and start it.",
            key="servers",
            notation="jsonc",
            local=_typed,
        ),
        Client(
            "codex",
            "Codex",
            lambda m: m.folder("CODEX_HOME", m.home / ".codex") / "config.toml",
            "Restart Codex; /mcp shows the server.",
            key="mcp_servers",
            notation="toml",
        ),
        Client(
            "gemini",
            "Gemini CLI",
            lambda m: m.folder("GEMINI_CLI_HOME", m.home) / ".gemini" / "settings.json",
            "Restart Gemini CLI; /mcp shows the server.",
            notation="jsonc",
        ),
        Client(
            "windsurf",
            "Windsurf",
            lambda m: m.home / ".codeium" / "windsurf" / "mcp_config.json",
            "Press Refresh in Windsurf's list of MCP servers.",
        ),
    )
}
