"""Searches Zoho for the letters that a person types, and keeps the results for some seconds.

A complete result for a shorter word also serves a longer one. Per list, one search runs at a time; of the words typed
meanwhile, only the last is searched for. A change makes earlier results invalid.
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
"""Seconds for which a result is used."""


@dataclass(frozen=True, slots=True)
class Target:
    """A search: the list operation, the field that is returned, and the fields that the letters are compared with."""

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
    """The result of a search for `letters`, valid until a time or a change.

    Attributes:
        complete: whether Zoho has no further rows.
        until: seconds of the client's clock.
        changes: the number of changes when the search began.
    """

    letters: str
    rows: Sequence[Mapping[str, str]]
    complete: bool
    until: float
    changes: int


class CompletionSearch:
    """The recent results, by list, organisation and letters."""

    def __init__(self, clock: Callable[[], float], subscribers: Subscribers) -> None:
        self._clock = clock
        self._subscribers = subscribers
        self._found: dict[tuple[str, str], SearchResult] = {}
        self._typed: dict[str, str] = {}
        self._searching: dict[str, anyio.Lock] = {}

    async def search(self, api: ZohoApi, kind: Target, typed: str) -> SearchResult | None:
        """The rows that may match; None if more was typed before the search began."""
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
            if found and self._is_valid(found) and (found.complete or length == len(typed)):
                return found
        return None

    def _is_valid(self, found: SearchResult) -> bool:
        return found.until > self._clock() and found.changes == self._subscribers.changes

    async def _search(self, api: ZohoApi, kind: Target, letters: str) -> SearchResult:
        self._found = {key: one for key, one in self._found.items() if self._is_valid(one)}
        until, changes = self._clock() + KEPT, self._subscribers.changes
        try:
            envelope = await api.run(kind.operation, {"search_text": letters} if letters else {})
        except ZohoMcpError:
            # A failing completion is not reported or retried at every keystroke.
            return SearchResult(letters, (), False, until, changes)
        rows: list[dict[str, Any]] = envelope[api.catalog.operations[kind.operation].answer.key]
        kept = {name for one in TARGETS.values() if one.operation == kind.operation for name in (one.value, *one.texts)}
        # Zoho ignores a search that it does not know.
        found = [{name: visible(str(row.get(name, ""))) for name in kept} for row in rows if shows(row, letters)]
        complete = not envelope.get("page_context", {}).get("has_more_page")
        return SearchResult(letters, found, complete, until, changes)
