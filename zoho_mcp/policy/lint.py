"""Finds rules with unknown names, and rules that can never match."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from zoho_mcp.policy.facts import can_cost, can_mail, subject
from zoho_mcp.policy.rules import Rule, covers
from zoho_mcp.policy.tool_patterns import guess, guess_or_all, is_plain, takes_all_of
from zoho_mcp.specs.entry import EFFECTS, Effect
from zoho_mcp.specs.model import Catalog, Operation

STATUSES = frozenset({
    "accepted", "active", "approved", "closed", "declined", "draft", "expired", "inactive", "invoiced", "non-billable",
    "nonbillable", "open", "overdue", "paid", "partially_paid", "pending_approval", "pending_signature", "reimbursed",
    "rejected", "sent", "signed", "stopped", "success", "unbilled", "unpaid", "viewed", "void",
})  # fmt: skip
"""The values of `status` in Zoho's records."""
Kind = tuple[str, Effect]
"""A tool and an effect that a call of it can have."""


def unknown_names(rule: Rule, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The key and a sentence for every unknown name in the rule."""
    tools = list(catalog.operations)
    for pattern in rule.tools:
        if not any(fnmatchcase(tool, pattern) for tool in tools):
            what = "is not a tool" if is_plain(pattern) else "matches no tool"
            yield "tools", f"{pattern} {what}{guess(pattern, tools) or '.'}"
    checks = (("toolsets", rule.toolsets, tuple(catalog.toolsets), "toolset"), ("effects", rule.effects, EFFECTS,
             "effect"), ("status", rule.status, tuple(sorted(STATUSES)), "status"))  # fmt: skip
    for key, names, possible, what in checks:
        for name in names:
            if name not in possible:
                yield key, f"{name} is no {what}{guess_or_all(name, possible)}"


def never_matches(rule: Rule, earlier: tuple[Rule, ...], catalog: Catalog) -> str:
    """Why the rule can never match, or empty: no call fits it, or earlier rules match all of its calls."""
    kinds = _kinds(rule, catalog)
    if not kinds:
        return "no tool fits all of its tools, toolsets and effects at once."
    operations = [catalog.operations[name] for name, _ in kinds]
    if why := _without_object(rule, operations, catalog):
        return why
    wider = [other for other in earlier if _is_wider(other, rule)]
    left = kinds.difference(*(_kinds(other, catalog) for other in wider))
    if left:
        return ""
    names = [other.name.partition(" of ")[0] for other in wider if _kinds(other, catalog) & kinds]
    return f"{' and '.join(names)} {'takes' if len(names) == 1 else 'take'} every call it is about."


def _without_object(rule: Rule, operations: list[Operation], catalog: Catalog) -> str:
    if rule.outside_contacts and not any(can_mail(operation) for operation in operations):
        return "none of its tools names recipients."
    if rule.status and not any(subject(operation, catalog) for operation in operations):
        return "none of its tools is about a record that has a status."
    if rule.amount_over is not None and not any(can_cost(operation, catalog) for operation in operations):
        return "none of its tools is about an amount."
    return ""


def _kinds(rule: Rule, catalog: Catalog) -> set[Kind]:
    return {
        (operation.name, effect)
        for operation in catalog.operations.values()
        for effect in (operation.effect, *operation.escalates.values(), *_destroying_effect(operation))
        if covers(rule, operation, effect)
    }


def _destroying_effect(operation: Operation) -> tuple[Effect, ...]:
    """An update that destroys values counts as `destroy`."""
    return ("destroy",) if operation.replaces else ()


def _is_wider(rule: Rule, other: Rule) -> bool:
    """Whether `rule` matches whenever `other` does, apart from the tools."""
    return (
        (rule.amount_over is None or (other.amount_over is not None and rule.amount_over <= other.amount_over))
        and (not rule.outside_contacts or other.outside_contacts)
        and _includes(rule.status, other.status)
        and _includes(rule.organizations, other.organizations)
        and (
            not rule.principals
            or (bool(other.principals) and all(takes_all_of(rule.principals, one) for one in other.principals))
        )
    )


def _includes(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not names or (bool(others) and set(others) <= set(names))
