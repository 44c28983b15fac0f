"""The command `zoho-invoice-mcp`: reads the command line and hands over. Each command is imported when it is used."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from zoho_mcp import __version__
from zoho_mcp.cli.clients import CLIENTS
from zoho_mcp.errors import SettingsError, SpecError

_MEMORY = ":memory:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 fine, 1 something did not work, 2 wrong usage, settings or specs."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except (SettingsError, SpecError) as problem:
        print(f"zoho-invoice-mcp: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zoho-invoice-mcp",
        allow_abbrev=False,
        description="MCP server for invoicing on Zoho. Without a command: serve over stdio, with settings from ZOHO_… "
        "environment variables.",
    )
    parser.add_argument("--version", action="version", version=f"zoho-invoice-mcp {__version__}")
    parser.add_argument(
        "--sandbox",
        nargs="?",
        const=_MEMORY,
        metavar="FILE",
        help="use the embedded Zoho with demo data instead of a real account, in memory or kept in FILE",
    )
    parser.add_argument("--toolsets", metavar="A,B", help="offer only the tools of these toolsets (ZOHO_TOOLSETS)")
    parser.add_argument("--tools", metavar="A,B", help="offer only these tools, or these as well (ZOHO_TOOLS)")
    parser.add_argument("--exclude-tools", metavar="A,B", help="offer all but these (ZOHO_EXCLUDE_TOOLS)")
    parser.add_argument("--read-only", action="store_true", help="offer only what changes nothing (ZOHO_READ_ONLY)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="load the tool specs and check them")
    commands.add_parser("tools", help="list the tools that would be offered, and what they cost a model")
    commands.add_parser("demo", help="bill a customer on the embedded Zoho, step by step")
    sandbox = commands.add_parser("sandbox", help="serve the embedded Zoho on this machine for any other program")
    sandbox.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    sandbox.add_argument("--file", default=_MEMORY, metavar="FILE", help="keep the books in FILE (default: in memory)")
    _add_install(commands.add_parser)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--file", default="", help="the audit file (default: ZOHO_AUDIT_FILE, or the user's own)")
    policy = "say in words what is allowed, asked about and refused, and where that is from"
    _add_policy(commands.add_parser("policy", help=policy))
    audit = "show what was decided and changed, newest last"
    _add_audit(commands.add_parser("audit", parents=[where], help=audit))
    return parser


def _add_install(add: Callable[..., argparse.ArgumentParser]) -> None:
    """`install` and `uninstall`. Options of the server itself keep their names and go into the entry."""
    install = add("install", help="enter this server in the configuration of a chat program")
    install.add_argument("client", nargs="?", metavar="CLIENT", choices=CLIENTS, help=", ".join(CLIENTS))
    install.add_argument("--print", action="store_true", help="only print the entry, for any other program")
    install.add_argument("--force", action="store_true", help="write the file even if the program seems not installed")
    install.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a setting that is no secret")
    install.add_argument("--sandbox", nargs="?", const=_MEMORY, default=argparse.SUPPRESS, metavar="FILE")
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


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """The environment, with what the command line says about the same settings on top."""
    said = {
        "ZOHO_TOOLSETS": options.toolsets,
        "ZOHO_TOOLS": options.tools,
        "ZOHO_EXCLUDE_TOOLS": options.exclude_tools,
        "ZOHO_READ_ONLY": "true" if options.read_only else None,
        "ZOHO_SANDBOX": "true" if options.sandbox is not None else None,
    }
    return {**os.environ, **{name: value for name, value in said.items() if value is not None}}


def _add_policy(policy: argparse.ArgumentParser) -> None:
    more = policy.add_subparsers(dest="policy", metavar="COMMAND")
    test = more.add_parser("test", help="say what would happen to a call, and which rule says so")
    test.add_argument("tool", metavar="TOOL")
    test.add_argument("given", nargs="*", metavar="KEY=VALUE", help="an argument of the call, record.status=…, "
                      "record.total=…, record.contact_persons=…, principal=…, organization=…")  # fmt: skip
    more.add_parser("shipped", help="print the shipped policy file, a start for your own")


def _add_audit(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("--tool", default="", help="only this tool")
    audit.add_argument("--outcome", default="", help="only done, refused, declined, failed, unknown or asked")
    audit.add_argument("--since", default="", metavar="TIME", help="only since this day or moment (UTC, 2026-10-31)")
    audit.add_argument("--client", default="", help="only clients whose name holds this")
    audit.add_argument("--json", action="store_true", help="as JSON, a line per call")
    more = audit.add_subparsers(dest="audit", metavar="COMMAND")
    verify = more.add_parser("verify", help="find changed, missing and inserted lines")
    verify.add_argument("--file", default=argparse.SUPPRESS, help="the audit file")
    verify.add_argument("--head", default="", metavar="HASH", help="a head hash kept from an earlier time")


def _run(options: argparse.Namespace) -> int:
    file = None if options.sandbox in (None, _MEMORY) else str(options.sandbox)
    match options.command:
        case "check":
            from zoho_mcp.cli.check import check

            return check()
        case "tools":
            from zoho_mcp.cli.tools import list_tools

            return list_tools(_environment(options))
        case "demo":
            from zoho_mcp.cli.demo import demo

            return demo()
        case "sandbox":
            from zoho_mcp.cli.sandbox import serve_sandbox

            return serve_sandbox(options.port, None if options.file == _MEMORY else options.file)
        case "install":
            from zoho_mcp.cli.install import install

            return install(options)
        case "uninstall":
            from zoho_mcp.cli.uninstall import uninstall

            return uninstall(options)
        case "policy":
            from zoho_mcp.cli.policy import print_shipped, show_policy, try_policy

            if options.policy == "test":
                return try_policy(options.tool, options.given)
            return print_shipped() if options.policy == "shipped" else show_policy()
        case "audit":
            from zoho_mcp.cli.audit import show_audit, verify_audit

            return verify_audit(options.file, options.head) if options.audit == "verify" else show_audit(options)
        case _:
            from zoho_mcp.cli.serve import serve

            environment = _environment(options)
            sandboxed = environment.get("ZOHO_SANDBOX", "").strip().lower() == "true"
            return serve(environment, sandboxed=sandboxed, file=file)


if __name__ == "__main__":
    sys.exit(main())
