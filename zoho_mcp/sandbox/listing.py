"""Lists: filters, search, sorting and pages, from a declaration of what a list can be queried by."""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from zoho_mcp.sandbox.times import parse_day, parse_stamp
from zoho_mcp.sandbox.wire.errors import invalid_value, too_long
from zoho_mcp.sandbox.wire.fields import as_number
from zoho_mcp.sandbox.wire.json_wire import Record, as_list
from zoho_mcp.sandbox.wire.routing import Reply, Request

MOST = 200
SEARCH_LIMIT = 100
Test: TypeAlias = Callable[[Record], bool]
Holds: TypeAlias = Callable[[Any, Any], bool]
Suffixes: TypeAlias = Mapping[str, Holds]


def equals(have: Any, want: str) -> bool:
    """Whether the texts are the same, ignoring case."""
    return str(have).casefold() == want


def _starts_with(have: Any, want: str) -> bool:
    return str(have).casefold().startswith(want)


def _contains(have: Any, want: str) -> bool:
    return want in str(have).casefold()


# Case is always ignored: unverified, the documentation does not say.
TEXT: Suffixes = {"": equals, "_startswith": _starts_with, "_contains": _contains}
NUMBER: Suffixes = {
    "": operator.eq,
    "_less_than": operator.lt,
    "_less_equals": operator.le,
    "_greater_than": operator.gt,
    "_greater_equals": operator.ge,
}
DATE: Suffixes = {
    "": operator.eq,
    "_start": operator.ge,
    "_end": operator.le,
    "_before": operator.lt,
    "_after": operator.gt,
}


@dataclass(frozen=True)
class Listing:
    """The parameters of a list. Others are ignored, as Zoho does."""

    key: str
    report_name: str
    sortable: Collection[str]
    exact: Collection[str] = ()
    text: Collection[str] = ()  # also _startswith and _contains
    elsewhere: Mapping[str, str] = field(default_factory=dict[str, str])  # columns of texts that have other names
    numbers: Collection[str] = ()  # also _less_than, _less_equals, _greater_than and _greater_equals
    dates: Collection[str] = ()  # also _start, _end, _before and _after
    search: Collection[str] = ()
    statuses: Mapping[str, Test] = field(default_factory=dict[str, Test])
    filters: Mapping[str, Test] = field(default_factory=dict[str, Test])
    default_filter: str = ""
    default_sort: str = "created_time"


def of_status(status: str) -> Test:
    """Rows of that status."""
    return lambda row: row["status"] == status


def status_filters(words: Mapping[str, str]) -> dict[str, Test]:
    """The values of filter_by: Status.All, and each word with the status it means."""
    return {"Status.All": lambda row: True, **{f"Status.{word}": of_status(status) for word, status in words.items()}}


def respond(request: Request, listing: Listing, rows: list[Record]) -> Reply:
    """The requested page."""
    return _page(request, listing, _chosen(request, listing, rows))


def respond_many(request: Request, listing: Listing, read: Callable[[], list[Record]]) -> Reply:
    """The requested page of a list of thousands. `read` may take seconds, so its rows are cached between pages."""
    query = tuple(sorted((name, text) for name, text in request.query.items() if name not in ("page", "per_page")))
    key = (listing.key, *request.path.items(), request.books.organization_id, request.product, request.today, query)
    return _page(request, listing, request.books.store.cached(key, lambda: _chosen(request, listing, read())))


def _chosen(request: Request, listing: Listing, rows: list[Record]) -> list[Record]:
    for test in _tests(request, listing):
        rows = [row for row in rows if test(row)]
    return _ordered(rows, *_sorting(request, listing))


def _page(request: Request, listing: Listing, rows: list[Record]) -> Reply:
    column, order = _sorting(request, listing)
    page, per_page = _whole(request, "page", 1), min(_whole(request, "per_page", MOST), MOST)
    start = (page - 1) * per_page
    context: Record = {
        "page": page,
        "per_page": per_page,
        "has_more_page": len(rows) > start + per_page,
        "report_name": listing.report_name,
        "applied_filter": request.query.get("filter_by", listing.default_filter),
        "sort_column": column,
        "sort_order": order,
    }
    if _whole(request, "response_option", 0, least=0) == 1:
        context["total"] = len(rows)
    return Reply(keys={listing.key: rows[start : start + per_page], "page_context": context})


