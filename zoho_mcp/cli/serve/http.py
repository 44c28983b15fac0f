"""Serves MCP over HTTP, for a Zoho account or on the sandbox."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.types import ASGIApp

from zoho_mcp.cli.serve.stdio import connected
from zoho_mcp.errors import SettingsError
from zoho_mcp.http.app import create_app
from zoho_mcp.http.health import ActiveRequests
from zoho_mcp.http.settings import HttpSettings, http_settings
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.policy.grants import grant_for
from zoho_mcp.server.app import create_server, policy_for
from zoho_mcp.server.tools.offered import for_organizations
from zoho_mcp.specs.load import load
from zoho_mcp.telemetry.logging import announce
from zoho_mcp.telemetry.setup import set_up
from zoho_mcp.zoho.readiness import Readiness


def serve_http(environment: Mapping[str, str], *, file: str | None = None) -> int:
    """Serve until a signal stops it. `file` keeps the sandbox's books. Raises SettingsError."""
    from zoho_mcp.http.serving import run

    http = http_settings(environment)
    settings, client, replicas = connected(environment, file=file)
    set_up(settings, environment)
    if http.knows_callers:
        # Callers from elsewhere do not see this machine's browser.
        settings = replace(settings, can_open_browser=False)
    approvals, key = (replicas.approvals, replicas.key) if replicas else (Approvals(), None)
    active = ActiveRequests()
    catalog = load(settings.product, settings.edition)
    grants = policy_for(settings, for_organizations(catalog, settings)).grants
    if not http.knows_callers and grants:
        raise SettingsError(
            "The policy file has rules per principal ([[principals]]), but over HTTP every caller would be unknown.",
            "Create tokens with `zoho-invoice-mcp token add NAME`, set ZOHO_HTTP_ISSUER, or remove [[principals]].",
        )
    server = create_server(settings, catalog, client, approvals=approvals, shared=replicas, public_page=http.page)

    def make(port: int) -> ASGIApp:
        checks = (Readiness(client).check,)
        return create_app(
            server, replace(http, port=port), active=active, approvals=approvals, key=key, checks=checks,
            may_use=lambda caller: grant_for(grants, caller).access != "none",
        )  # fmt: skip

    run(make, http.host, http.port, active, lambda port: _announce(replace(http, port=port)))
    return 0


def _announce(http: HttpSettings) -> None:
    who = "tokens of the issuer" if http.issuer else "tokens" if http.tokens else "no token needed on this machine"
    announce(f"serving at {http.resource} ({who}). Ctrl-C stops it.")
