"""Decides whether a call may proceed, looking up only the facts that a rule depends on. Reads the record of a call."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy import rules
from zoho_mcp.policy.facts import (
    UNKNOWN_AMOUNT,
    amount,
    at_hand,
    ids_in,
    in_own_currency,
    outsiders,
    subject,
    with_facts,
)
from zoho_mcp.policy.losses import NONE, losses_of
from zoho_mcp.policy.rules import AFTER_A_NO, Decision, Fact, Facts, Policy
from zoho_mcp.server import recent_addresses
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.tool_call import ToolCall, principal_of
from zoho_mcp.specs.entry import Effect, FoundBy, Mails
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import placeholders
from zoho_mcp.zoho.client import ZohoApi

Json = Mapping[str, Any]
_MOST_LOOKED_THROUGH = 30
"""Records that are read to find the one with a unique value, which Zoho's list does not show."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The record of a call.

    Attributes:
        record: empty if the call is about none, or creates one.
        part: the element of the record named by the last id in the call's path; empty if that names the record.
    """

    record: Json = field(default_factory=dict[str, Any])
    part: Json = field(default_factory=dict[str, Any])

    @property
    def target(self) -> Json:
        """The object that the call changes."""
        return self.part or self.record


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision about a call.

    Attributes:
        before: the record as read for the decision; None if it was not needed.
    """

    decision: Decision
    before: Subject | None = None


async def decide(app: ServerContext, call: ToolCall) -> Ruling:
    """The policy's decision about a call. Raises the errors of a read: unknown facts allow nothing."""
    operation, arguments = call.operation, call.arguments
    if operation.effect == "read":
        return Ruling(await _by_policy(app, call, "read", None))
    before = await read_subject(app.api, operation, arguments) if operation.replaces else None
    losses = losses_of(operation, arguments, before.target) if before is not None else NONE
    effect = rules.effect_of(operation, arguments)
    if losses.serious or (before is not None and not before.record):
        # If the record cannot be read first, the loss is unknown.
        effect = "destroy"
    decision = replace(await _by_policy(app, call, effect, before), effect=effect)
    takes_away = effect == "destroy" or operation.lessens or bool(losses.rows)
    if decision.action == "allow" and takes_away and await _is_guarded(app, call):
        decision = Decision("ask", rule=AFTER_A_NO, effect=effect)
    return Ruling(decision, before)


async def _is_guarded(app: ServerContext, call: ToolCall) -> bool:
    """Whether a person was recently asked about a loss of a record that the call names, and did not approve."""
    return await app.client_memory.is_guarded(loss_keys(call, ids_in(call.arguments)))


async def _by_policy(app: ServerContext, call: ToolCall, effect: Effect, before: Subject | None) -> Decision:
    policy = app.policy
    relevant = tuple(rule for rule in policy.rules if rules.covers(rule, call.operation, effect))
    if not relevant:
        return rules.outcome(policy, None, effect)
    return await _by_rules(app, replace(policy, rules=relevant), call, effect, before)


def loss_keys(call: ToolCall, ids: Iterable[str]) -> frozenset[str]:
    """The keys under which a declined loss of these records is remembered: hashes, so that no record is named."""
    whose = f"{call.principal or ''}|{call.organization_id}"
    return frozenset(hashlib.sha256(f"{whose}|{one}".encode()).hexdigest() for one in ids)


async def _by_rules(
    app: ServerContext, policy: Policy, call: ToolCall, effect: Effect, before: Subject | None
) -> Decision:
    """The decision of the first matching rule, after looking up the facts needed to find it."""
    operation, arguments = call.operation, call.arguments
    facts = replace(at_hand(operation, arguments, app.catalog, call.organization_id, call.principal), effect=effect)
    if unknown := rules.needed(policy, operation, facts):
        record = (before or await read_subject(app.api, operation, arguments)).record
        facts = await _with_lookups(app, operation, arguments, facts, unknown, record)
    return rules.decide(policy, operation, facts)


async def _with_lookups(
    app: ServerContext, operation: Operation, arguments: Json, facts: Facts, unknown: frozenset[Fact], record: Json
) -> Facts:
    facts = with_facts(facts, status=str(record.get("status", "")))
    if "amount" in unknown:
        facts = with_facts(facts, amount=await _amount(app.api, operation, arguments, record))
    if "recipients" in unknown:
        facts = with_facts(facts, outsiders=await strangers(app, operation, arguments, record))
    return facts


