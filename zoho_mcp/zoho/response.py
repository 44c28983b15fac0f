"""From the bytes of an answer to a value or an error, purely: no I/O.

Codes and their HTTP statuses are those of Zoho's error pages and of recorded answers; where Zoho gives its own message,
it is quoted.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Clamped, Context, Decimal, InvalidOperation, Overflow, Rounded, Subnormal
from email.utils import parsedate_to_datetime
from typing import Any, cast

from zoho_mcp.errors import (
    AuthError,
    LimitedError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
    ZohoMcpError,
)
from zoho_mcp.text import clean
from zoho_mcp.zoho.request import ANY_FILE, Request

_NOT_FOUND = frozenset({5, 1002, 2006})
_INSTEAD = {
    # What to do about a refusal that calling again would not cure.
    1001: "Leave the number out: Zoho gives the next one.",
    2007: "Use activate_item first, or give the line a name and a rate instead of item_id.",
    3062: "Find that customer with list_customers (it may be inactive: activate_customer), or give another name.",
    12018: "Leave the number out: Zoho gives the next one.",
    24016: "Apply at most the balance that get_invoice shows; the rest of a payment stays unapplied.",
    2049: "It stays as long as something uses it: deactivate_item instead.",
    3000: "A customer with transactions stays: deactivate_customer instead, and stop its recurring invoices.",
    4001: "Delete its payments first, or use void_invoice, which keeps the number.",
    12003: "Nothing of it is left: list_credit_notes with status open shows notes with credit.",
    12004: "A void credit note has no credit: list_credit_notes with status open shows those that have.",
    12005: "Nobody owes a draft: mark_invoice_sent first.",
    12006: "It is paid: there is nothing to apply credit to.",
    12007: "Nobody owes a void invoice: there is nothing to apply credit to.",
    12008: "Take the credits off first (remove_invoice_credit, or in Zoho), or use void_invoice.",
}
_LIMITS = {
    44: (
        "Zoho's limit of requests per minute is used up for this organisation.",
        "Wait a minute, then call again; do not repeat it in a loop.",
    ),
    45: (
        "Zoho's limit of requests per day is used up for this organisation.",
        "It resets at midnight in the organisation's time zone; until then only Zoho's own web pages work.",
    ),
    1070: (
        "Too many requests are in progress for this organisation at once.",
        "Call again in a few seconds, with fewer calls at the same time.",
    ),
}


_NO_FILE = frozenset({"", "application/json", "text/html", "text/plain"})
_PLAN = re.compile(r"\b(plans?|subscription|trial|upgrade|licen[cs]e)\b")
_LAPSED = re.compile(r"\b(expired|lapsed|ended)\b")
_TOKEN = re.compile(r"\b(token|authtoken|authentication|session)\b")
_ORGANIZATION = re.compile(r"\b(organi[sz]ation|company|account|user)\b")
_INACTIVE = re.compile(r"\b(inactive|not active|deactivated|suspended|disabled|blocked)\b")
LARGEST_ENVELOPE = 8_000_000
"""Bytes of JSON; a page of 200 rows has about a million."""
DEEPEST = 100
_LONGEST_FIGURE = 40
_figures = Context(
    prec=_LONGEST_FIGURE, Emax=_LONGEST_FIGURE, Emin=-_LONGEST_FIGURE,
    traps=[Clamped, InvalidOperation, Overflow, Rounded, Subnormal],
)  # fmt: skip
"""Makes a figure exactly, or raises: 1e999999999 is eleven characters, and a gigabyte as a whole number."""
_LONGEST_MESSAGE = 500
_ROWS_BY_DEFAULT = 200


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """Whatever the case of the name that is looked for, or all in lower case."""
    body: bytes


class RetryError(Exception):
    """A failed try after which another is safe; `problem` is raised when there is none. `after`: seconds to wait."""

    def __init__(self, problem: ZohoMcpError, after: float = 0.0) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.after = after


def server_time(response: Response) -> float | None:
    """The time that the server says it is, in seconds; None when its Date header is missing or wrong."""
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return moment.timestamp() if moment.tzinfo else None


def retry_after(response: Response) -> float:
    """The seconds that a response asks to wait, at most an hour; 0 where it asks for none."""
    given = response.headers.get("retry-after", "")
    return min(float(given), 3600.0) if given.isascii() and given.isdigit() else 0.0


def decode(request: Request, response: Response) -> dict[str, Any] | bytes:
    """The envelope (numbers with a point as Decimal) or, where a file was asked for, its bytes.

    Raises the error that fits the answer: its code, its status, or that it is not a response of Zoho.
    """
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.accept != "application/json" and response.status == 200 and _is_file(request, media_type):
        return response.body
    envelope = _envelope(response.body)
    if envelope is None:
        raise _no_sense(request, response)
    if response.status < 400 and not _shaped(request, envelope):
        raise _wrong_shape(request, response.status, envelope)
    code = _code(envelope)
    if response.status >= 400 or code != 0:
        raise _refusal(request, response.status, code, _message(envelope))
    if response.status >= 300 or request.accept != "application/json":
        raise _no_sense(request, response)
    for nested in _nested_failures(envelope.get("data")):
        raise _refusal(request, 400, _code(nested), _message(nested))
    if request.rows_in:
        envelope["page_context"] = _page_context(request, envelope)
    return envelope


def _is_file(request: Request, media_type: str) -> bool:
    """Whether the body is the file that was asked for. Of any type: none that Zoho or a proxy uses to refuse."""
    return media_type not in _NO_FILE if request.accept == ANY_FILE else media_type == request.accept


def _page_context(request: Request, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Zoho's `page_context` with `page` and `per_page` as integers and `has_more_page` as a boolean.

    Missing or non-numeric values come from the request; a full page then means that more follows.
    Raises UnavailableError when the page is another than the one requested: its rows would count twice, or be missing.
    """
    given: Any = envelope.get("page_context")
    context = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    query = dict(request.query)
    wanted, wanted_size = _whole(query.get("page")) or 1, _whole(query.get("per_page"))
    page = _whole(context.get("page")) or wanted
    size = _whole(context.get("per_page")) or wanted_size or _ROWS_BY_DEFAULT
    if page != wanted or (page > 1 and wanted_size and size != wanted_size):
        raise UnavailableError(
            f"Zoho sent page {page} of {size} rows where page {wanted} of {wanted_size or size} was requested.",
            "Narrow the list with its filters, so that one page holds it.",
        )
    rows = len(envelope[request.rows_in])
    more = _truth(context.get("has_more_page"))
    return {
        **context,
        "page": page,
        "per_page": size,
        "has_more_page": bool(rows) and (rows >= size if more is None else more),
    }


