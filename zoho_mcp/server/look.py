"""What a person is shown before saying yes, from fresh reads, and what their yes is bound to."""

from collections.abc import Mapping
from typing import Any

from zoho_mcp.policy.preview import Preview, fingerprint, preview
from zoho_mcp.server.state import App
from zoho_mcp.specs.model import Operation


async def look(app: App, operation: Operation, arguments: Mapping[str, Any]) -> tuple[Preview, str]:
    """The question for this call, and its fingerprint: another argument or state of the record gives another."""
    assert operation.confirm is not None
    shown = preview(operation, await app.record(operation.confirm.subject, arguments))
    return shown, fingerprint(operation.name, arguments, app.settings.organization_id, shown.version)
