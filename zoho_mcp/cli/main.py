"""The command `zoho-invoice-mcp`: reads the command line and hands over. Each command is imported when it is used."""

import argparse
import sys
from collections.abc import Callable, Sequence

from zoho_mcp import __version__
from zoho_mcp.errors import SettingsError, SpecError, ZohoMcpError

_MEMORY = ":memory:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 fine, 1 something did not work, 2 wrong usage, settings or specs."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except (SettingsError, SpecError) as problem:
        print(f"zoho-invoice-mcp: {problem}", file=sys.stderr)
        return 2
    except ZohoMcpError as problem:
        print(f"zoho-invoice-mcp: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Everything that can stand on the command line."""
    found = argparse.ArgumentParser(
        prog="zoho-invoice-mcp",
        description="MCP server for invoicing on Zoho. Without a command: serve over stdio, with the profile that "
        "`login` made, or settings from ZOHO_… environment variables.",
    )
    found.add_argument("--version", action="version", version=f"zoho-invoice-mcp {__version__}")
    found.add_argument(
        "--sandbox",
        nargs="?",
        const=_MEMORY,
        metavar="FILE",
        help="use the embedded Zoho with demo data instead of a real account, in memory or kept in FILE",
    )
    found.add_argument("--profile", default="", metavar="NAME", help="the profile to use (default: the default one)")
    commands = found.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="load the tool specs and check them")
    commands.add_parser("demo", help="bill a customer on the embedded Zoho, step by step")
    sandbox = commands.add_parser("sandbox", help="serve the embedded Zoho on this machine for any other program")
    sandbox.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    sandbox.add_argument("--file", default=_MEMORY, metavar="FILE", help="keep the books in FILE (default: in memory)")
    _add_account_commands(commands.add_parser)
    return found


def _add_account_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    login = add("login", help="log in to Zoho and keep a profile, so that the server needs no settings")
    logout = add("logout", help="revoke a profile's token at Zoho and forget the profile")
    doctor = add("doctor", help="say what works and what to do about the rest; changes nothing")
    for command in (login, logout, doctor):
        command.add_argument("--profile", default=argparse.SUPPRESS, metavar="NAME", help="which profile")
    logout.add_argument("--force", action="store_true", help="forget it even if Zoho cannot be reached")
    login.add_argument(
        "--dc", default="", metavar="DC", help="data centre where you log in: us, eu, in, au, jp, ca, cn or sa"
    )
    login.add_argument("--product", choices=("invoice", "books"), help="which product the organisation uses")
    login.add_argument("--client-id", metavar="ID", help="client id; the secret is asked for, or ZOHO_CLIENT_SECRET")
    login.add_argument("--read-only", action="store_true", help="ask Zoho for permission to read alone")
    login.add_argument("--toolsets", metavar="A,B", help="ask for what these toolsets need (default: all)")
    login.add_argument("--organization", default="", metavar="ID", help="organisation to work in, number or name")
    login.add_argument("--port", type=int, default=8765, help="of the redirect address http://localhost:PORT/callback")
    login.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    login.add_argument("--code", nargs="?", const="", metavar="CODE", help="a Self Client's code instead of a browser")
    login.add_argument("--client-credentials", action="store_true", help="a Self Client without a user")
    login.add_argument("--soid", default="", metavar="SOID", help="for it: as in ZohoInvoice.10234695")
    profiles = add("profiles", help="list the profiles, or change one")
    profiles.add_argument("name", nargs="?", default="", metavar="NAME")
    profiles.add_argument("--use", action="store_true", help="make NAME the default one")
    profiles.add_argument("--organization", default="", metavar="ID", help="the organisation for it to work in")


def _run(options: argparse.Namespace) -> int:
    file = None if options.sandbox in (None, _MEMORY) else str(options.sandbox)
    match options.command:
        case "check":
            from zoho_mcp.cli.check import check

            return check()
        case "demo":
            from zoho_mcp.cli.demo import demo

            return demo()
        case "sandbox":
            from zoho_mcp.cli.sandbox import serve_sandbox

            return serve_sandbox(options.port, None if options.file == _MEMORY else options.file)
        case None:
            from zoho_mcp.cli.serve import serve

            return serve(sandboxed=options.sandbox is not None, file=file, profile=options.profile)
        case _:
            return _run_account_command(options)


def _run_account_command(options: argparse.Namespace) -> int:
    match options.command:
        case "login":
            from zoho_mcp.cli.login import login

            return login(options)
        case "logout":
            from zoho_mcp.cli.logout import logout

            return logout(options.profile, force=options.force)
        case "doctor":
            from zoho_mcp.cli.doctor import doctor

            return doctor(options.profile)
        case _:
            from zoho_mcp.cli.profiles import profiles

            return profiles(options.name, use=options.use, organization=options.organization)


if __name__ == "__main__":
    sys.exit(main())
