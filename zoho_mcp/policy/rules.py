"""Decides whether a call is allowed, needs approval, or is refused. Pure: facts are passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from zoho_mcp.policy.grants import Grant
from zoho_mcp.policy.tool_patterns import fits_one
from zoho_mcp.settings import ConfirmMode
from zoho_mcp.specs.entry import EFFECTS, Effect
from zoho_mcp.specs.model import Operation

Action = Literal["allow", "ask", "refuse"]
Fact = Literal["amount", "status", "recipients"]
SWITCHED_OFF = "Deleting, voiding and refunding are switched off here (ZOHO_CONFIRM=refuse)."
AFTER_A_NO = "a person was asked about a loss of the same record and did not agree"
NOT_ALLOWED = "The owner's policy does not allow it."


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a call. `reason`: for the model, if it is refused. `rule`: the name of what decided.

    `effect`: the effect of this call, considering the record; None if it was not determined.
    """

    action: Action
    reason: str = ""
    rule: str = ""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The known facts about a call; `unknown` names those not looked up yet."""

    effect: Effect
    organization: str = ""
    principal: str | None = None
    amount: Decimal | None = None
    """In the organisation's currency; None if no money is involved, Infinity if it is unknown."""
    status: str = ""
    outsiders: tuple[str, ...] = ()
    """Recipients that are not contact persons of the customer."""
    unknown: frozenset[Fact] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rules]]` entry. All of its matchers must match; empty ones match everything."""

    action: Action
    reason: str = ""
    name: str = ""
    tools: tuple[str, ...] = ()
    toolsets: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    amount_over: Decimal | None = None
    outside_contacts: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, of which the first match decides, and defaults. `source`: its file, for messages."""

    source: str
    defaults: Mapping[Effect, Action]
    rules: tuple[Rule, ...] = ()
    grants: tuple[Grant, ...] = ()
    """The most that logged-in callers may use, whatever the rules say."""
    confirm: ConfirmMode = "ask"
    """ZOHO_CONFIRM, for destructive calls that need approval: `refuse` refuses them, `allow` allows those without a
    rule."""


def effect_of(operation: Operation, arguments: Mapping[str, Any]) -> Effect:
    """The effect of this call; arguments can raise it (`send: true` when creating an invoice)."""
    raised = [effect for name, effect in operation.escalates.items() if arguments.get(name)]
    return max([operation.effect, *raised], key=EFFECTS.index)


def covers(rule: Rule, operation: Operation, effect: Effect) -> bool:
    """Whether the rule applies to this tool with this effect, apart from its other conditions."""
    return (
        (not rule.tools or fits_one(operation.name, rule.tools))
        and (not rule.toolsets or operation.toolset in rule.toolsets)
        and (not rule.effects or effect in rule.effects)
    )


def candidates(policy: Policy, operation: Operation, facts: Facts) -> list[tuple[Rule, frozenset[Fact]]]:
    """The rules that may match, in order, each with the unknown facts it depends on; ends with a certain match."""
    found: list[tuple[Rule, frozenset[Fact]]] = []
    for rule in policy.rules:
        missing = _missing_facts(rule, operation, facts)
        if missing is not None:
            found.append((rule, missing))
            if not missing:
                break
    return found


def needed(policy: Policy, operation: Operation, facts: Facts) -> frozenset[Fact]:
    """The facts needed for a decision; no others have to be looked up."""
    return frozenset[Fact]().union(*(missing for _, missing in candidates(policy, operation, facts)))


def decide(policy: Policy, operation: Operation, facts: Facts) -> Decision:
    """The decision of the first matching rule, or else the default. All facts of `needed` must be known."""
    for rule, missing in candidates(policy, operation, facts):
        assert not missing, f"{sorted(missing)} must be looked up first"
        return outcome(policy, rule, facts.effect)
    return outcome(policy, None, facts.effect)


def outcome(policy: Policy, rule: Rule | None, effect: Effect) -> Decision:
    """The decision of a rule (None: the default) for a call with that effect, considering ZOHO_CONFIRM."""
    action = rule.action if rule else policy.defaults[effect]
    reason, name = (rule.reason, rule.name) if rule else ("", f"default for {effect} ({policy.source})")
    if action == "ask" and effect == "destroy":
        if policy.confirm == "refuse":
            return Decision("refuse", SWITCHED_OFF, "ZOHO_CONFIRM=refuse")
        if policy.confirm == "allow" and rule is None:
            return Decision("allow", "", "ZOHO_CONFIRM=allow")
    if action == "refuse" and not reason:
        reason = NOT_ALLOWED
    return Decision(action, reason, name)


def _missing_facts(rule: Rule, operation: Operation, facts: Facts) -> frozenset[Fact] | None:
    """The unknown facts on which a match depends, empty if the rule matches; None if it does not match."""
    if not covers(rule, operation, facts.effect):
        return None
    if rule.organizations and facts.organization not in rule.organizations:
        return None
    if rule.principals and (facts.principal is None or not fits_one(facts.principal, rule.principals)):
        return None
    conditions: list[tuple[Fact, bool]] = []
    if rule.amount_over is not None:
        conditions.append(("amount", facts.amount is not None and facts.amount > rule.amount_over))
    if rule.status:
        conditions.append(("status", facts.status in rule.status))
    if rule.outside_contacts:
        conditions.append(("recipients", bool(facts.outsiders)))
    if not all(holds for fact, holds in conditions if fact not in facts.unknown):
        return None
    return frozenset(fact for fact, _ in conditions if fact in facts.unknown)
