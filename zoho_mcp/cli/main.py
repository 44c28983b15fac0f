"""The command `zoho-invoice-mcp`. Each command's module declares its options and is imported when it is used."""

import argparse
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from zoho_mcp import __version__
from zoho_mcp.cli.console import complain
from zoho_mcp.cli.options import add_server_options, environment_with
from zoho_mcp.errors import SettingsError, SpecError, ZohoMcpError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "login": ("account.login", "log in to Zoho and store the login, so that the server needs no settings"),
    "logout": ("account.logout", "revoke a stored login at Zoho and delete it here"),
    "profiles": ("account.profiles", "list the stored logins, or change one"),
    "doctor": ("doctor.doctor", "check the setup and say how to fix what does not work; changes nothing"),
    "install": ("clients.install", "add this server to a chat app's configuration"),
    "uninstall": ("clients.uninstall", "remove this server from a chat app's configuration"),
    "demo": ("demo", "bill a customer in the sandbox, step by step; needs no account"),
    "tools": ("tools", "list the tools on offer, and what they cost a model"),
    "policy": ("policy", "show what is allowed, needs approval or is refused, or test one call"),
    "audit": ("audit", "show the record of decisions and changes, or verify that it is complete"),
    "token": ("token", "create, list or revoke access tokens for clients over HTTP"),
    "sandbox": ("sandbox", "serve the sandbox on this machine, for other programs"),
    "check": ("check", "load the tool specs and check them"),
}
"""Name: the module below `zoho_mcp.cli`, which has `add_options(parser)`, and a line of help."""


class _CommandParser(argparse.ArgumentParser):
    """The parser of a command, which gets its options from the command's module when they are first needed."""

    module = ""

    def complete(self) -> None:
        """Let the module add its options; it sets `run`, a function of the parsed options."""
        module, self.module = self.module, ""
        if module:
            import_module(f"zoho_mcp.cli.{module}").add_options(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] # as argparse calls it
        self.complete()
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run a command. The exit status: 0 it worked, 1 something did not, 2 wrong usage, settings or specs."""
    # httpx loads its own command line, and all of rich with it, wherever rich is installed: 30 ms of every start.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # As importlib documents: import raises.
    try:
        options = parser().parse_args(arguments)
        _reject_command_as_value(options)
        options.environment = environment_with(options, os.environ if environment is None else environment)
        return options.run(options)
    except ZohoMcpError as problem:
        complain(problem)
        return 2 if isinstance(problem, SettingsError | SpecError) else 1
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            # Keeps the shell's prompt off the line with ^C.
            print(file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    found = argparse.ArgumentParser(
        prog="zoho-invoice-mcp",
        allow_abbrev=False,
        description="MCP server for invoicing on Zoho. Without a command, it serves over stdio, with the login that "
        "`login` stored or with settings from ZOHO_… environment variables.",
    )
    found.add_argument("--version", action="version", version=f"zoho-invoice-mcp {__version__}")
    add_server_options(found)
    found.set_defaults(run=_serve)
    commands = found.add_subparsers(dest="command", metavar="COMMAND", parser_class=_CommandParser)
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".", allow_abbrev=False)
        command.module = module
    return found


def _reject_command_as_value(options: argparse.Namespace) -> None:
    """`--sandbox tools` would serve from a file called tools. Raises SettingsError."""
    if not options.command and (name := options.sandbox) in COMMANDS:
        raise SettingsError(
            f"{name} is a command, not the file of --sandbox.", f"Leave --sandbox out, or write --sandbox=./{name}."
        )


def _serve(options: argparse.Namespace) -> int:
    if options.environment.get("ZOHO_HTTP", "").strip():
        from zoho_mcp.cli.serve.http import serve_http

        return serve_http(options.environment, file=options.sandbox)
    # What is imported stays: to look through it for garbage meanwhile takes 4 % of a start.
    gc.disable()
    from zoho_mcp.cli.serve.stdio import serve

    return serve(options)


if __name__ == "__main__":
    sys.exit(main())
