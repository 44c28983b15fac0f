"""Whether the policy allows a read that is not a tool call: a resource, or the list behind a completion."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoho_mcp.errors import DeclinedError
from zoho_mcp.server.caller import principal_of
from zoho_mcp.server.judge import judge
from zoho_mcp.server.state import Context


async def require_leave(ctx: Context, operations: Iterable[str], arguments: Mapping[str, Any]) -> None:
    """The policy holds as for the tools that read the same; only that here nobody can be asked.

    Raises DeclinedError unless it allows all of these operations.
    """
    app = ctx.lifespan_context
    for operation in (app.catalog.operations[name] for name in operations):
        decision = await judge(app, operation, arguments, principal_of(ctx))
        if decision.action != "allow":
            reason = decision.reason or f"A person has to agree first: call {operation.name} instead."
            raise DeclinedError(f"{operation.title}: {reason}")
