"""Decides whether a call may go, must be asked about, or is refused. Pure: the facts are looked up elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from zoho_mcp.policy.grants import Grant
from zoho_mcp.policy.patterns import fits_one
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
    """What to do with a call. `reason` is passed on to the model when it is refused; `rule` says who decided.

    `effect`: that of this very call, with the record taken into account; None where it was not looked at.
    """

    action: Action
    reason: str = ""
    rule: str = ""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one call. What `unknown` names has not been looked up yet."""

    effect: Effect
    organization: str = ""
    principal: str | None = None
    amount: Decimal | None = None
    """In the organisation's currency; None when it is not about money, Infinity when it could not be told."""
    status: str = ""
    outsiders: tuple[str, ...] = ()
    """Recipients that are not contact persons of the customer."""
    unknown: frozenset[Fact] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rules]]` entry. An empty matcher matches everything; all that are given must match."""

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
    """Rules, first match wins, and what holds where none matches. `source` is its file, in words."""

    source: str
    defaults: Mapping[Effect, Action]
    rules: tuple[Rule, ...] = ()
    grants: tuple[Grant, ...] = ()
    """What those who log in may do at most, whatever the rules say."""
    confirm: ConfirmMode = "ask"
    """ZOHO_CONFIRM: `refuse` turns every asking about what destroys into a refusal; `allow` only that of defaults."""


def effect_of(operation: Operation, arguments: Mapping[str, Any]) -> Effect:
    """The effect of this very call: an argument can raise it (`send: true` makes writing an invoice a sending)."""
    raised = [effect for name, effect in operation.escalates.items() if arguments.get(name)]
    return max([operation.effect, *raised], key=EFFECTS.index)


def covers(rule: Rule, operation: Operation, effect: Effect) -> bool:
    """Whether the rule is about this tool with this effect, whatever its other conditions are."""
    return (
        (not rule.tools or fits_one(operation.name, rule.tools))
        and (not rule.toolsets or operation.toolset in rule.toolsets)
        and (not rule.effects or effect in rule.effects)
    )


def candidates(policy: Policy, operation: Operation, facts: Facts) -> list[tuple[Rule, frozenset[Fact]]]:
    """The rules that may match, in order, each with the facts it still waits for; ends with one that waits for none."""
    found: list[tuple[Rule, frozenset[Fact]]] = []
    for rule in policy.rules:
        waiting = _waiting(rule, operation, facts)
        if waiting is not None:
            found.append((rule, waiting))
            if not waiting:
                break
    return found


def needed(policy: Policy, operation: Operation, facts: Facts) -> frozenset[Fact]:
    """The facts without which it cannot be decided; nothing else has to be looked up."""
    return frozenset[Fact]().union(*(waiting for _, waiting in candidates(policy, operation, facts)))


def decide(policy: Policy, operation: Operation, facts: Facts) -> Decision:
    """The first rule that matches, else the default for the effect. What `needed` names must be known."""
    for rule, waiting in candidates(policy, operation, facts):
        assert not waiting, f"{sorted(waiting)} must be looked up first"
        return outcome(policy, rule, facts.effect)
    return outcome(policy, None, facts.effect)


def outcome(policy: Policy, rule: Rule | None, effect: Effect) -> Decision:
    """What a rule (None: the default) means for a call of that effect, with ZOHO_CONFIRM taken into account."""
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


def _waiting(rule: Rule, operation: Operation, facts: Facts) -> frozenset[Fact] | None:
    """None: the rule does not match. Else what has to be known before it can be said; empty: it matches."""
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
