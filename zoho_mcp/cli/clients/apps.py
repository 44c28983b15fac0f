"""The chat apps of apps.toml: where each keeps its MCP servers, and how an entry of this server looks there."""

import glob
import json
import os
import sys
import tomllib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.text import fill, placeholders

Entry = dict[str, Any]
_HEADERS = {"Authorization": "Bearer ${{token}}"}
_GOOSE_STARTS = ("uvx", "npx", "docker", "jbang", "cu")
"""The programs that a goose link may start."""


class ConfigurationError(ZohoMcpError):
    """A chat app's configuration cannot be found, read or changed; it is as it was."""

    kind = "configuration"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the place of a configuration file depends on. `platform` as in `sys.platform`."""

    platform: str
    home: Path
    environment: Mapping[str, str]

    def folders(self) -> dict[str, str]:
        """The folders that the templates of paths name; `packages` exists on Windows alone."""
        home, set_by_user = self.home, self.environment.get
        xdg = Path(set_by_user("XDG_CONFIG_HOME") or home / ".config")
        found = {"home": home, "xdg": xdg, "settings": xdg}
        if self.platform == "darwin":
            found["settings"] = home / "Library" / "Application Support"
        elif self.platform == "win32":
            found["settings"] = Path(set_by_user("APPDATA") or home / "AppData" / "Roaming")
            found["packages"] = Path(set_by_user("LOCALAPPDATA") or home / "AppData" / "Local") / "Packages"
        return {name: str(folder) for name, folder in found.items()}

    def paths(self, templates: Sequence[str]) -> list[Path]:
        """The paths of the templates: none where a name is unknown, and the folders that exist where there is a `*`."""
        values = {**self.environment, **self.folders()}
        found: list[Path] = []
        for template in templates:
            if all(values.get(name) for name in placeholders(template)):
                escaped = glob.escape if "*" in template else str
                path = Path(fill(template, lambda name, escaped=escaped: escaped(values[name])))
                folders = sorted(glob.glob(str(path.parent))) if "*" in template else [path.parent]
                found += [Path(folder) / path.name for folder in folders]
        return found


def this_machine() -> Machine:
    """The one this runs on."""
    return Machine(sys.platform, Path.home(), os.environ)


@dataclass(frozen=True, slots=True)
class Local:
    """A server that the chat app starts itself."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def values(self) -> Entry:
        """What the templates of an entry name."""
        line = {"command": self.command, "args": list(self.arguments), "command_line": [self.command, *self.arguments]}
        return {**line, "env": dict(self.environment) or None}


@dataclass(frozen=True, slots=True)
class Remote:
    """A server over HTTP, and the environment variable that holds its bearer token, if it needs one."""

    url: str
    token_variable: str = ""

    def values(self) -> Entry:
        """What the templates of an entry name."""
        return {"url": self.url, "token": self.token_variable or None}


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnCommand(_Data):
    """The app's own command that adds and removes servers. What it lacks is done by changing the file."""

    program: str
    add: list[str]
    """Its arguments; {entry} and {named_entry} are JSON, {variables} the environment as options."""
    add_remote: bool = False
    """Whether it also adds a server over HTTP."""
    remove: list[str] = []
    variable: str = ""
    """The option for an environment variable."""
    writes_secrets: bool = False
    """Whether it writes the values of the environment variables that other entries name into the file."""


