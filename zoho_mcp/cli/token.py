"""`token`: makes, lists and takes back the bearer tokens that let clients in over HTTP."""

import sys
from collections.abc import Mapping
from pathlib import Path

from zoho_mcp.errors import SettingsError
from zoho_mcp.http.settings import tokens_file
from zoho_mcp.http.tokens import add_token, known_tokens, revoke_token


def add(environment: Mapping[str, str], name: str) -> int:
    """Print a new token, once: nobody can look it up again."""
    path = _path(environment)
    token = add_token(path, name)
    print(token)
    print(f"This is the only time it is shown. Its hash is in {path}. Clients send it as", file=sys.stderr)
    print("  Authorization: Bearer TOKEN", file=sys.stderr)
    return 0


def show(environment: Mapping[str, str]) -> int:
    """Print the names, and since when they have a token."""
    path = _path(environment)
    known = known_tokens(path)
    for one in known:
        print(f"{one.name}  since {one.created}")
    if not known:
        print(f"None in {path}. `zoho-invoice-mcp token add NAME` makes one.", file=sys.stderr)
    return 0


def revoke(environment: Mapping[str, str], name: str) -> int:
    """Take a token back: servers notice with the next request."""
    revoke_token(_path(environment), name)
    print(f"{name} is let in no more.")
    return 0


def _path(environment: Mapping[str, str]) -> Path:
    path = tokens_file(environment)
    if path is None:
        raise SettingsError("There is no folder for tokens: the environment names no home.", "Set ZOHO_HTTP_TOKENS.")
    return path
