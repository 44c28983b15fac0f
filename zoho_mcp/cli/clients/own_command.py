"""Runs a chat app's own command that adds or removes a server, where the app is installed with one."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from zoho_mcp.cli.clients.model import Client, Entry, Local, Machine, OwnCommand, Remote

_PATIENCE = 60
"""Seconds for a command that changes one file."""


@dataclass(frozen=True, slots=True)
class Run:
    """A command of an app, ready to be run."""

    program: str
    arguments: Sequence[str]
    machine: Machine

    def __str__(self) -> str:
        words = [word for word in self.arguments[:2] if not word.startswith("{")]
        return " ".join([PurePath(self.program).stem, *words])

    def succeeds(self) -> bool:
        """Run it; whether it did what it should. What it prints is for nobody: the file shows what came of it."""
        try:
            done = subprocess.run(
                [self.program, *self.arguments],
                env=dict(self.machine.environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def to_add(
    client: Client, machine: Machine, text: str | None, name: str, server: Local | Remote, entry: Entry
) -> Run | None:
    """The command that adds the entry to a file that says `text`; None where there is none to be used."""
    arguments = client.own.add(name, server, entry) if client.own else None
    return _run(client, machine, text, arguments)


def to_remove(client: Client, machine: Machine, text: str | None, name: str) -> Run | None:
    """The command that removes the entry, likewise."""
    arguments = client.own.remove(name) if client.own and client.own.remove else None
    return _run(client, machine, text, arguments)


def _run(client: Client, machine: Machine, text: str | None, arguments: Sequence[str] | None) -> Run | None:
    if client.own is None or arguments is None or (client.own.writes_secrets and "$" in (text or "")):
        return None
    program = shutil.which(client.own.program, path=machine.environment.get("PATH", ""))
    return Run(program, arguments, machine) if program else None


def _claude(name: str, server: Local | Remote, entry: Entry) -> Sequence[str]:
    return "mcp", "add-json", "--scope", "user", name, json.dumps(entry)


def _codex(name: str, server: Local | Remote, entry: Entry) -> Sequence[str] | None:
    if isinstance(server, Remote):
        # It would begin a login at once.
        return None
    return "mcp", "add", name, *_environment("--env", server), "--", server.command, *server.arguments


def _gemini(name: str, server: Local | Remote, entry: Entry) -> Sequence[str] | None:
    if isinstance(server, Remote):
        header = ("-H", f"Authorization: {entry['headers']['Authorization']}") if "headers" in entry else ()
        return "mcp", "add", "-s", "user", "-t", "http", *header, name, server.url
    variables = _environment("-e", server)
    return "mcp", "add", "-s", "user", *variables, name, server.command, "--", *server.arguments


def _vscode(name: str, server: Local | Remote, entry: Entry) -> Sequence[str]:
    return "--add-mcp", json.dumps({"name": name, **entry})


def _environment(flag: str, server: Local) -> list[str]:
    return [part for name, value in server.environment.items() for part in (flag, f"{name}={value}")]


CLAUDE = OwnCommand("claude", _claude, lambda name: ("mcp", "remove", "--scope", "user", name))
CODEX = OwnCommand("codex", _codex, lambda name: ("mcp", "remove", name))
GEMINI = OwnCommand("gemini", _gemini, lambda name: ("mcp", "remove", "-s", "user", name), writes_secrets=True)
VSCODE = OwnCommand("code", _vscode)
