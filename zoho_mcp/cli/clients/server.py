"""What a chat app has to start, or to connect to: this installation with the given options, or a server over HTTP."""

import argparse
import json
import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from zoho_mcp import __version__
from zoho_mcp.cli.clients.apps import ConfigurationError, Local, Remote
from zoho_mcp.cli.console import PROGRAM
from zoho_mcp.cli.options import MEMORY, PROFILE, TOOL_OPTIONS
from zoho_mcp.errors import SettingsError
from zoho_mcp.server.tools.offered import offered
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import SETTINGS
from zoho_mcp.specs.load import load

_UV_CACHE = ("archive-v0", "environments-v2")
_CACHES = (".cache", "Cache", "Caches", *_UV_CACHE)
"""Folders that may be cleared at any time: `uvx` and `pipx run` start programs from there."""
_SAFE_IN_CACHE = ("pypoetry", "hatch", "pre-commit", "virtualenvs")
"""Folders below a cache that hold virtual environments for good; nothing clears them."""


def server_of(options: argparse.Namespace) -> Local | Remote:
    """The server that the options describe. Raises SettingsError for what would stop it in the chat app."""
    if options.url:
        return _remote(options)
    if options.token_env:
        raise SettingsError("--token-env needs --url.")
    command, first = command_line(Path(sysconfig.get_path("scripts")), Path(sys.prefix), installed_from())
    environment = _environment(options.env)
    # What is wrong would stop the server in the chat app, where nobody reads its message.
    chosen = {option.setting: getattr(options, option.dest) or "" for option in TOOL_OPTIONS if option.metavar}
    settings = from_environment({**chosen, **environment}, account=False)
    offered(load(settings.product, settings.edition), settings)
    return Local(command, (*first, *_arguments(options)), environment)


def command_line(scripts: Path, prefix: Path, source: str) -> tuple[str, list[str]]:
    """The absolute path that starts this installation, and what comes before any argument.

    `source` is what an installer takes; the package's name if it came from the index, so that uvx would get the same.
    Raises ConfigurationError when it runs from a cache that may be cleared.
    """
    if any(part in _CACHES for part in prefix.parts) and not any(part in _SAFE_IN_CACHE for part in prefix.parts):
        uvx = shutil.which("uvx")
        if uvx and source == PROGRAM and any(part in _UV_CACHE for part in prefix.parts):
            return os.path.abspath(uvx), [f"{PROGRAM}@{__version__}"]
        raise ConfigurationError(
            "The command runs from a cache that may be cleared.",
            f"Install it first: uv tool install {shlex.quote(source)} (or pipx install {shlex.quote(source)}).",
        )
    if found := shutil.which(PROGRAM, path=str(scripts)) or shutil.which(PROGRAM):
        return os.path.abspath(found), []
    return sys.executable, ["-m", "zoho_mcp.cli.main"]


def installed_from() -> str:
    """What an installer has to be given to get this installation again: a folder, an address, or the package's name."""
    try:
        note = metadata.distribution(PROGRAM).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return str(Path(__file__).parents[3])
    return source_in(json.loads(note)) if note else PROGRAM


def source_in(note: Mapping[str, Any]) -> str:
    """The same from an installer's note (https://packaging.python.org/specifications/direct-url-data-structure)."""
    url = str(note["url"])
    if url.startswith("file:"):
        return url2pathname(urlsplit(url).path)
    return f"{note['vcs_info']['vcs']}+{url}" if "vcs_info" in note else url


def _remote(options: argparse.Namespace) -> Remote:
    if not options.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise SettingsError(f"--url must begin with https://, not {options.url}.")
    for name in ("sandbox", "profile", "env"):
        if getattr(options, name) not in (None, []):
            raise SettingsError(f"--url and --{name} cannot be combined: a server over HTTP has its own settings.")
    if options.token_env and not options.token_env.isidentifier():
        raise SettingsError("--token-env is the name of an environment variable, not the token itself.")
    return Remote(options.url, options.token_env)


def _arguments(options: argparse.Namespace) -> list[str]:
    if options.sandbox is not None and options.profile is not None:
        raise SettingsError("--sandbox and --profile cannot be combined.")
    arguments: list[str] = []
    if options.sandbox is not None:
        # An absolute path: the chat app starts the server in a folder of its own choice.
        file = [] if options.sandbox == MEMORY else [os.path.abspath(Path(options.sandbox).expanduser())]
        arguments += ["--sandbox", *file]
    for option in (PROFILE, *TOOL_OPTIONS):
        if value := getattr(options, option.dest):
            arguments += [option.flag, value] if option.metavar else [option.flag]
    return arguments


def _environment(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE`s for the entry, checked. Secrets are refused: these files are copied, synchronised and shown."""
    known = {setting.name: setting for setting in SETTINGS}
    environment: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in known:
            raise SettingsError(f"--env {name}: unknown setting.", f"The settings: {', '.join(known)}.")
        if known[name].secret:
            raise SettingsError(
                f"--env {name}: a secret does not belong in this file.",
                f"Store it with `{PROGRAM} login`, and install with --profile.",
            )
        environment[name] = value
    return environment
