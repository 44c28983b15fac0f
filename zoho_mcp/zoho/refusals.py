"""The errors for refusals and unusable responses. Pure.

Codes and HTTP statuses come from Zoho's documentation and recorded responses. Zoho's own message is quoted.
"""

import re
from collections.abc import Mapping
from typing import Any

from zoho_mcp.errors import (
    AuthError,
    LimitedError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
    ZohoMcpError,
)
from zoho_mcp.text import one_line
from zoho_mcp.zoho.request import Request

_NOT_FOUND = frozenset({5, 1002, 2006})
_NEXT_STEPS = {
    # The next step after refusals that a retry cannot fix.
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
_PLAN = re.compile(r"\b(plans?|subscription|trial|upgrade|licen[cs]e)\b")
_LAPSED = re.compile(r"\b(expired|lapsed|ended)\b")
_TOKEN = re.compile(r"\b(token|authtoken|authentication|session)\b")
_ORGANIZATION = re.compile(r"\b(organi[sz]ation|company|account|user)\b")
_INACTIVE = re.compile(r"\b(inactive|not active|deactivated|suspended|disabled|blocked)\b")
_LONGEST_MESSAGE = 500
"""Characters of Zoho's message that are quoted."""


def refusal(request: Request, status: int, code: int, message: str) -> ZohoMcpError:
    """The error for a code other than 0 or an HTTP status from 400. `message`: Zoho's, of any length."""
    message = " ".join(message[:_LONGEST_MESSAGE].split())
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
    # Zoho also uses 1000 for an item name that is taken, with a message that says so.
    if status >= 500 and (code <= 0 or message.lower().startswith("internal error")):
        return _no_answer(request, status, said)
    advice = _owners_advice(message, access=False) or _NEXT_STEPS.get(
        code, "Correct what the message names, then call again."
    )
    return RejectedError(f"Zoho rejected the request. {said}", advice, code=code)


def _owners_advice(message: str, *, access: bool) -> str:
    """The next step for the account's owner if a refusal concerns the plan or the organisation; else empty.

    `access`: whether the HTTP status refuses access. In that case "expired" refers to the plan, unless the message
    mentions the token.
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
    """The next step after a refusal of access; the cause is not always the scope."""
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
        # The URL itself does not exist.
        return NotFoundError(
            f"Zoho does not offer this here. {said}",
            "Check ZOHO_PRODUCT (invoice or books), ZOHO_EDITION and ZOHO_DC of this server.",
            code=code,
        )
    return NotFoundError(f"Record not found. {said}", "Look the id up with a list tool.", code=code)


def unreadable(request: Request, status: int, content_type: str) -> ZohoMcpError:
    """The error for a response that is not an envelope of Zoho's: a proxy's page, broken JSON, a redirect."""
    what = f"Zoho's response (status {status}, {content_type[:80]}) could not be read."
    return _no_answer(request, status, what)


def wrong_shape(request: Request, envelope: Mapping[str, Any]) -> ZohoMcpError:
    """The error for a response without the requested record or rows; it names the keys found instead."""
    wanted = request.rows_in or request.record_in
    named = ", ".join(one_line(key, 60) for key in list(envelope)[:20])
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
    """The error for a change that was sent without a usable response: names the request and how to check it."""
    return OutcomeUnknownError(
        f"{what} {request.method} {request.path} was sent.",
        "Do not repeat it: read the record or the list first to see whether it happened.",
        late=late,
    )
