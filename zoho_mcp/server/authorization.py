"""Decides whether a call may proceed: looks up the facts that a rule could turn on, and no others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy import rules
from zoho_mcp.policy.facts import UNTOLD, amount, at_hand, in_own_currency, outsiders, subject, with_facts
from zoho_mcp.policy.losses import can_destroy, losses_of
from zoho_mcp.policy.rules import Decision, Fact, Facts, Policy
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.tool_call import ToolCall, principal_of
from zoho_mcp.specs.model import Effect, Operation
from zoho_mcp.zoho.api import ZohoApi

Json = Mapping[str, Any]


async def decide(app: ServerContext, call: ToolCall) -> Decision:
    """What the policy says about this call. Raises what a read of Zoho raises: unknown facts allow nothing."""
    policy, operation = app.policy, call.operation
    effect = await _effect(app, call)
    relevant = tuple(rule for rule in policy.rules if rules.covers(rule, operation, effect))
    if not relevant:
        return rules.outcome(policy, None, effect)
    return await _by_rules(app, replace(policy, rules=relevant), call, effect)


async def _effect(app: ServerContext, call: ToolCall) -> Effect:
    """The effect of the tool, or `destroy` where this very call would take something away from the record."""
    operation, arguments = call.operation, call.arguments
    effect = rules.effect_of(operation, arguments)
    if effect in ("read", "destroy") or not operation.replaces or not can_destroy(operation, arguments):
        return effect
    of_record = subject(operation, app.catalog)
    if of_record is None:
        # Which record it is cannot be read beforehand: what is replaced is not known.
        return "destroy"
    record = await app.api.record(of_record.name, arguments)
    return "destroy" if losses_of(operation, arguments, record).serious else effect


async def _by_rules(app: ServerContext, policy: Policy, call: ToolCall, effect: Effect) -> Decision:
    """The decision of the first rule that matches, with the facts that it takes to see which one does."""
    operation, arguments = call.operation, call.arguments
    facts = replace(at_hand(operation, arguments, app.catalog, call.organization_id, call.principal), effect=effect)
    if unknown := rules.needed(policy, operation, facts):
        facts = await _looked_up(app, operation, arguments, facts, unknown)
    return rules.decide(policy, operation, facts)


async def _looked_up(
    app: ServerContext, operation: Operation, arguments: Json, facts: Facts, unknown: frozenset[Fact]
) -> Facts:
    of_record = subject(operation, app.catalog)
    record = await app.api.record(of_record.name, arguments) if of_record else {}
    facts = with_facts(facts, status=str(record.get("status", "")))
    if "amount" in unknown:
        facts = with_facts(facts, amount=await _amount(app.api, operation, arguments, record))
    if "recipients" in unknown:
        facts = with_facts(facts, outsiders=outsiders(arguments, await customer_of(app.api, record, arguments)))
    return facts


async def _amount(api: ZohoApi, operation: Operation, arguments: Json, record: Json) -> Decimal | None:
    """In the organisation's currency; Infinity where that cannot be told."""
    value = amount(operation, arguments, record)
    if value is None or record:
        return in_own_currency(value, record, arguments)
    currency = await _currency(api, operation, arguments)
    return value if currency == (await api.organization()).get("currency_id", "") else UNTOLD


async def _currency(api: ZohoApi, operation: Operation, arguments: Json) -> str:
    """The currency of a record that is yet to be made: its customer's, unless the arguments name another."""
    if "currency_id" in arguments:
        return str(arguments["currency_id"])
    if "customer_id" in operation.input.get("required", ()):
        customer = await customer_of(api, {}, arguments)
        return str((customer or {}).get("currency_id", "unknown"))
    return str((await api.organization()).get("currency_id", ""))


async def customer_of(api: ZohoApi, record: Json, arguments: Json) -> dict[str, Any] | None:
    """The customer that a record or the arguments belong to, None when they name none."""
    customer_id = record.get("customer_id") or arguments.get("customer_id")
    return await api.record("get_customer", {"customer_id": customer_id}) if customer_id else None


async def require_allowed(ctx: RequestContext, app: ServerContext, operations: Iterable[str], arguments: Json) -> None:
    """The policy holds for resources and completions as for the tools that read the same, but nobody can be asked.

    Raises DeclinedError unless it allows all of these operations.
    """
    for operation in (app.catalog.operations[name] for name in operations):
        call = ToolCall(operation, arguments, app.api.books, principal_of(ctx))
        decision = await decide(app, call)
        if decision.action != "allow":
            reason = decision.reason or f"A person has to agree first: call {operation.name} instead."
            raise DeclinedError(f"{operation.title}: {reason}")
