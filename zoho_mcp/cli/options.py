"""The options of the server: each stands for a setting, and `install` writes them into a chat app's entry."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

MEMORY = ":memory:"
"""Instead of a file: the sandbox's books end with the process."""
DEFAULT_ADDRESS = "127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class ServerOption:
    """An option and the setting it stands for. Without a `metavar` it is a switch."""

    flag: str
    setting: str
    metavar: str
    help: str

    @property
    def dest(self) -> str:
        """The attribute of the parsed options."""
        return self.flag.removeprefix("--").replace("-", "_")


PROFILE = ServerOption("--profile", "ZOHO_PROFILE", "NAME", "use this stored login")
TOOL_OPTIONS = (
    ServerOption("--toolsets", "ZOHO_TOOLSETS", "A,B", "offer only the tools of these toolsets"),
    ServerOption("--tools", "ZOHO_TOOLS", "A,B", "offer only these tools, or these as well as the toolsets"),
    ServerOption("--exclude-tools", "ZOHO_EXCLUDE_TOOLS", "A,B", "do not offer these tools"),
    ServerOption("--read-only", "ZOHO_READ_ONLY", "", "offer only tools that change nothing"),
)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """The options of the server itself, and of commands that look at its settings."""
    parser.add_argument(
        "--sandbox",
        nargs="?",
        const=MEMORY,
        metavar="FILE",
        help="use the sandbox with demo data instead of a Zoho account; FILE keeps the demo books (ZOHO_SANDBOX)",
    )
    parser.add_argument(
        "--http",
        nargs="?",
        const=DEFAULT_ADDRESS,
        metavar="HOST:PORT",
        help=f"serve over HTTP instead of stdio, at path /mcp (default: {DEFAULT_ADDRESS}) (ZOHO_HTTP)",
    )
    for option in (PROFILE, *TOOL_OPTIONS):
        add_option(parser, option, note=f" ({option.setting})")


def add_option(parser: argparse.ArgumentParser, option: ServerOption, *, note: str = "", **more: object) -> None:
    """One of the server's options, for this command too: what stands before the command counts as well."""
    shape: dict[str, object] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
    parser.add_argument(option.flag, help=option.help + note, **shape | more)  # type: ignore[arg-type]


def environment_with(options: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, overridden by what the command line says about the same settings."""
    given = {option.setting: getattr(options, option.dest) for option in (PROFILE, *TOOL_OPTIONS)}
    given |= {"ZOHO_HTTP": options.http, "ZOHO_SANDBOX": options.sandbox is not None}
    texts = {name: "true" if value is True else value for name, value in given.items()}
    return {**environment, **{name: str(value) for name, value in texts.items() if value not in (None, False)}}
