"""Addresses that add a server to a chat app when they are opened."""

import json
from base64 import b64encode
from pathlib import PurePath
from urllib.parse import quote, urlencode

from zoho_mcp.cli.clients.model import ConfigurationError, Entry, Local, Remote

_GOOSE_STARTS = ("uvx", "npx", "docker", "jbang", "cu")
"""The programs that a goose link may start."""


def cursor(name: str, server: Local | Remote, entry: Entry) -> str:
    """Cursor's link: the entry as JSON in base64."""
    return "cursor://anysphere.cursor-deeplink/mcp/install?" + urlencode({"name": name, "config": _base64(entry)})


def vscode(name: str, server: Local | Remote, entry: Entry) -> str:
    """VS Code's link: the entry and its name as JSON."""
    return "vscode:mcp/install?" + quote(json.dumps({"name": name, **entry}, separators=(",", ":")), safe="")


def lm_studio(name: str, server: Local | Remote, entry: Entry) -> str:
    """LM Studio's link: the entry as JSON in base64."""
    return "lmstudio://add_mcp?" + urlencode({"name": name, "config": _base64(entry)})


def goose(name: str, server: Local | Remote, entry: Entry) -> str:
    """goose's link: each part by itself. Raises ConfigurationError for a program that such a link may not start."""
    about = {"id": name, "name": name, "description": "Invoicing on Zoho"}
    if isinstance(server, Remote):
        return "goose://extension?" + urlencode(
            {"type": "streamable_http", "url": server.url, **about}, quote_via=quote
        )
    program = PurePath(server.command).stem
    if program not in _GOOSE_STARTS:
        raise ConfigurationError(
            f"A goose link can only start {', '.join(_GOOSE_STARTS)}, not {server.command}.",
            "Install without --link, or run this from uvx.",
        )
    parts = [("cmd", program), *(("arg", argument) for argument in server.arguments)]
    parts += [("env", f"{key}={value}") for key, value in server.environment.items()]
    return "goose://extension?" + urlencode([*parts, *about.items()], quote_via=quote)


def _base64(entry: Entry) -> str:
    return b64encode(json.dumps(entry, separators=(",", ":")).encode()).decode()
