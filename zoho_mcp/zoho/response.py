"""Decodes the bytes of a response; `refusals` builds the errors. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Clamped, Context, Decimal, InvalidOperation, Overflow, Rounded, Subnormal
from email.utils import parsedate_to_datetime
from typing import Any, cast

from zoho_mcp.errors import UnavailableError, ZohoMcpError
from zoho_mcp.zoho.refusals import refusal, unreadable, wrong_shape
from zoho_mcp.zoho.request import ANY_FILE, Request

_ERROR_TYPES = frozenset({"", "application/json", "text/html", "text/plain"})
"""Media types of refusals, never of a file."""
LARGEST_ENVELOPE = 8_000_000
"""Bytes of JSON; a page of 200 rows has about a million."""
DEEPEST = 100
_LONGEST_FIGURE = 40
_figures = Context(
    prec=_LONGEST_FIGURE, Emax=_LONGEST_FIGURE, Emin=-_LONGEST_FIGURE,
    traps=[Clamped, InvalidOperation, Overflow, Rounded, Subnormal],
)  # fmt: skip
"""Parses a number exactly or raises: 1e999999999 is eleven characters, but a gigabyte as an integer."""
_ROWS_BY_DEFAULT = 200
_LONGEST_DAY = 26 * 3600
"""Seconds; a day has 25 hours when the clocks change."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    """Looked up by lower-case name."""
    body: bytes


class RetryError(Exception):
    """A failed attempt that can safely be repeated.

    Attributes:
        problem: the error to raise if there is no further attempt.
        after: seconds to wait before the next attempt.
    """

    def __init__(self, problem: ZohoMcpError, after: float = 0.0) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.after = after


def server_time(response: Response) -> float | None:
    """The time in the Date header, in seconds since the epoch; None if the header is missing or invalid."""
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return moment.timestamp() if moment.tzinfo else None


def retry_after(response: Response) -> float:
    """The seconds in the Retry-After header, at most an hour; 0 without one."""
    given = response.headers.get("retry-after", "")
    return min(float(given), 3600.0) if given.isascii() and given.isdigit() else 0.0


DayHeaders = tuple[int, int, float]
"""The day's limit, the requests left, and seconds until it resets."""