async def strangers(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> tuple[str, ...]:
    """Recipients who are not contact persons, or have been for less than a day.

    For several records mailed at once, only the recent addresses of their customers.
    """
    if operation.mails:
        return await _recent_of_several(app, operation.mails, arguments) if await recent_addresses.are_any(app) else ()
    customer = await customer_of(app.api, record, arguments)
    return outsiders(arguments, customer, await recent_addresses.recent(app, customer))


async def _recent_of_several(app: ServerContext, mails: Mails, arguments: Json) -> tuple[str, ...]:
    name = mails.ids.removesuffix("s")
    records = [await app.api.record(mails.record, {name: one}) for one in dict.fromkeys(arguments[mails.ids])]
    customers = dict.fromkeys(str(record.get("customer_id", "")) for record in records)
    found: list[str] = []
    for customer_id in customers:
        customer = await customer_of(app.api, {"customer_id": customer_id}, {})
        found += sorted(await recent_addresses.recent(app, customer))
    return tuple(found)


async def _amount(api: ZohoApi, operation: Operation, arguments: Json, record: Json) -> Decimal | None:
    """The amount in the organisation's currency; Infinity if it is unknown."""
    value = amount(operation, arguments, record)
    if value is None or record:
        return in_own_currency(value, record, arguments)
    currency = await _currency(api, operation, arguments)
    return value if currency == (await api.organization()).get("currency_id", "") else UNKNOWN_AMOUNT


async def _currency(api: ZohoApi, operation: Operation, arguments: Json) -> str:
    """The currency of a record to be created: its customer's, unless the arguments name another."""
    if "currency_id" in arguments:
        return str(arguments["currency_id"])
    if "customer_id" in operation.input.get("required", ()):
        customer = await customer_of(api, {}, arguments)
        return str((customer or {}).get("currency_id", "unknown"))
    return str((await api.organization()).get("currency_id", ""))


async def customer_of(api: ZohoApi, record: Json, arguments: Json) -> dict[str, Any] | None:
    """The customer of a record or of the arguments; None if they name none."""
    customer_id = record.get("customer_id") or arguments.get("customer_id")
    return await api.record("get_customer", {"customer_id": customer_id}) if customer_id else None


async def require_allowed(ctx: RequestContext, app: ServerContext, operations: Iterable[str], arguments: Json) -> None:
    """Apply the policy to a resource or completion as to the tools that read the same. Nobody can be asked here.

    Raises DeclinedError unless all of these operations are allowed.
    """
    for operation in (app.catalog.operations[name] for name in operations):
        call = ToolCall(operation, arguments, app.api.books, principal_of(ctx))
        decision = (await decide(app, call)).decision
        if decision.action != "allow":
            reason = decision.reason or f"A person must approve this first: call {operation.name} instead."
            kind = "could_not_ask" if decision.action == "ask" else "refused_by_policy"
            raise DeclinedError(f"{operation.title}: {reason}", kind=kind)


async def read_subject(api: ZohoApi, operation: Operation, arguments: Json) -> Subject:
    """Read the record of a call. Raises the errors of a read."""
    reader = subject(operation, api.catalog)
    if reader is None:
        return Subject(await _by_custom_field(api, operation.found_by, arguments) if operation.found_by else {})
    record = await api.record(reader.name, arguments)
    if operation.confirm is None or not operation.confirm.part:
        return Subject(record)
    other = api.catalog.operations[operation.confirm.part]
    answer = record if other.name == reader.name else await api.record(other.name, arguments)
    name = placeholders(operation.http.path)[-1]
    nothing: Json = {}
    found = (part for part in _objects(answer) if str(part.get(name, "")) == str(arguments[name]))
    return Subject(record, next(found, nothing))


async def _by_custom_field(api: ZohoApi, found_by: FoundBy, arguments: Json) -> Json:
    """The record with the custom field's value; empty if it is not among the first records listed."""
    field, value = arguments[found_by.field], str(arguments[found_by.value])
    for row in await api.rows(found_by.list, {"per_page": _MOST_LOOKED_THROUGH}):
        record = await api.record(found_by.read, row)
        for custom in cast("list[Json]", record.get("custom_fields") or []):
            if custom.get("api_name") == field and str(custom.get("value")) == value:
                return record
    return {}


def _objects(value: Any) -> Iterator[Json]:
    """Every object inside a record or a list."""
    for part in cast("Json", value).values() if isinstance(value, Mapping) else cast("list[Any]", value):
        if isinstance(part, Mapping):
            yield cast("Json", part)
        if isinstance(part, Mapping | list):
            yield from _objects(part)
