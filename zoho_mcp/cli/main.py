"""The command `zoho-invoice-mcp`: hands the command line over. Each command is imported when it is used."""

import argparse
import os
import sys
from collections.abc import Sequence

from zoho_mcp.cli.command_line import MEMORY, parser
from zoho_mcp.cli.console import complain
from zoho_mcp.errors import SettingsError, SpecError, ZohoMcpError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 fine, 1 something did not work, 2 wrong usage, settings or specs."""
    # httpx loads its own command line, and all of rich with it, wherever rich is installed: 30 ms of every start.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # As importlib documents: import raises.
    try:
        return _run(parser().parse_args(arguments))
    except ZohoMcpError as problem:
        complain(problem)
        return 2 if isinstance(problem, SettingsError | SpecError) else 1
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            # The shell's prompt is not to stand behind ^C.
            print(file=sys.stderr)
        return 130


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """The environment, with what the command line says about the same settings on top."""
    said = {
        "ZOHO_PROFILE": options.profile,
        "ZOHO_TOOLSETS": options.toolsets,
        "ZOHO_TOOLS": options.tools,
        "ZOHO_EXCLUDE_TOOLS": options.exclude_tools,
        "ZOHO_READ_ONLY": "true" if options.read_only else None,
        "ZOHO_SANDBOX": "true" if options.sandbox is not None else None,
        "ZOHO_HTTP": options.http,
    }
    return {**os.environ, **{name: value for name, value in said.items() if value is not None}}


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case None:
            return _serve(options)
        case "login" | "logout" | "doctor" | "profiles":
            return _run_account_command(options)
        case "token":
            return _run_token_command(options)
        case "policy" | "audit":
            return _run_oversight_command(options)
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

            return serve_sandbox(options.port, None if options.file == MEMORY else options.file,
                                 faults=options.fault, limits=options.limits, control=options.control)  # fmt: skip
        case "install":
            from zoho_mcp.cli.install import install

            return install(options)
        case _:
            from zoho_mcp.cli.uninstall import uninstall

            return uninstall(options)


def _serve(options: argparse.Namespace) -> int:
    environment = _environment(options)
    sandboxed = environment.get("ZOHO_SANDBOX", "").strip().lower() == "true"
    file = None if options.sandbox in (None, MEMORY) else str(options.sandbox)
    if environment.get("ZOHO_HTTP", "").strip():
        from zoho_mcp.cli.serve_http import serve_http

        return serve_http(environment, sandboxed=sandboxed, file=file)
    from zoho_mcp.cli.serve import serve

    return serve(environment, sandboxed=sandboxed, file=file)


def _run_token_command(options: argparse.Namespace) -> int:
    from zoho_mcp.cli.token import add, revoke, show

    environment = _environment(options)
    match options.token:
        case "add":
            return add(environment, options.name)
        case "revoke":
            return revoke(environment, options.name)
        case _:
            return show(environment)


def _run_oversight_command(options: argparse.Namespace) -> int:
    if options.command == "audit":
        from zoho_mcp.cli.audit import show_audit, verify_audit

        return verify_audit(options.file, options.head) if options.audit == "verify" else show_audit(options)
    from zoho_mcp.cli.policy import print_shipped, show_policy, try_policy

    if options.policy == "test":
        return try_policy(options.tool, options.given)
    return print_shipped() if options.policy == "shipped" else show_policy()


def _run_account_command(options: argparse.Namespace) -> int:
    environment = _environment(options)
    match options.command:
        case "login":
            from zoho_mcp.cli.login import login

            return login(environment, options)
        case "logout":
            from zoho_mcp.cli.logout import logout

            return logout(environment, force=options.force)
        case "doctor":
            from zoho_mcp.cli.doctor import doctor

            return doctor(environment)
        case _:
            from zoho_mcp.cli.profiles import profiles

            return profiles(environment, options.name, use=options.use, organization=options.organization)


if __name__ == "__main__":
    sys.exit(main())
