"""The command `zoho-invoice-mcp`: reads the command line and hands over. Each command is imported when it is used."""

import argparse
import sys
from collections.abc import Sequence

from zoho_mcp import __version__
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
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="load the tool specs and check them")
    commands.add_parser("demo", help="bill a customer on the embedded Zoho, step by step")
    sandbox = commands.add_parser("sandbox", help="serve the embedded Zoho on this machine for any other program")
    sandbox.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    sandbox.add_argument("--file", default=_MEMORY, metavar="FILE", help="keep the books in FILE (default: in memory)")
    sandbox.add_argument("--fault", action="append", default=[], metavar="RULE",
                         help="fail on purpose: [METHOD ]PATH:KIND[=VALUE][:TIMES], e.g. 'POST /invoices:cut-after:3'; "
                         "may be given several times, see docs/limits.md")  # fmt: skip
    sandbox.add_argument("--limits", default="", metavar="MINUTE,DAY,AT_ONCE", help="other limits than the free plan's")
    sandbox.add_argument("--control", action="store_true", help="let programs set faults, at /sandbox/faults")
    return parser


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

            return serve_sandbox(options.port, None if options.file == _MEMORY else options.file,
                                 faults=options.fault, limits=options.limits, control=options.control)  # fmt: skip
        case _:
            from zoho_mcp.cli.serve import serve

            return serve(sandboxed=options.sandbox is not None, file=file)


if __name__ == "__main__":
    sys.exit(main())
