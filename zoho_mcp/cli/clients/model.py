"""What is known about a chat app: its configuration file, how an entry looks there, and what its user does next."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
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
        return self.xdg()

    def folder(self, variable: str, otherwise: Path) -> Path:
        """The folder an environment variable names, or the usual one."""
        return Path(self.environment[variable]) if self.environment.get(variable) else otherwise

    def xdg(self) -> Path:
        """Where programs keep their settings that do so in one place on every system."""
        return self.folder("XDG_CONFIG_HOME", self.home / ".config")


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

    def with_headers(self, entry: Entry, reference: str) -> Entry:
        """`entry` with the header of the token, `reference` being how the app quotes the variable `NAME`."""
        if not self.token_variable:
            return entry
        return {**entry, "headers": {"Authorization": f"Bearer {reference.replace('NAME', self.token_variable)}"}}


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """The app's own command that adds and removes servers."""

    program: str
    add: Callable[[str, "Local | Remote", Entry], Sequence[str] | None]
    """The arguments that add a server of this name; None: the file is changed instead."""
    remove: Callable[[str], Sequence[str]] | None = None
    """The arguments that remove it; None: the file is changed instead."""
    writes_secrets: bool = False
    """Whether it writes the values of the environment variables that other entries name into the file."""


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
    reads_variables: bool = True
    """Whether a header in the file can name an environment variable. If not, --token-env is refused."""
    named: bool = False
    """Whether the entry repeats its name."""
    own: OwnCommand | None = None
    link: Callable[[str, Local | Remote, Entry], str] | None = None
    """The address that adds the entry when it is opened."""
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
