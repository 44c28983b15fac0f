"""What a logged-in caller may use at most: the `[[principals]]` tables of a policy file. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from zoho_mcp.policy.tool_patterns import fits_one, guess_or_all, takes_all_of, texts
from zoho_mcp.specs.model import Catalog, Operation

Access = Literal["full", "read", "none"]
_LISTS = {"principal": "principals", "toolsets": "toolsets", "organization": "organizations"}
KEYS = (*_LISTS, "access")


@dataclass(frozen=True, slots=True)
class Grant:
    """One table. Empty toolsets and organisations mean all."""

    principals: tuple[str, ...] = ()
    access: Access = "full"
    toolsets: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()

    def allows(self, operation: Operation) -> bool:
        """Whether the operation may be seen and run at all; rules decide whether it needs approval."""
        return (
            self.access != "none"
            and (self.access == "full" or operation.effect == "read")
            and (not self.toolsets or operation.toolset in self.toolsets)
        )


EVERYTHING = Grant()


def grant_for(grants: tuple[Grant, ...], principal: str | None) -> Grant:
    """The first table that matches the principal; without one, or without a login, everything."""
    if principal is None:
        return EVERYTHING
    return next((grant for grant in grants if fits_one(principal, grant.principals)), EVERYTHING)


def read_grants(entries: Any, catalog: Catalog, problems: list[str]) -> tuple[Grant, ...]:
    """The tables in order. Problems are appended to `problems` as whole sentences."""
    tables = cast("list[Any]", entries) if isinstance(entries, list) else [entries]
    if not all(isinstance(table, dict) for table in tables) or not isinstance(entries, list):
        problems.append("principals must be written as [[principals]] tables.")
        return ()
    found: list[Grant] = []
    for number, table in enumerate(cast("list[dict[str, Any]]", tables), 1):
        wrong = list(_wrong(table, catalog))
        lists = {field: texts(table.get(key, ())) for key, field in _LISTS.items()}
        grant = Grant(access=table.get("access", "full"), **lists)
        if not wrong and (earlier := _earlier_match(grant, found)):
            wrong = [f"never fits: principals {earlier} takes all that it names."]
        problems += [f"principals {number}: {problem}" for problem in wrong]
        found.append(grant)
    return tuple(found)


def _wrong(table: Mapping[str, Any], catalog: Catalog) -> list[str]:
    found = [f"{key} is not a key of it{guess_or_all(key, KEYS)}" for key in table if key not in KEYS]
    found += [
        f"{key} must be a text or a list of texts, not {table[key]!r}."
        for key in _LISTS
        if key in table and not texts(table[key])
    ]
    if "principal" not in table:
        found.append("principal is missing: whom is it about?")
    if table.get("access", "full") not in get_args(Access):
        found.append(f"access must be one of {', '.join(get_args(Access))}, not {table['access']!r}.")
    known = tuple(catalog.toolsets)
    unknown = (name for name in texts(table.get("toolsets", ())) if name not in known)
    return found + [f"{name} is not a toolset{guess_or_all(name, known)}" for name in unknown]


def _earlier_match(grant: Grant, earlier: list[Grant]) -> int:
    """The number of an earlier table that matches the same principals; 0 if there is none."""
    for number, other in enumerate(earlier, 1):
        if all(takes_all_of(other.principals, pattern) for pattern in grant.principals):
            return number
    return 0
