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
from zoho_mcp.cli.options import add_hidden_options, add_server_options, environment_with
from zoho_mcp.errors import SettingsError, SpecError, ZohoMcpError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "bill a made-up customer, step by step; needs no account"),
    "install": ("clients.install", "add the server to a chat app"),
    "uninstall": ("clients.uninstall", "remove the server from a chat app"),
    "login": ("account.login", "connect your Zoho account"),
    "logout": ("account.logout", "disconnect your Zoho account"),
    "profiles": ("account.profiles", "list or change the accounts you logged in with"),
    "doctor": ("doctor.doctor", "check the setup and say how to fix it"),
    "audit": ("audit", "show every change and who approved it"),
    "policy": ("policy", "show what needs your approval, or test one call"),
    "tools": ("tools", "list the tools that the assistant gets"),
    "token": ("token", "manage access tokens for a server over HTTP"),
    "sandbox": ("sandbox", "run the sandbox, a practice Zoho, for other programs"),
    "check": ("check", "check the tool specs (for developers)"),
}
"""Name: the module below `zoho_mcp.cli`, which has `add_options(parser)`, and a line of help."""
_DOCS = "https://github.com/zoho-invoice-mcp/zoho-invoice-mcp#readme"


class _CommandParser(argparse.ArgumentParser):
    """The parser of a command, which gets its options from the command's module when they are first needed."""

    module = ""
    _is_complete = False

    def complete(self) -> None:
        """Let the module add its options and set `run`, a function of the parsed options."""
        if not self._is_complete:
            self._is_complete, self.allow_abbrev = True, False
            if self.module:
                import_module(f"zoho_mcp.cli.{self.module}").add_options(self)
            add_hidden_options(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] # as argparse calls it
        self.complete()
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run a command. The exit status: 0 it worked, 1 something did not, 2 wrong usage, settings or specs."""
    # httpx loads its own command line, and all of rich with it, wherever rich is installed: 30 ms of every start.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # As importlib documents: import raises.
    try:
        return run(arguments, os.environ if environment is None else environment)
    except ZohoMcpError as problem:
        return report(problem)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            # Keeps the shell's prompt off the line with ^C.
            print(file=sys.stderr)
        return 130


def run(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> int:
    """Run a command; its exit status. Raises ZohoMcpError."""
    options = parser().parse_args(arguments)
    _reject_command_as_value(options)
    options.environment = environment_with(options, environment)
    return options.run(options)


def report(problem: ZohoMcpError) -> int:
    """Print what went wrong; the exit status."""
    complain(problem)
    return 2 if isinstance(problem, SettingsError | SpecError) else 1


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    found = argparse.ArgumentParser(
        prog="zoho-invoice-mcp",
        usage="%(prog)s [options] [command]",
        allow_abbrev=False,
        add_help=False,
        description="Run your invoicing on Zoho by chat. Your chat app starts this program without a command. "
        "The commands are for you.",
        epilog=f"`%(prog)s COMMAND --help` shows the options of a command. More: {_DOCS}",
    )
    commands = found.add_subparsers(
        dest="command", title="commands", metavar="COMMAND", prog=found.prog, parser_class=_CommandParser
    )
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        command.module = module
    add_server_options(found)
    about = found.add_argument_group("about")
    about.add_argument("-h", "--help", action="help", help="show this help")
    version = f"{found.prog} {__version__}"
    about.add_argument("--version", action="version", version=version, help="show the version")
    found.set_defaults(run=_serve)
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
