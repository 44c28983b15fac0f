"""What was found lately for letters that a person types, and the search for more of it.

What was found is kept for seconds: a longer word is looked for in what a shorter one found, where that was everything.
One search runs at a time; what was typed while it ran is searched for only in its last state. After a change nothing
found before counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.server.resources.subscribers import Subscribers
from zoho_mcp.server.tools.filter_check import shows
from zoho_mcp.text import visible
from zoho_mcp.zoho.client import ZohoApi

KEPT = 10.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that is looked for: in which list, what is given back, and what the letters are compared with."""

    operation: str
    value: str
    texts: tuple[str, ...]


_CUSTOMER = ("contact_name", "company_name", "email")
TARGETS: Mapping[str, Target] = {
    "customer_id": Target("list_customers", "contact_id", _CUSTOMER),
    "customer": Target("list_customers", "contact_name", _CUSTOMER),
    "invoice_id": Target("list_invoices", "invoice_id", ("invoice_number", "customer_name")),
    "estimate": Target("list_estimates", "estimate_number", ("estimate_number", "customer_name")),
}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search for `letters` gave. It counts until a time, and until something changes.

    Attributes:
        complete: whether Zoho had no more of it.
        until: seconds of the client's clock.
        changes: how many changes were known when the search began.
    """

    letters: str
    rows: Sequence[Mapping[str, str]]
    complete: bool
    until: float
    changes: int


class CompletionSearch:
    """What was found lately, by list, books and typed letters."""

    def __init__(self, clock: Callable[[], float], subscribers: Subscribers) -> None:
        self._clock = clock
        self._subscribers = subscribers
        self._found: dict[tuple[str, str], SearchResult] = {}
        self._typed: dict[str, str] = {}
        self._searching: dict[str, anyio.Lock] = {}

    async def look(self, api: ZohoApi, kind: Target, typed: str) -> SearchResult | None:
        """The rows of a list that may fit; None when more was typed before the search could begin."""
        name = f"{kind.operation} {api.books}"
        self._typed[name] = typed
        if found := self._known(name, typed):
            return found
        async with self._searching.setdefault(name, anyio.Lock()):
            if found := self._known(name, typed):
                return found
            if (newest := self._typed[name]) != typed and newest.startswith(typed):
                return None
            found = self._found[name, typed] = await self._search(api, kind, typed)
            return found

    def _known(self, name: str, typed: str) -> SearchResult | None:
        for length in range(len(typed), -1, -1):
            found = self._found.get((name, typed[:length]))
            if found and self._counts(found) and (found.complete or length == len(typed)):
                return found
        return None

    def _counts(self, found: SearchResult) -> bool:
        return found.until > self._clock() and found.changes == self._subscribers.changes

    async def _search(self, api: ZohoApi, kind: Target, typed: str) -> SearchResult:
        self._found = {key: one for key, one in self._found.items() if self._counts(one)}
        return await _searched(api, kind, typed, self._clock() + KEPT, self._subscribers.changes)


async def _searched(api: ZohoApi, kind: Target, letters: str, until: float, changes: int) -> SearchResult:
    try:
        envelope = await api.run(kind.operation, {"search_text": letters} if letters else {})
    except ZohoMcpError:
        # A failing completion is not reported or retried at every keystroke.
        return SearchResult(letters, (), False, until, changes)
    rows: list[dict[str, Any]] = envelope[api.catalog.operations[kind.operation].answer.key]
    # Zoho ignores a search that it does not know.
    rows = [row for row in rows if shows(row, letters)]
    kept = {name for one in TARGETS.values() if one.operation == kind.operation for name in (one.value, *one.texts)}
    return SearchResult(
        letters,
        [{name: visible(str(row.get(name, ""))) for name in kept} for row in rows],
        not envelope.get("page_context", {}).get("has_more_page"),
        until,
        changes,
    )