def _whole(value: Any) -> int | None:
    """A number above 0 however it is written, or None."""
    try:
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() and 0 < number < 10**9 else None
    except ArithmeticError:
        return None


def _truth(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().casefold())


def _envelope(body: bytes) -> dict[str, Any] | None:
    """The JSON object, or None for anything else: too long, twice the same key, too deep, no numbers."""
    if len(body) > LARGEST_ENVELOPE:
        return None
    try:
        value = json.loads(
            body, parse_float=_figures.create_decimal, parse_constant=_no_figure, object_pairs_hook=_distinct
        )
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if not isinstance(value, dict) or "code" not in value or _too_deep(value, body):
        return None
    return cast("dict[str, Any]", value)


def _no_figure(text: str) -> None:
    raise ValueError(text)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two values for one key, nobody knows which is meant: of an amount, that would be money.
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
    """An id as text, also where it was sent as a number; what can be none is empty."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    return ""


def _too_deep(value: Any, body: bytes) -> bool:
    """Whether there are more levels than `DEEPEST`; formatting the value recurses."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return False
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        # A list of records holds thousands of values: what holds no others is not looked into.
        level = [
            part
            for outer in level
            for part in cast("Iterable[Any]", outer.values() if isinstance(outer, dict) else outer)
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return False
    return True


def _shaped(request: Request, envelope: Mapping[str, Any]) -> bool:
    """Whether what was asked for has the form that everybody counts on: a record is an object, rows are objects."""
    if request.rows_in and _code(envelope) == 0:
        rows = envelope.get(request.rows_in)
        return isinstance(rows, list) and all(isinstance(row, dict) for row in cast("list[Any]", rows))
    if request.record_in not in envelope:
        # Only of a read is a record missed: a change that says code 0 has happened, whatever it shows.
        return not request.record_in or request.changes or _code(envelope) != 0
    return isinstance(envelope[request.record_in], dict)


def _code(envelope: Mapping[str, Any]) -> int:
    try:
        return int(envelope.get("code", 0))
    except (TypeError, ValueError):
        return -1


def _message(envelope: Mapping[str, Any]) -> str:
    """Zoho's own words, on one line and no longer than a few sentences."""
    return " ".join(str(envelope.get("message", ""))[:_LONGEST_MESSAGE].split())


def _nested_failures(data: Any) -> Iterator[dict[str, Any]]:
    """Bulk endpoints answer success at the top and the failure inside `data`."""
    if isinstance(data, list):
        for part in cast("list[Any]", data):
            yield from _nested_failures(part)
    elif isinstance(data, dict):
        inner = cast("dict[str, Any]", data)
        if "code" in inner and _code(inner) != 0:
            yield inner
        for part in inner.values():
            yield from _nested_failures(part)


def _refusal(request: Request, status: int, code: int, message: str) -> ZohoMcpError:
    said = f'Zoho said: "{message}" (code {code}).' if message else f"Zoho answered with code {code}, status {status}."
    if status == 429 or code in _LIMITS:
        what, next_step = _LIMITS.get(code, ("One of Zoho's request limits is used up.", "Wait a few minutes."))
        return LimitedError(f"{what} {said}", next_step, code=code)
    if code in (6041, 9017):
        return AuthError(
            f"This account does not belong to the organisation. {said}",
            "Set ZOHO_ORGANIZATION_ID to one of the ids that list_organizations gives.",
            code=code,
        )
    if status in (401, 403) or code in (14, 57):
        return AuthError(f"Zoho does not allow this. {said}", _access_advice(request, status, code, message), code=code)
    if status == 404 or code in _NOT_FOUND:
        return _not_found(request, code, said)
    # 1000 is also what a taken item name gets, then with a message that says so.
    if status >= 500 and (code <= 0 or message.lower().startswith("internal error")):
        return _no_answer(request, status, said)
    advice = _owners_advice(message, access=False) or _INSTEAD.get(
        code, "Correct what the message names, then call again."
    )
    return RejectedError(f"Zoho rejected the request. {said}", advice, code=code)


def _owners_advice(message: str, *, access: bool) -> str:
    """What the owner of the account has to do in Zoho, where a refusal is about the plan or the organisation.

    `access`: the status says that access is refused; then a word that has expired is the plan's, unless it is the
    token's.
    """
    words = message.casefold()
    about_token = bool(_TOKEN.search(words))
    if _PLAN.search(words) or (access and _LAPSED.search(words) and not about_token):
        return "The cause is the Zoho plan, not the token: ask the owner to renew or upgrade it in Zoho."
    if _INACTIVE.search(words) and _ORGANIZATION.search(words) and not about_token:
        return (
            "The organisation or user is inactive: ask the owner to activate it in Zoho, or use another organisation."
        )
    return ""


def _access_advice(request: Request, status: int, code: int, message: str) -> str:
    """What the user can do about a refusal of access. It is not always the scope."""
    if advice := _owners_advice(message, access=True):
        return advice
    if code == 14:
        return (
            "Zoho does not accept the token: run zoho-invoice-mcp login again, and check that ZOHO_DC is "
            "the one where the account was opened."
        )
    if status == 403 and code != 57:
        return "The user's role, the plan or the organisation does not include this: ask the owner of the account."
    return (
        f"The refresh token needs the scope {request.scope}: run zoho-invoice-mcp login again to grant it, "
        "and check that the user's role in Zoho allows this."
    )


def _not_found(request: Request, code: int, said: str) -> ZohoMcpError:
    names_record = any(part.isdigit() for part in request.path.split("/"))
    if code == 5 and (not names_record or "url" in said.casefold()):
        # It is the address that does not exist.
        return NotFoundError(
            f"Zoho does not offer this here. {said}",
            "Check ZOHO_PRODUCT (invoice or books), ZOHO_EDITION and ZOHO_DC of this server.",
            code=code,
        )
    return NotFoundError(f"Record not found. {said}", "Look the id up with a list tool.", code=code)


def _no_sense(request: Request, response: Response) -> ZohoMcpError:
    kind = response.headers.get("content-type", "no content type")
    what = f"Zoho's response (status {response.status}, {kind[:80]}) could not be read."
    return _no_answer(request, response.status, what)


def _wrong_shape(request: Request, status: int, envelope: Mapping[str, Any]) -> ZohoMcpError:
    """The error for a response without the record or the rows that were requested: names what it has instead."""
    wanted = request.rows_in or request.record_in
    named = ", ".join(clean(key, 60) for key in list(envelope)[:20])
    state = "has no usable" if wanted in envelope else "has no"
    what = f'Zoho\'s response {state} "{wanted}"; it has {named}.'
    if request.changes:
        return unknown(request, what)
    return UnavailableError(what, "This is not an empty result. Call again in a minute; if it stays, report it.")


def _no_answer(request: Request, status: int, what: str) -> ZohoMcpError:
    if request.changes:
        # A gateway in front of Zoho gave up: Zoho may still be processing the request.
        return unknown(request, what, late=status in (408, 503, 504))
    return UnavailableError(what, "Call again in a minute.")


def unknown(request: Request, what: str, *, late: bool = False) -> OutcomeUnknownError:
    """The error for a change that was sent and not answered; says what was sent and how to find out."""
    return OutcomeUnknownError(
        f"{what} {request.method} {request.path} was sent.",
        "Do not repeat it: read the record or the list first to see whether it happened.",
        late=late,
    )
