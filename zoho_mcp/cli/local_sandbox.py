"""The sandbox inside this process: settings that fit it, and a transport that reaches it without a port."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import NOTHING, Settings, from_environment

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Receive, Scope, Send

_HOST = "http://127.0.0.1"
_logger = logging.getLogger(__name__)


def environment_for(url: str) -> dict[str, str]:
    """The settings that point a server at a sandbox served at `url`."""
    from zoho_mcp.sandbox.credentials import CREDENTIALS

    return {
        "ZOHO_API_URL": url,
        "ZOHO_ACCOUNTS_URL": url,
        "ZOHO_CLIENT_ID": CREDENTIALS.client_id,
        "ZOHO_CLIENT_SECRET": CREDENTIALS.client_secret,
        "ZOHO_REFRESH_TOKEN": CREDENTIALS.refresh_token,
        "ZOHO_ORGANIZATION_ID": CREDENTIALS.organization_id,
    }


def sandboxed(environment: Mapping[str, str], file: str | None = None) -> tuple[Settings, httpx.AsyncBaseTransport]:
    """Settings and transport; whatever `environment` says about anything but the account still counts.

    The audit file lives as long as the books: beside `file`, or nowhere, unless ZOHO_AUDIT_FILE names one. So does the
    token, or the eleventh start in ten minutes would be refused one. Raises SettingsError when `file` cannot be used.
    """
    # Settings of another account, and what replicas of a server share, do not apply to the sandbox.
    plain = {name: value for name, value in environment.items() if name not in ("ZOHO_SOID", "ZOHO_SCOPES")}
    settings = replace(
        from_environment({**plain, **environment_for(_HOST)}),
        limits_file="",
        claims_file=f"{file}.claims" if file else "",
        redis_url=NOTHING,
        token_cache=Path(f"{file}.tokens") if file else None,
    )
    if not environment.get("ZOHO_AUDIT_FILE", "").strip():
        settings = replace(settings, audit_file=f"{file}.audit.jsonl" if file else "")
    app = open_app(file) if file else _opened_when_used
    return settings, SandboxTransport(app)


class SandboxTransport(httpx.AsyncBaseTransport):
    """Reaches an ASGI app as the network would: a fault breaks the connection, a bug becomes a 500."""

    def __init__(self, app: Any) -> None:
        self._app = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The app's answer."""
        try:
            return await self._app.handle_async_request(request)
        except Exception as problem:
            # By name: the sandbox is imported with its first request, not with this module.
            if type(problem).__name__ == "ConnectionCutError":
                raise httpx.ReadError("the connection broke", request=request) from problem
            _logger.exception("the sandbox failed")
            return httpx.Response(500)


async def _opened_when_used(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The sandbox in memory, opened at its first request: making the demo data must not delay the start."""
    await _in_memory()(scope, receive, send)


@cache
def _in_memory() -> "Starlette":
    return open_app(None)


def open_app(
    file: str | None,
    *,
    faults: Sequence[str] = (),
    limits: Sequence[int] = (),
    control: bool = False,
) -> "Starlette":
    """The sandbox as an ASGI app, with demo data when it is new.

    `faults` are rules of `zoho_mcp.sandbox.faults`, `limits` per minute, per day and at once. Raises SettingsError.
    """
    import sqlite3

    from zoho_mcp.sandbox.app import create_app
    from zoho_mcp.sandbox.demo.organization import seed, today_there
    from zoho_mcp.sandbox.limits import Limits
    from zoho_mcp.sandbox.store import Store

    try:
        store = Store.open(file)
        seed(store, today=today_there(datetime.now(UTC)))
    except sqlite3.Error as problem:
        raise SettingsError(
            f"The sandbox cannot keep its books in {file}: {problem}.", "Name another file."
        ) from problem
    app = create_app(store, limits=Limits(*limits), control=control)
    try:
        app.state.faults.add(*faults)
    except ValueError as problem:
        raise SettingsError(f"--fault {problem}.", "docs/limits.md lists the kinds.") from problem
    return app
