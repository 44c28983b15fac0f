"""The options of the server: each stands for a setting, and `install` writes them into a chat app's entry."""

import argparse
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

MEMORY = ":memory:"
"""Instead of a file: the sandbox's books end with the process."""
DEFAULT_ADDRESS = "127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class ServerOption:
    """An option and the setting it stands for."""

    flag: str
    setting: str
    metavar: str
    """Empty: the option is a switch."""
    help: str
    const: str = ""
    """Its value when it is given without one."""

    @property
    def dest(self) -> str:
        """The attribute of the parsed options."""
        return self.flag.removeprefix("--").replace("-", "_")


SANDBOX = ServerOption(
    "--sandbox", "ZOHO_SANDBOX", "FILE", "work on demo data instead of your account; FILE keeps the demo books", MEMORY
)
HTTP = ServerOption(
    "--http", "ZOHO_HTTP", "HOST:PORT", f"serve over HTTP, at /mcp (default: {DEFAULT_ADDRESS})", DEFAULT_ADDRESS
)
PROFILE = ServerOption("--profile", "ZOHO_PROFILE", "NAME", "use this stored login")
TOOL_OPTIONS = (
    ServerOption("--toolsets", "ZOHO_TOOLSETS", "A,B", "offer only the tools of these toolsets"),
    ServerOption("--tools", "ZOHO_TOOLS", "A,B", "offer only these tools, or add them to the toolsets"),
    ServerOption("--exclude-tools", "ZOHO_EXCLUDE_TOOLS", "A,B", "do not offer these tools"),
    ServerOption("--read-only", "ZOHO_READ_ONLY", "", "offer only tools that change nothing"),
)
_ALL = (SANDBOX, HTTP, PROFILE, *TOOL_OPTIONS)


class _TakesOptions(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **shape: Any) -> object: ...


def add_option(parser: _TakesOptions, option: ServerOption, help: str = "") -> None:
    """One of the server's options, for this command too; what stands before the command counts as well."""
    shape: dict[str, object] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
    shape |= {"nargs": "?", "const": option.const} if option.const else {}
    parser.add_argument(option.flag, help=help or option.help, default=argparse.SUPPRESS, **shape)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """All options of the server, and their defaults."""
    group = parser.add_argument_group("options of the server")
    for option in _ALL:
        add_option(group, option)
    parser.set_defaults(**{option.dest: None if option.metavar else False for option in _ALL})


def add_hidden_options(parser: argparse.ArgumentParser) -> None:
    """Accept the server's options behind a command too, even if its help does not list them."""
    for option in _ALL:
        with suppress(argparse.ArgumentError):  # The command has it already.
            add_option(parser, option, help=argparse.SUPPRESS)


def is_sandboxed(environment: Mapping[str, str]) -> bool:
    """Whether the server works on the sandbox."""
    return environment.get("ZOHO_SANDBOX", "").strip().lower() == "true"


def environment_with(options: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, overridden by what the command line says about the same settings."""
    given = {option.setting: getattr(options, option.dest) for option in _ALL}
    given["ZOHO_SANDBOX"] = options.sandbox is not None
    texts = {name: "true" if value is True else value for name, value in given.items()}
    return {**environment, **{name: str(value) for name, value in texts.items() if value not in (None, False)}}