def _tests(request: Request, listing: Listing) -> Iterator[Test]:
    query = {name: value for name, value in request.query.items() if value != ""}
    for name in listing.exact:
        yield from _comparisons(query, name, name, {"": operator.eq}, lambda text, name: text)
    for name in listing.text:
        column = listing.elsewhere.get(name, name)
        yield from _comparisons(query, name, column, TEXT, lambda text, name: text.casefold())
    for name in listing.numbers:
        yield from _comparisons(query, name, name, NUMBER, as_number)
    for name in listing.dates:
        yield from _comparisons(query, name, name, DATE, _day)
    if "last_modified_time" in query:
        yield _modified_since(query["last_modified_time"])
    if "search_text" in query:
        yield _search(query["search_text"], listing.search)
    for name, tests in (("status", listing.statuses), ("filter_by", listing.filters)):
        if tests and name in query:
            if query[name] not in tests:
                raise invalid_value(name)
            yield tests[query[name]]


def _compare(column: str, want: Any, holds: Holds) -> Test:
    def test(row: Record) -> bool:
        value: Any = row.get(column, "")
        parts = as_list(value)
        return holds(value, want) if parts is None else any(holds(part, want) for part in parts)

    return test


def _comparisons(
    query: Mapping[str, str], name: str, column: str, suffixes: Suffixes, read: Callable[[str, str], Any]
) -> Iterator[Test]:
    for suffix, holds in suffixes.items():
        if (parameter := f"{name}{suffix}") in query:
            yield _compare(column, read(query[parameter], parameter), holds)


def _day(text: str, name: str) -> str:
    if parse_day(text) is None:
        raise invalid_value(name)
    return text


def _modified_since(text: str) -> Test:
    # A + in a query arrives as a space unless it was escaped.
    since = parse_stamp(text.replace(" ", "+"))
    if since is None:
        raise invalid_value("last_modified_time")
    return lambda row: (parse_stamp(str(row.get("last_modified_time", ""))) or since) >= since


def _search(text: str, columns: Collection[str]) -> Test:
    if len(text) > SEARCH_LIMIT:
        raise too_long("search_text", SEARCH_LIMIT)
    want = text.casefold()
    return lambda row: any(want in str(row.get(column, "")).casefold() for column in columns)


def _sorting(request: Request, listing: Listing) -> tuple[str, str]:
    column = request.query.get("sort_column", listing.default_sort)
    if column not in (*listing.sortable, "created_time"):
        raise invalid_value("sort_column")
    order = request.query.get(
        "sort_order", "D" if column == "created_time" or column == listing.default_sort == "date" else "A"
    )
    # The letters are recorded; the words are accepted by others of Zoho's finance products.
    order = {"ascending": "A", "descending": "D"}.get(order, order)
    if order not in ("A", "D"):
        raise invalid_value("sort_order")
    return column, order


def _ordered(rows: list[Record], column: str, order: str) -> list[Record]:
    def key(row: Record) -> tuple[int, Any]:
        value = row.get(column, "")
        if column.endswith("_time"):
            moment = parse_stamp(str(value))
            return (0, moment.timestamp() if moment else 0.0)
        return (0, value) if isinstance(value, (int, Decimal)) else (1, str(value).casefold())

    # Rows come in order of creation, which orders equal ones; descending order reverses that too.
    ascending = sorted(rows, key=key)
    return ascending if order == "A" else ascending[::-1]


def _whole(request: Request, name: str, default: int, *, least: int = 1) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    # More than 200 per page gives 200: that it is not refused is unverified.
    if len(text) > 9 or not (text.isascii() and text.isdigit()) or int(text) < least:
        raise invalid_value(name)
    return int(text)
