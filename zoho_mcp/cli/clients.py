"""The programs people chat in: where each keeps its list of MCP servers, and in which words.

Checked against the clients' own documentation in November 2026; docs/clients.md says the same for people.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoho_mcp.errors import ZohoMcpError

_SANDBOXED_CLAUDE = "Claude_*/LocalCache/Roaming/Claude"
"""Below %LOCALAPPDATA%/Packages: Windows keeps the files of a packaged (MSIX) program there, and shows it no others."""


class ConfigurationError(ZohoMcpError):
    """A client's configuration cannot be found, read or changed; it is as it was."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the place of a configuration depends on."""

    platform: str
    home: Path
    environment: Mapping[str, str]

    def settings_folder(self) -> Path:
        """Where this system's programs keep their settings."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self.folder("APPDATA", self.home / "AppData" / "Roaming")
        return self.folder("XDG_CONFIG_HOME", self.home / ".config")

    def folder(self, variable: str, otherwise: Path) -> Path:
        """The folder an environment variable names, or the usual one."""
        return Path(self.environment[variable]) if self.environment.get(variable) else otherwise


def this_machine() -> Machine:
    """The one this runs on."""
    return Machine(sys.platform, Path.home(), os.environ)


@dataclass(frozen=True, slots=True)
class Client:
    """One program: the file, the words in it, and what its user has to do afterwards."""

    name: str
    title: str
    file: Callable[[Machine], Path]
    afterwards: str
    key: str = "mcpServers"
    notation: Literal["json", "jsonc", "toml"] = "json"
    typed: bool = False
    """An entry says `"type": "stdio"`."""
    caution: str = ""
    """What can undo a change."""

    def folder(self, machine: Machine) -> Path:
        """The folder that shows that the program is installed."""
        parent = self.file(machine).parent
        # Claude Code's file lies in the home folder itself, which proves nothing.
        return machine.home / ".claude" if parent == machine.home else parent

    def is_installed(self, machine: Machine) -> bool:
        """Whether the program has left a trace on this machine."""
        return self.folder(machine).is_dir() or self.file(machine).exists()


def _claude_desktop(machine: Machine) -> Path:
    usual = machine.settings_folder() / "Claude"
    folders = [usual]
    if machine.platform == "win32":
        packages = machine.folder("LOCALAPPDATA", machine.home / "AppData" / "Local") / "Packages"
        folders = sorted(packages.glob(_SANDBOXED_CLAUDE)) or folders
    files = [folder / "claude_desktop_config.json" for folder in folders]
    known = [file for file in files if file.exists()] or files
    if len(known) > 1:
        raise ConfigurationError(
            "There is more than one Claude Desktop on this machine: " + ", ".join(map(str, known)) + ".",
            "Say which with --file.",
        )
    return known[0]


def _claude_code(machine: Machine) -> Path:
    return machine.folder("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json"


_RESTART = "Quit {title} completely and open it again."

CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        Client("claude-desktop", "Claude Desktop", _claude_desktop, _RESTART),
        Client(
            "claude-code",
            "Claude Code",
            _claude_code,
            "Start Claude Code anew; /mcp shows the server.",
            typed=True,
            caution="Claude Code rewrites its file while it runs: if the change is gone, close it and run this again.",
        ),
        Client("cursor", "Cursor", lambda m: m.home / ".cursor" / "mcp.json", _RESTART),
        Client(
            "vscode",
            "VS Code",
            lambda m: m.settings_folder() / "Code" / "User" / "mcp.json",
            "Run “MCP: List Servers” in the command palette and start it.",
            key="servers",
            notation="jsonc",
            typed=True,
        ),
        Client(
            "codex",
            "Codex",
            lambda m: m.folder("CODEX_HOME", m.home / ".codex") / "config.toml",
            "Start Codex anew; /mcp shows the server.",
            key="mcp_servers",
            notation="toml",
        ),
        Client(
            "gemini",
            "Gemini CLI",
            lambda m: m.folder("GEMINI_CLI_HOME", m.home) / ".gemini" / "settings.json",
            "Start Gemini CLI anew; /mcp shows the server.",
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
