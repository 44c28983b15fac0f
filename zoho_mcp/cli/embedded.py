"""The embedded Zoho inside this process: settings that fit it, and a transport that reaches it without a port."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import httpx

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import Settings, from_environment

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Receive, Scope, Send

_HOST = "http://127.0.0.1"


def environment_for(url: str) -> dict[str, str]:
    """The settings that point a server at an embedded Zoho reachable at `url`."""
    from zoho_mcp.sandbox.credentials import CREDENTIALS

    return {
        "ZOHO_API_URL": url,
        "ZOHO_ACCOUNTS_URL": url,
        "ZOHO_CLIENT_ID": CREDENTIALS.client_id,
        "ZOHO_CLIENT_SECRET": CREDENTIALS.client_secret,
        "ZOHO_REFRESH_TOKEN": CREDENTIALS.refresh_token,
        "ZOHO_ORGANIZATION_ID": CREDENTIALS.organization_id,
    }


def embedded(environment: Mapping[str, str], file: str | None = None) -> tuple[Settings, httpx.AsyncBaseTransport]:
    """Settings and transport; what `environment` says about anything but the account still counts.

    Its audit lives as long as its books: beside `file`, or nowhere, unless ZOHO_AUDIT_FILE says where.
    Raises SettingsError when `file` cannot be used.
    """
    settings = from_environment({**environment, **environment_for(_HOST)})
    if not environment.get("ZOHO_AUDIT_FILE", "").strip():
        settings = replace(settings, audit_file=f"{file}.audit.jsonl" if file else "")
    app = open_app(file) if file else _opened_when_used
    return settings, httpx.ASGITransport(app, raise_app_exceptions=False)


async def _opened_when_used(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The embedded Zoho in memory, made at its first request: a start is not kept waiting for demo data."""
    await _in_memory()(scope, receive, send)


@cache
def _in_memory() -> "Starlette":
    return open_app(None)


def open_app(file: str | None) -> "Starlette":
    """The embedded Zoho as an ASGI app, with demo data when it is new."""
    import sqlite3

    from zoho_mcp.sandbox.app import create_app
    from zoho_mcp.sandbox.demo_data import seed
    from zoho_mcp.sandbox.store import Store

    try:
        store = Store.open(file)
        seed(store, today=datetime.now(UTC).date())
    except sqlite3.Error as problem:
        raise SettingsError(
            f"The sandbox cannot keep its books in {file}: {problem}.", "Name another file."
        ) from problem
    return create_app(store)
