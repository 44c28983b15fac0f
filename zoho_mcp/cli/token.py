"""`token`: creates, lists and revokes the bearer tokens that let clients in over HTTP."""

import argparse
from pathlib import Path

from zoho_mcp.cli import console
from zoho_mcp.errors import SettingsError
from zoho_mcp.http.settings import tokens_file
from zoho_mcp.http.tokens import add_token, known_tokens, revoke_token


def add_options(command: argparse.ArgumentParser) -> None:
    """`token add NAME`, `token list`, `token revoke NAME`."""
    command.set_defaults(run=list_names)
    command.description = "Manage the access tokens of a server over HTTP. Without a command: list them."
    more = command.add_subparsers(metavar="COMMAND")
    add = more.add_parser("add", help="create a token for NAME and print it, once")
    revoke = more.add_parser("revoke", help="stop accepting NAME's token")
    for each, run in ((add, create), (revoke, take_back)):
        each.add_argument("name", metavar="NAME", help="who or what uses the token")
        each.set_defaults(run=run)
    more.add_parser("list", help="list the names that have a token").set_defaults(run=list_names)


def create(options: argparse.Namespace) -> int:
    """Print a new token, the only time it can be seen."""
    path = _path(options)
    token = add_token(path, options.name)
    console.line(token)
    console.note(f"This token is shown only once; {path} keeps its hash. Clients send it as:")
    console.note("  Authorization: Bearer TOKEN")
    return 0


def list_names(options: argparse.Namespace) -> int:
    """Print each name, and since when it has a token."""
    path = _path(options)
    known = known_tokens(path)
    for one in known:
        console.line(f"{one.name}  since {one.created}")
    if not known:
        console.note(f"There are no tokens in {path}. Create one with `zoho-invoice-mcp token add NAME`.")
    return 0


def take_back(options: argparse.Namespace) -> int:
    """Revoke a token; running servers notice with the next request."""
    revoke_token(_path(options), options.name)
    console.line(f"The token of {options.name} no longer works.")
    return 0


def _path(options: argparse.Namespace) -> Path:
    path = tokens_file(options.environment)
    if path is None:
        raise SettingsError("There is no folder for tokens: HOME is not set.", "Set ZOHO_HTTP_TOKENS to a file.")
    return path