def parse_rate_headers(headers: Mapping[str, str]) -> DayHeaders | None:
    """The organisation's requests per day, the requests left, and the seconds until the day ends.

    None unless all three `x-rate-limit-…` headers are present and plausible.
    """
    try:
        limit, remaining, reset = (int(headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset"))
    except (KeyError, ValueError):
        return None
    sensible = 0 < limit < 10**9 and 0 <= remaining <= limit and 0 <= reset <= _LONGEST_DAY
    return (limit, remaining, float(reset)) if sensible else None


def decode(request: Request, response: Response) -> dict[str, Any] | bytes:
    """The envelope `{"code": 0, <key>: …}` with fractions as Decimal and ids as text, or the bytes of a requested file.

    Raises:
        ZohoMcpError: see `refusals`; for Zoho's code, the HTTP status, or a body that is not Zoho's.
    """
    content_type = response.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if request.accept != "application/json" and response.status == 200 and _is_file(request, media_type):
        return response.body
    envelope = _envelope(response.body)
    if envelope is None:
        raise unreadable(request, response.status, content_type or "no content type")
    if response.status < 400 and not _has_content(request, envelope):
        raise wrong_shape(request, envelope)
    code = _code(envelope)
    if response.status >= 400 or code != 0:
        raise refusal(request, response.status, code, str(envelope.get("message", "")))
    if response.status >= 300 or request.accept != "application/json":
        raise unreadable(request, response.status, content_type or "no content type")
    for nested in _nested_failures(envelope.get("data")):
        raise refusal(request, 400, _code(nested), str(nested.get("message", "")))
    if request.rows_in:
        envelope["page_context"] = _page_context(request, envelope)
    return envelope


def _is_file(request: Request, media_type: str) -> bool:
    """Whether the body is the requested file; if any type is accepted, all but those of a refusal."""
    return media_type not in _ERROR_TYPES if request.accept == ANY_FILE else media_type == request.accept


def _page_context(request: Request, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Zoho's `page_context` with `page` and `per_page` as integers and `has_more_page` as a boolean.

    Missing or non-numeric values come from the request; a full page then means that more rows follow. Raises
    UnavailableError for a page other than the requested one: rows would be counted twice or missed.
    """
    given: Any = envelope.get("page_context")
    context = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    query = dict(request.query)
    wanted, wanted_size = _positive_integer(query.get("page")) or 1, _positive_integer(query.get("per_page"))
    page = _positive_integer(context.get("page")) or wanted
    size = _positive_integer(context.get("per_page")) or wanted_size or _ROWS_BY_DEFAULT
    if page != wanted or (page > 1 and wanted_size and size != wanted_size):
        raise UnavailableError(
            f"Zoho sent page {page} of {size} rows where page {wanted} of {wanted_size or size} was requested.",
            "Narrow the list with its filters, so that one page holds it.",
        )
    rows = len(envelope[request.rows_in])
    more = _boolean(context.get("has_more_page"))
    return {
        **context,
        "page": page,
        "per_page": size,
        "has_more_page": bool(rows) and (rows >= size if more is None else more),
    }


def _positive_integer(value: Any) -> int | None:
    """A positive integer, given as a number or as text; None for anything else."""
    try:
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() and 0 < number < 10**9 else None
    except ArithmeticError:
        return None


def _boolean(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().casefold())


def _envelope(body: bytes) -> dict[str, Any] | None:
    """The body as a JSON object with a `code`; None if it is too long, too deep, repeats a key or is not JSON."""
    if len(body) > LARGEST_ENVELOPE:
        return None
    try:
        value = json.loads(
            body, parse_float=_figures.create_decimal, parse_constant=_reject_constant, object_pairs_hook=_unique_keys
        )
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if not isinstance(value, dict) or "code" not in value or _too_deep(value, body):
        return None
    return cast("dict[str, Any]", value)


def _reject_constant(text: str) -> None:
    raise ValueError(text)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A repeated key is ambiguous, and its value may be an amount of money.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice the same key")
    for key, value in pairs:
        if key[-3:] == "_id":
            found[key] = _as_id(value)
        elif key[-4:] == "_ids" and isinstance(value, list):
            found[key] = [_as_id(part) for part in cast("list[Any]", value)]
    return found


def _as_id(value: Any) -> str | None:
    """An id as text, even if sent as a number; empty for a value that cannot be an id."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    return ""


def _too_deep(value: Any, body: bytes) -> bool:
    """Whether the value is nested deeper than `DEEPEST`: formatting it is recursive."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return False
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        # A list of records has thousands of values: only containers are searched.
        level = [
            part
            for outer in level
            for part in cast("Iterable[Any]", outer.values() if isinstance(outer, dict) else outer)
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return False
    return True


def _has_content(request: Request, envelope: Mapping[str, Any]) -> bool:
    """Whether the requested record is an object, or the requested rows are a list of objects."""
    if request.rows_in and _code(envelope) == 0:
        rows = envelope.get(request.rows_in)
        return isinstance(rows, list) and all(isinstance(row, dict) for row in cast("list[Any]", rows))
    if request.record_in not in envelope:
        # Only a read needs its record. A change with code 0 has happened, whatever the response shows.
        return not request.record_in or request.changes or _code(envelope) != 0
    return isinstance(envelope[request.record_in], dict)


def _code(envelope: Mapping[str, Any]) -> int:
    try:
        return int(envelope.get("code", 0))
    except (TypeError, ValueError):
        return -1


def _nested_failures(data: Any) -> Iterator[dict[str, Any]]:
    """The failures inside `data`: bulk endpoints report success at the top level."""
    if isinstance(data, list):
        for part in cast("list[Any]", data):
            yield from _nested_failures(part)
    elif isinstance(data, dict):
        inner = cast("dict[str, Any]", data)
        if "code" in inner and _code(inner) != 0:
            yield inner
        for part in inner.values():
            yield from _nested_failures(part)
