"""Searches for the record that a creation with a lost response created, among all records created since.

The record counts as absent only if every candidate is ruled out, by its row or else by its details. Records ruled out
are not read again, so that a further search gets further.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.claims import CLOCKS_DIFFER, Attempt
from zoho_mcp.server.delivery.record_diff import compare
from zoho_mcp.specs.model import Operation
from zoho_mcp.times import seconds_of
from zoho_mcp.zoho.request import build

Json = Mapping[str, Any]
MOST_PAGES = 5
"""Pages of 200 rows that one search reads."""
MOST_DETAILS = 25
"""Records that one search reads in full."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one probe.

    Attributes:
        result: `done`, `absent` so far, or `unclear`.
        record: the record created or changed, if known.
        why: the reason why it is unclear, as a sentence.
        cut_off: whether not everything was read, so that a further probe may find more.
    """

    result: Literal["done", "absent", "unclear"]
    record: Json | None = None
    why: str = ""
    cut_off: bool = False


@dataclass(slots=True)
class Search:
    """A search, which may be repeated.

    Attributes:
        lists: the operation that lists the records created at the path.
        reader: the operation that reads one of them; `place` is its argument, `own_id` Zoho's name for it.
        ruled_out: ids of records that cannot be the one.
    """

    lists: Operation
    reader: Operation
    place: str
    own_id: str
    ruled_out: set[str] = field(default_factory=set[str])

    async def find(self, app: ServerContext, attempt: Attempt) -> Verdict:
        """Compare all records created since, except those that this server's other calls created, with the request."""
        rows, is_complete = await self._candidates(app, attempt)
        records = [
            await app.api.record(self.reader.name, {self.place: str(row[self.own_id])}) for row in rows[:MOST_DETAILS]
        ]
        return self._verdict(app, attempt, records, whole=is_complete and len(rows) <= MOST_DETAILS)

    async def _candidates(self, app: ServerContext, attempt: Attempt) -> tuple[list[Json], bool]:
        """The rows that may be the record, newest first if the list can be sorted, and whether they are complete."""
        filters = _filters(attempt, self.lists)
        found: dict[str, Json] = {}
        for page in range(1, MOST_PAGES + 1):
            arguments = filters | ({"page": page} if page > 1 else {})
            envelope = await app.api.run(self.lists.name, arguments)
            rows: list[dict[str, Any]] = envelope.get(self.lists.answer.key) or []
            new_rows = [row for row in rows if _is_new(app, attempt, row)]
            found |= {str(row.get(self.own_id, "")): row for row in new_rows}
            older = "sort_column" in filters and len(new_rows) < len(rows)
            if older or not envelope.get("page_context", {}).get("has_more_page"):
                return await self._not_ruled_out(app, attempt, found), True
        return await self._not_ruled_out(app, attempt, found), False

    async def _not_ruled_out(self, app: ServerContext, attempt: Attempt, found: Mapping[str, Json]) -> list[Json]:
        created_by_others = await app.claims.created_here(found, attempt.at - CLOCKS_DIFFER)
        content = content_of(attempt)
        for own_id, row in found.items():
            if own_id in created_by_others or compare(content, row, app.catalog.verbatim).another:
                self.ruled_out.add(own_id)
        return [row for own_id, row in found.items() if own_id not in self.ruled_out]

    def _verdict(self, app: ServerContext, attempt: Attempt, records: list[dict[str, Any]], *, whole: bool) -> Verdict:
        content = content_of(attempt)
        compared = [(record, compare(content, record, app.catalog.verbatim)) for record in records]
        self.ruled_out |= {str(record.get(self.own_id, "")) for record, found in compared if found.another}
        matches = [record for record, found in compared if found.same]
        if len(matches) > 1:
            return Verdict("unclear", why="Several records match; it is unclear which one this call created.")
        if not whole:
            why = "Too many records were made at that time to check all of them."
            return Verdict("unclear", why=why, cut_off=True)
        if matches:
            return Verdict("done", matches[0])
        if any(not found.another for _, found in compared):
            return Verdict("unclear", why="A record that was made at that time fits in part.")
        return Verdict("absent")


def content_of(attempt: Attempt) -> Json:
    """The values of the request that the record should have."""
    return build(attempt.operation, attempt.arguments).body or dict(attempt.arguments)


def _filters(attempt: Attempt, lists: Operation) -> dict[str, Any]:
    """Arguments that narrow the list: the values that identify the record, and the newest first."""
    properties: Json = lists.input.get("properties", {})
    content = content_of(attempt)
    identifying = attempt.operation.outcome.by if attempt.operation.outcome else ()
    found = {name: content[name] for name in identifying if name in content and name in properties}
    if "created_time" in properties.get("sort_column", {}).get("enum", ()):
        found |= {"sort_column": "created_time", "sort_order": "D"}
    return found | ({"per_page": 200} if "per_page" in properties else {})


def _is_new(app: ServerContext, attempt: Attempt, row: Json) -> bool:
    created = seconds_of(row.get("created_time"))
    return created is None or created >= attempt.earliest(app.api.client.skew)
