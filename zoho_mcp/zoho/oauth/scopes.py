"""The scopes that operations need, and whether the granted scopes cover them. Pure."""

from collections.abc import Iterable

from zoho_mcp.specs.model import Catalog, Operation


def covers(granted: frozenset[str] | None, needed: str) -> bool:
    """Whether the granted scopes (None: unknown, counts as all) include one such as `ZohoInvoice.invoices.READ`."""
    if granted is None:
        return True
    product, module, _ = needed.lower().split(".")
    enough = {needed.lower(), f"{product}.{module}.all", f"{product}.fullaccess.all"}
    return not enough.isdisjoint(scope.lower() for scope in granted)


def needs(operation: Operation, catalog: Catalog) -> tuple[str, ...]:
    """The scopes without which an operation fails, including those of its preview and of its handler's calls."""
    others = [*operation.also_needs, *((operation.confirm.subject,) if operation.confirm else ())]
    others += [operation.answer.file.record] if operation.answer.file and operation.answer.file.record else []
    found = (operation.scope, *(catalog.operations[name].scope for name in others))
    return tuple(dict.fromkeys(found))


def usable(operation: Operation, catalog: Catalog, prefix: str, granted: frozenset[str] | None) -> bool:
    """Whether an operation works with these scopes."""
    return all(covers(granted, prefix + scope) for scope in needs(operation, catalog))


def wanted(operations: Iterable[Operation], catalog: Catalog) -> set[str]:
    """All scopes that these operations can need."""
    chosen = tuple(operations)
    at_times = [catalog.operations[name] for operation in chosen for name in operation.may_need]
    return {scope for operation in (*chosen, *at_times) for scope in needs(operation, catalog)}
