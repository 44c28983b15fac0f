"""Everything that can stand on the command line of `zoho-invoice-mcp`."""

import argparse
from collections.abc import Callable

from zoho_mcp import __version__
from zoho_mcp.cli.clients import CLIENTS

MEMORY = ":memory:"
"""Instead of a file: the embedded Zoho's books end with the process."""
_LOCAL = "127.0.0.1:8000"


def parser() -> argparse.ArgumentParser:
    """Everything that can stand on the command line."""
    found = argparse.ArgumentParser(
        prog="zoho-invoice-mcp",
        allow_abbrev=False,
        description="MCP server for invoicing on Zoho. Without a command: serve over stdio, with the profile that "
        "`login` made, or settings from ZOHO_… environment variables.",
    )
    found.add_argument("--version", action="version", version=f"zoho-invoice-mcp {__version__}")
    _add_server_options(found)
    commands = found.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="load the tool specs and check them")
    commands.add_parser("tools", help="list the tools that would be offered, and what they cost a model")
    commands.add_parser("demo", help="bill a customer on the embedded Zoho, step by step")
    _add_sandbox(commands.add_parser("sandbox", help="serve the embedded Zoho on this machine for any other program"))
    _add_install(commands.add_parser)
    _add_policy(
        commands.add_parser(
            "policy", help="say in words what is allowed, asked about and refused, and where that is from"
        )
    )
    _add_audit(commands.add_parser("audit", help="show what was decided and changed, newest last"))
    _add_account_commands(commands.add_parser)
    _add_token(commands.add_parser("token", help="make, list or take back tokens for clients over HTTP"))
    return found


def _add_server_options(server: argparse.ArgumentParser) -> None:
    server.add_argument(
        "--sandbox",
        nargs="?",
        const=MEMORY,
        metavar="FILE",
        help="use the embedded Zoho with demo data instead of a real account, in memory or kept in FILE",
    )
    server.add_argument(
        "--http",
        nargs="?",
        const=_LOCAL,
        metavar="HOST:PORT",
        help=f"serve over HTTP (at {_LOCAL} unless told otherwise, path /mcp) instead of over stdio (ZOHO_HTTP)",
    )
    server.add_argument("--profile", metavar="NAME", help="the profile of `login` to use (ZOHO_PROFILE)")
    server.add_argument("--toolsets", metavar="A,B", help="offer only the tools of these toolsets (ZOHO_TOOLSETS)")
    server.add_argument("--tools", metavar="A,B", help="offer only these tools, or these as well (ZOHO_TOOLS)")
    server.add_argument("--exclude-tools", metavar="A,B", help="offer all but these (ZOHO_EXCLUDE_TOOLS)")
    server.add_argument("--read-only", action="store_true", help="offer only what changes nothing (ZOHO_READ_ONLY)")


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
    given = argparse.SUPPRESS  # What stands before `login` counts as well.
    login.add_argument("--read-only", action="store_true", default=given, help="ask Zoho for permission to read alone")
    login.add_argument(
        "--toolsets", default=given, metavar="A,B", help="ask for what these toolsets need (default: all)"
    )
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


def _add_install(add: Callable[..., argparse.ArgumentParser]) -> None:
    """`install` and `uninstall`. Options of the server itself keep their names and go into the entry."""
    install = add("install", help="enter this server in the configuration of a chat program")
    install.add_argument("client", nargs="?", metavar="CLIENT", choices=CLIENTS, help=", ".join(CLIENTS))
    install.add_argument("--print", action="store_true", help="only print the entry, for any other program")
    install.add_argument("--force", action="store_true", help="write the file even if the program seems not installed")
    install.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a setting that is no secret")
    install.add_argument("--sandbox", nargs="?", const=MEMORY, default=argparse.SUPPRESS, metavar="FILE")
    install.add_argument("--profile", metavar="NAME", help="the stored login that the server uses")
    for option in ("--toolsets", "--tools", "--exclude-tools"):
        install.add_argument(option, default=argparse.SUPPRESS, metavar="A,B")
    install.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS)
    uninstall = add("uninstall", help="take it out again, and nothing else")
    uninstall.add_argument("client", metavar="CLIENT", choices=CLIENTS, help=", ".join(CLIENTS))
    for command in (install, uninstall):
        command.add_argument("--name", default="zoho-invoice", help="the entry's name (default: zoho-invoice)")
        command.add_argument("--yes", action="store_true", help="do not ask")
        command.add_argument("--file", metavar="PATH", help="the configuration file, if it is not in the usual place")


def _add_sandbox(sandbox: argparse.ArgumentParser) -> None:
    sandbox.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    sandbox.add_argument("--file", default=MEMORY, metavar="FILE", help="keep the books in FILE (default: in memory)")
    sandbox.add_argument("--fault", action="append", default=[], metavar="RULE",
                         help="fail on purpose: [METHOD ]PATH:KIND[=VALUE][:TIMES], e.g. 'POST /invoices:cut-after:3'; "
                         "may be given several times, see docs/limits.md")  # fmt: skip
    sandbox.add_argument("--limits", default="", metavar="MINUTE,DAY,AT_ONCE", help="other limits than the free plan's")
    sandbox.add_argument("--control", action="store_true", help="let programs set faults, at /sandbox/faults")


def _add_token(token: argparse.ArgumentParser) -> None:
    more = token.add_subparsers(dest="token", metavar="COMMAND")
    more.add_parser("add", help="print a new token for NAME, once").add_argument("name", metavar="NAME")
    more.add_parser("list", help="the names that have one")
    more.add_parser("revoke", help="let NAME in no more").add_argument("name", metavar="NAME")


def _add_policy(policy: argparse.ArgumentParser) -> None:
    more = policy.add_subparsers(dest="policy", metavar="COMMAND")
    test = more.add_parser("test", help="say what would happen to a call, and which rule says so")
    test.add_argument("tool", metavar="TOOL")
    test.add_argument("given", nargs="*", metavar="KEY=VALUE", help="an argument of the call, record.status=…, "
                      "record.total=…, record.contact_persons=…, principal=…, organization=…")  # fmt: skip
    more.add_parser("shipped", help="print the shipped policy file, a start for your own")


def _add_audit(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("--file", default="", help="the audit file (default: ZOHO_AUDIT_FILE, or the user's own)")
    audit.add_argument("--tool", default="", help="only this tool")
    audit.add_argument("--outcome", default="", help="only done, refused, declined, failed, unknown or asked")
    audit.add_argument("--since", default="", metavar="TIME", help="only since this day or moment (UTC, 2026-10-31)")
    audit.add_argument("--client", default="", help="only clients whose name holds this")
    audit.add_argument("--json", action="store_true", help="as JSON, a line per call")
    more = audit.add_subparsers(dest="audit", metavar="COMMAND")
    verify = more.add_parser("verify", help="find changed, missing and inserted lines")
    verify.add_argument("--file", default=argparse.SUPPRESS, help="the audit file")
    verify.add_argument("--head", default="", metavar="HASH", help="a head hash kept from an earlier time")
