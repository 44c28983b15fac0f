"""Decides about a call: fetches the facts that a rule could turn on, and no others. Fails as the reads fail."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy.facts import UNTOLD, amount, at_hand, in_own_currency, outsiders, subject, with_facts
from zoho_mcp.policy.rules import Decision, Facts, decide, needed
from zoho_mcp.server.confirmation.preview_reader import customer_of
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.identity import principal_of
from zoho_mcp.specs.model import Operation

Json = Mapping[str, Any]


async def decide_call(app: ServerContext, operation: Operation, arguments: Json, principal: str | None) -> Decision:
    """What the policy says about this call. Raises what a read of Zoho raises: unknown facts allow nothing."""
    facts = at_hand(operation, arguments, app.catalog, app.organization_of(arguments), principal)
    if needed(app.policy, operation, facts):
        facts = await _looked_up(app, operation, arguments, facts)
    return decide(app.policy, operation, facts)


async def _looked_up(app: ServerContext, operation: Operation, arguments: Json, facts: Facts) -> Facts:
    wanted = needed(app.policy, operation, facts)
    of_record = subject(operation, app.catalog)
    record = await app.record(of_record.name, arguments) if of_record else {}
    facts = with_facts(facts, status=str(record.get("status", "")))
    if "amount" in wanted:
        facts = with_facts(facts, amount=await _amount(app, operation, arguments, record))
    if "recipients" in wanted:
        facts = with_facts(facts, outsiders=outsiders(arguments, await customer_of(app, record, arguments)))
    return facts


async def _amount(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> Decimal | None:
    """In the organisation's currency; Infinity where that cannot be told."""
    value = amount(operation, arguments, record)
    if value is None or record:
        return in_own_currency(value, record, arguments)
    currency = await _currency(app, operation, arguments)
    return value if currency == (await _organization(app)).get("currency_id", "") else UNTOLD


async def _currency(app: ServerContext, operation: Operation, arguments: Json) -> str:
    """The currency of a record that is yet to be made: its customer's, unless another is asked for."""
    if "currency_id" in arguments:
        return str(arguments["currency_id"])
    if "customer_id" in operation.input.get("required", ()):
        customer = await customer_of(app, {}, arguments)
        return str((customer or {}).get("currency_id", "unknown"))
    return str((await _organization(app)).get("currency_id", ""))


async def _organization(app: ServerContext) -> Mapping[str, Any]:
    rows: list[dict[str, Any]] = (await app.run("list_organizations", {}))["organizations"]
    return next((row for row in rows if row.get("organization_id") == app.organization_of({})), dict[str, Any]())


async def require_allowed(ctx: RequestContext, operations: Iterable[str], arguments: Mapping[str, Any]) -> None:
    """The policy holds as for the tools that read the same; only that here nobody can be asked.

    Raises DeclinedError unless it allows all of these operations.
    """
    app = ctx.lifespan_context
    for operation in (app.catalog.operations[name] for name in operations):
        decision = await decide_call(app, operation, arguments, principal_of(ctx))
        if decision.action != "allow":
            reason = decision.reason or f"A person has to agree first: call {operation.name} instead."
            raise DeclinedError(f"{operation.title}: {reason}")