class Client(_Data):
    """One chat app. In the templates of an entry, a value that is missing leaves its key out."""

    name: str
    title: str
    files: list[str]
    """Templates of paths. Those with an environment variable that is set, or a packaged app, rule out the others."""
    windows: list[str] = []
    """`files` of Windows, where they differ."""
    macos: list[str] = []
    folders: list[str] = []
    """Folders that prove that the app is installed, where the file's own does not."""
    only_one: bool = False
    """Whether the app reads only one of several existing files, and it is not known which."""
    key: str = "mcpServers"
    """The key of the servers in the file."""
    notation: Literal["json", "jsonc", "toml", "yaml"] = "json"
    local: Entry = {"command": "{command}", "args": "{args}", "env": "{env}"}
    remote: Entry = {}
    """Empty: the app takes no server over HTTP from its file. Without {token}: it reads no variable for the header."""
    remote_instead: str = ""
    """What to do where `remote` is empty."""
    own: OwnCommand | None = None
    link: str = ""
    """The address that adds the entry when it is opened."""
    afterwards: str = ""
    """What its user does after a change."""
    caution: str = ""
    """What can undo a change."""

    def file(self, machine: Machine) -> Path:
        """Where it keeps its servers. Raises ConfigurationError where that is not clear."""
        templates = {"win32": self.windows, "darwin": self.macos}.get(machine.platform) or self.files
        special = machine.paths(
            [each for each in templates if "*" in each or any(map(str.isupper, placeholders(each)))]
        )
        files = special or machine.paths(templates)
        found = [file for file in files if file.exists()]
        if not found and not special:
            # Cline's extension has no folder `settings` before its first server.
            found = [next((file for file in files if file.parent.parent.is_dir()), files[0])]
        found = found or files
        if self.only_one and len(found) > 1:
            raise ConfigurationError(
                f"There is more than one {self.title} on this machine: {', '.join(map(str, found))}.",
                "Choose one with --file.",
            )
        return found[0]

    def installation(self, machine: Machine) -> list[Path]:
        """The folders that show that the app is installed: any of them does."""
        return machine.paths(self.folders) or [self.file(machine).parent]

    def is_installed(self, machine: Machine) -> bool:
        """Whether the app has left a trace on this machine."""
        return any(folder.is_dir() for folder in self.installation(machine)) or self.file(machine).exists()

    def entry(self, server: Local | Remote, name: str) -> Entry:
        """The server's entry in this app's words. Raises ConfigurationError where it cannot have one."""
        template = self.local if isinstance(server, Local) else self.remote
        if not template:
            raise ConfigurationError(
                f"{self.title} takes no server over HTTP from its configuration file.", self.remote_instead
            )
        if isinstance(server, Remote) and server.token_variable and "{token}" not in json.dumps(template):
            raise ConfigurationError(
                f"{self.title} reads no token from an environment variable.",
                "Install without --token-env. Then log in when it asks, or put the header into its file yourself: "
                '"headers": {"Authorization": "Bearer …"}.',
            )
        return _filled(template, {"name": name, **server.values()})

    def own_arguments(self, name: str, server: Local | Remote, entry: Entry) -> list[str]:
        """The arguments of its own command that add the entry; none where there is no such command."""
        if self.own is None or (isinstance(server, Remote) and not self.own.add_remote):
            return []
        variables = server.environment.items() if isinstance(server, Local) else ()
        options = [part for variable, value in variables for part in (self.own.variable, f"{variable}={value}")]
        texts = {"entry": json.dumps(entry), "named_entry": json.dumps({"name": name, **entry}), "variables": options}
        return _filled(self.own.add, {"name": name, **server.values(), **texts})

    def link_for(self, name: str, server: Local | Remote, entry: Entry) -> str:
        """The address that adds the entry. Raises ConfigurationError where there is none."""
        if not self.link:
            linked = ", ".join(one.name for one in CLIENTS.values() if one.link)
            raise ConfigurationError(f"There are links for {linked}.", "For any other app, use --print.")
        if self.notation == "yaml":
            return self.link + urlencode(_goose_query(name, server), quote_via=quote)
        compact, named = (json.dumps(each, separators=(",", ":")) for each in (entry, {"name": name, **entry}))
        texts = {"name": name, "base64": b64encode(compact.encode()).decode(), "named_entry": named}
        return fill(self.link, lambda part: quote(texts[part], safe=""))


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with the values; a list in a list is taken apart. None where nothing is left of it."""
    if isinstance(template, str):
        names = placeholders(template)
        if names and template == f"{{{names[0]}}}":
            return values[names[0]]
        return None if any(values[name] is None for name in names) else fill(template, lambda name: values[name])
    if isinstance(template, dict):
        parts = {key: _filled(part, values) for key, part in cast("Entry", template).items()}
        return {key: part for key, part in parts.items() if part is not None} or None
    if isinstance(template, list):
        filled = [_filled(part, values) for part in cast("list[Any]", template)]
        lists = [cast("list[Any]", part) if isinstance(part, list) else [part] for part in filled if part is not None]
        return [part for each in lists for part in each] or None
    return template


def _goose_query(name: str, server: Local | Remote) -> list[tuple[str, str]]:
    about = [("id", name), ("name", name), ("description", "Invoicing on Zoho")]
    if isinstance(server, Remote):
        return [("type", "streamable_http"), ("url", server.url), *about]
    program = PurePath(server.command).stem
    if program not in _GOOSE_STARTS:
        raise ConfigurationError(
            f"A goose link can only start {', '.join(_GOOSE_STARTS)}, not {server.command}.",
            "Install without --link, or run this from uvx.",
        )
    variables = [("env", f"{key}={value}") for key, value in server.environment.items()]
    return [("cmd", program), *(("arg", argument) for argument in server.arguments), *variables, *about]


OTHER = Client(name="", title="any other app", files=[], remote={"type": "http", "url": "{url}", "headers": _HEADERS})
"""Any other app: its entry is printed."""
CLIENTS: Mapping[str, Client] = {
    name: Client(name=name, **data)
    for name, data in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}
