"""What is known about a chat app: its configuration file, how an entry looks there, and what its user does next."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from zoho_mcp.errors import ZohoMcpError

Entry = dict[str, Any]


class ConfigurationError(ZohoMcpError):
    """A chat app's configuration cannot be found, read or changed; it is as it was."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the place of a configuration file depends on. `platform` as in `sys.platform`."""

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
class Local:
    """A server that the chat app starts itself."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def standard(self) -> Entry:
        """The entry most chat apps want: `{"command": …, "args": […], "env": {…}}`."""
        entry: Entry = {"command": self.command, "args": list(self.arguments)}
        return {**entry, "env": dict(self.environment)} if self.environment else entry


@dataclass(frozen=True, slots=True)
class Remote:
    """A server over HTTP, and the environment variable that holds its bearer token, if it needs one."""

    url: str
    token_variable: str = ""

    def headers(self, reference: str) -> Entry:
        """The header with the token, `reference` being how the app quotes the variable `{}`; nothing without one."""
        if not self.token_variable:
            return {}
        return {"headers": {"Authorization": f"Bearer {reference.replace('{}', self.token_variable)}"}}


@dataclass(frozen=True, slots=True)
class Client:
    """One chat app."""

    name: str
    title: str
    file: Callable[[Machine], Path]
    afterwards: str
    """What its user does after a change."""
    key: str = "mcpServers"
    """The key of the servers in the file."""
    notation: Literal["json", "jsonc", "toml", "yaml"] = "json"
    local: Callable[[Local], Entry] = Local.standard
    remote: Callable[[Remote], Entry] | None = None
    """None: the app takes no server over HTTP from its file."""
    remote_instead: str = ""
    """What to do where `remote` is None."""
    caution: str = ""
    """What can undo a change."""
    sign: Callable[[Machine], Path] | None = None
    """A folder that proves that the app is installed, where the file's own folder does not."""

    def folder(self, machine: Machine) -> Path:
        """The folder that shows that the app is installed."""
        return self.sign(machine) if self.sign else self.file(machine).parent

    def is_installed(self, machine: Machine) -> bool:
        """Whether the app has left a trace on this machine."""
        return self.folder(machine).is_dir() or self.file(machine).exists()
