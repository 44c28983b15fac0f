"""Describes a policy in plain sentences, for its owner."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from zoho_mcp.policy.display import money
from zoho_mcp.policy.grants import Grant, grant_for
from zoho_mcp.policy.rules import Action, Decision, Fact, Facts, Policy, Rule, candidates, outcome
from zoho_mcp.specs.entry import EFFECTS, Effect
from zoho_mcp.specs.model import Operation

_DOING: Mapping[Effect, str] = {
    "read": "Reading",
    "write": "Changing what can be edited or undone",
    "send": "Sending e-mail",
    "destroy": "Deleting, voiding, refunding, or an update that takes something away",
}
_ACTIONS: Mapping[Action, str] = {"allow": "allowed", "ask": "needs approval", "refuse": "refused"}
_FACTS: Mapping[Fact, str] = {
    "amount": "the amount: give record.total=…",
    "status": "the record's status: give record.status=…",
    "recipients": "who the customer's contact persons are: give record.contact_persons=…",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to a call: the rules that may match first, and the decision if none of them does."""

    otherwise: Decision
    depends: Sequence[tuple[Rule, Decision]] = ()
    unknown: frozenset[Fact] = frozenset()
    """The facts that decide whether they match."""


def sentences(policy: Policy) -> Iterator[str]:
    """The whole policy: its rules in order, the defaults, and the effect of ZOHO_CONFIRM."""
    if policy.rules:
        yield "The first matching rule decides:"
        for number, rule in enumerate(policy.rules, 1):
            yield f"  {number}. {condition(rule)}: {_what(rule.action, rule.reason)}"
        yield "If no rule matches:"
    for effect in EFFECTS:
        yield f"  {_DOING[effect]}: {_what(policy.defaults[effect])}"
    if policy.grants:
        yield "Over HTTP, the first matching entry decides what a logged-in caller can use:"
        for number, grant in enumerate(policy.grants, 1):
            yield f"  {number}. {granted(grant)}"
    if policy.confirm == "refuse":
        yield "ZOHO_CONFIRM=refuse: a destructive call that would need approval is refused."
    if policy.confirm == "allow":
        yield "ZOHO_CONFIRM=allow: a destructive call that no rule matches is allowed without approval."


def granted(grant: Grant) -> str:
    """A grant as text: "clerk-*: read only; the toolsets invoices or items"."""
    parts = [
        {"full": "", "read": "read only", "none": "nothing"}[grant.access],
        f"the toolset {_either(grant.toolsets)}" if grant.toolsets else "",
        f"the organisation {_either(grant.organizations)}" if grant.organizations else "",
    ]
    return f"{_either(grant.principals)}: {'; '.join(part for part in parts if part) or 'everything'}"


def condition(rule: Rule) -> str:
    """The condition of a rule: "If the tool is void_invoice and the amount is over 1,000.00"."""
    parts = [
        f"the tool is {_either(rule.tools)}" if rule.tools else "",
        f"the toolset is {_either(rule.toolsets)}" if rule.toolsets else "",
        f"the effect is {_either(rule.effects)}" if rule.effects else "",
        f"the amount is over {money(rule.amount_over)} in the organisation's currency, or unknown"
        if rule.amount_over is not None
        else "",
        f"the record's status is {_either(rule.status)}" if rule.status else "",
        f"the organisation is {_either(rule.organizations)}" if rule.organizations else "",
        "a recipient is not one of the customer's contact persons" if rule.outside_contacts else "",
        f"the caller is {_either(rule.principals)}" if rule.principals else "",
    ]
    conditions = [part for part in parts if part]
    return "If " + ", and ".join(conditions) if conditions else "Always"


def explained(policy: Policy, operation: Operation, facts: Facts) -> Iterator[str]:
    """What would happen to a call, by which rule, and what it depends on."""
    yield from _explained(policy, operation, facts)
    if operation.replaces and facts.effect != "destroy":
        yield "If it takes something away from a record that is not a draft:"
        yield from (f"  {line}" for line in _explained(policy, operation, _destroying(facts)))


def explanation(policy: Policy, operation: Operation, facts: Facts) -> Explanation:
    """What would happen to a call, as data."""
    grant = grant_for(policy.grants, facts.principal)
    if not grant.allows(operation) or not _is_within(grant, facts.organization):
        by = f"principals {policy.grants.index(grant) + 1} of {policy.source}: {granted(grant)}"
        return Explanation(Decision("refuse", f"It is not available to {facts.principal}.", by))
    found = candidates(policy, operation, facts)
    certain = next((rule for rule, missing in found if not missing), None)
    open_ones = [(rule, outcome(policy, rule, facts.effect)) for rule, missing in found if missing]
    unknown = frozenset[Fact]().union(*(missing for _, missing in found))
    return Explanation(outcome(policy, certain, facts.effect), open_ones, unknown)


def _explained(policy: Policy, operation: Operation, facts: Facts) -> Iterator[str]:
    found = explanation(policy, operation, facts)
    name, otherwise = f"{operation.name} (effect: {facts.effect})", found.otherwise
    if not found.depends:
        yield f"{name}: {_what(otherwise.action, otherwise.reason)}"
        yield f"  decided by {otherwise.rule}"
        return
    yield f"{name}: it depends."
    for rule, decided in found.depends:
        yield f"  {condition(rule)}: {_what(decided.action, decided.reason)}"
        yield f"    decided by {decided.rule}"
    yield f"  Otherwise: {_what(otherwise.action, otherwise.reason)}"
    yield f"    decided by {otherwise.rule}"
    for fact in sorted(found.unknown):
        yield f"  It depends on {_FACTS[fact]}"


def _is_within(grant: Grant, organization: str) -> bool:
    # With several organisations, or none yet, the call's is unknown.
    return not grant.organizations or not organization or "," in organization or organization in grant.organizations


def asks(policy: Policy, operation: Operation, facts: Facts) -> str:
    """Whether a person is asked, for a table: "yes", "if …", or empty."""
    found = [rule for rule, _ in candidates(policy, operation, facts)]
    first = found[0] if found else None
    if outcome(policy, first, facts.effect).action != "ask":
        destroys = operation.replaces and facts.effect != "destroy"
        return "if it takes something away" if destroys and asks(policy, operation, _destroying(facts)) else ""
    return condition(first)[0].lower() + condition(first)[1:] if first and condition(first) != "Always" else "yes"


def _destroying(facts: Facts) -> Facts:
    return replace(facts, effect="destroy")


def _what(action: Action, reason: str = "") -> str:
    return f"{_ACTIONS[action]}. {reason}".strip() if reason else f"{_ACTIONS[action]}."


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
