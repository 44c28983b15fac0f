"""Asks a person, over any channel this client supports, before a call may run. Every channel fails closed."""

import logging

import mcp_types as types

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.policy.approvals import LIFETIME, Way
from zoho_mcp.server.authorization import loss_keys
from zoho_mcp.server.confirmation.approval_page import by_page
from zoho_mcp.server.confirmation.elicitation import by_elicitation, shows_forms
from zoho_mcp.server.confirmation.request import (
    TELL_THE_USER,
    ConfirmationRequest,
    Consent,
    NoAnswerError,
    Snapshot,
)
from zoho_mcp.server.confirmation.token import by_token
from zoho_mcp.server.confirmation.url_elicitation import opens_pages

_NO_OTHER = (
    "Use a client that shows the question to the user, or set up another way (docs/confirmation.md); "
    f"or do it in Zoho itself. {TELL_THE_USER}"
)
_logger = logging.getLogger(__name__)


async def confirm(request: ConfirmationRequest) -> Consent | types.InputRequiredResult:
    """A person's consent to exactly this call, or a question to pass on.

    The record is read for the question and again after the answer: a yes counts only for what was shown.

    Raises:
        DeclinedError: nobody consented; `way` names the channel.
        RejectedError: Zoho would refuse, so nobody was asked.
    """
    try:
        return await _ask(request)
    except ZohoMcpError:
        raise
    except Exception as problem:
        _logger.exception("%s: a person could not be asked", request.operation.name)
        raise DeclinedError(
            f"{request.operation.title}: a person must approve this first and could not be asked "
            f"({type(problem).__name__}).",
            TELL_THE_USER,
            kind="could_not_ask",
        ) from problem


async def _ask(request: ConfirmationRequest) -> Consent | types.InputRequiredResult:
    """Ask, and count each no of a person: after three, the call is refused for a while without asking."""
    snapshot = await request.snapshot()
    key, memory = request.decline_key(snapshot), request.app.client_memory
    if await memory.is_paused(key):
        raise request.refusal(
            "the user declined this very call three times.",
            f"It is refused for ten minutes without asking. {TELL_THE_USER}",
            kind="paused",
        )
    # No other tool may cause a loss that was declined, or not yet approved.
    lost = loss_keys(request.call, snapshot.preview.about if request.is_loss(snapshot.preview) else ())
    await memory.asked_about_loss(lost)
    try:
        answer = await _by_any_channel(request, snapshot)
    except DeclinedError as problem:
        if problem.kind == "declined":
            await memory.declined(key)
            await memory.declined_loss(lost)
        if problem.kind == "could_not_ask":
            await memory.settled_loss(lost)
        raise
    if isinstance(answer, Consent):
        await memory.settled_loss(lost)
    return answer


async def _by_any_channel(request: ConfirmationRequest, snapshot: Snapshot) -> Consent | types.InputRequiredResult:
    """Ask by elicitation if it works, or else as `ZOHO_CONFIRM_FALLBACK` says. A channel already in use comes first."""
    why = "this client cannot ask for approval"
    if not await _continues_on_another_channel(request, snapshot) and shows_forms(request):
        if request.call.state is None and (reason := await _why_not_elicit(request, snapshot)):
            why = reason
        else:
            try:
                return await by_elicitation(request, snapshot)
            except NoAnswerError as no_answer:
                why = str(no_answer)
                if no_answer.by_itself and request.trail is not None:
                    await request.trail.answered_by_client()
                if no_answer.by_itself and not _has_other_channel(request):
                    problem = request.refusal(f"{why}; nobody could be asked.", _NO_OTHER, kind="answered_by_client")
                    raise _with_way("elicitation", problem) from no_answer
                snapshot = await request.snapshot()
            except DeclinedError as problem:
                raise _with_way("elicitation", problem) from problem.__cause__
    return await _by_fallback(request, snapshot, why)


async def _continues_on_another_channel(request: ConfirmationRequest, snapshot: Snapshot) -> bool:
    """Whether the call has a token, or a page for exactly this call is open or approved."""
    return bool(request.call.token) or await request.app.approvals.live("page", snapshot.binding) is not None


async def _why_not_elicit(request: ConfirmationRequest, snapshot: Snapshot) -> str:
    """Why another channel is better than asking this client; empty if the client should be asked."""
    app = request.app
    if not _has_other_channel(request):
        return ""
    if await app.client_memory.answers_itself(request.client_key):
        return "this client answers questions by itself, without showing them"
    question = await app.approvals.live("elicitation", snapshot.binding)
    if question is not None and LIFETIME - app.approvals.remaining(question) >= max(app.settings.reading_time, 1.0):
        return "this client left the same question unanswered"
    limit = await app.client_memory.time_limit(request.client_key) or app.settings.confirm_timeout
    silent = await app.approvals.silent(request.client_key, min(limit, app.settings.confirm_timeout))
    return "this client left its last question unanswered" if silent else ""


def _has_other_channel(request: ConfirmationRequest) -> bool:
    """Whether a person can be asked on a channel other than the client."""
    app = request.app
    page = app.settings.can_open_browser if request.principal is None else bool(app.public_page)
    fallback = app.settings.confirm_fallback
    return fallback == "token" or (fallback == "page" and page)


async def _by_fallback(
    request: ConfirmationRequest, snapshot: Snapshot, why: str
) -> Consent | types.InputRequiredResult:
    fallback = request.app.settings.confirm_fallback
    if not request.call.token and request.app.public_page and await opens_pages(request):
        # A page behind a login that the client itself opens is no fallback: it is how this client asks.
        fallback = "page"
    if fallback == "refuse":
        raise request.refusal(
            f"a person must approve this first, and {why}.",
            f"Use a client that supports MCP elicitation, or do it in Zoho itself. {TELL_THE_USER}",
            kind="could_not_ask",
        )
    try:
        if fallback == "page":
            return await by_page(request, snapshot, why)
        return await by_token(request, snapshot)
    except DeclinedError as problem:
        raise _with_way(fallback, problem) from problem.__cause__


def _with_way(way: Way, problem: DeclinedError) -> DeclinedError:
    """The refusal with the channel that it came from."""
    return DeclinedError(problem.what, problem.next_step, kind=problem.kind, way=way)
