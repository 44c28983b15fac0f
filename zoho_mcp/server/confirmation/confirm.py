"""Asks a person, over whatever this client can do, before a call may run. Every channel fails closed."""

import logging

import mcp_types as types

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.policy.approvals import Way
from zoho_mcp.server.confirmation.approval_page import by_page
from zoho_mcp.server.confirmation.elicitation import by_elicitation, can_be_asked
from zoho_mcp.server.confirmation.request import (
    TELL_THE_USER,
    ConfirmationRequest,
    Consent,
    NoAnswerError,
    Snapshot,
)
from zoho_mcp.server.confirmation.token import by_token

_logger = logging.getLogger(__name__)


async def confirm(request: ConfirmationRequest) -> Consent | types.InputRequiredResult:
    """The consent of a person to exactly this call, or a question to pass on.

    The record is read fresh for the question and again after the answer: a yes counts only for what was shown.

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
            f"{request.operation.title}: a person has to agree first and could not be asked "
            f"({type(problem).__name__}).",
            TELL_THE_USER,
            kind="could_not_ask",
        ) from problem


async def _ask(request: ConfirmationRequest) -> Consent | types.InputRequiredResult:
    """Elicitation where it works, then what `ZOHO_CONFIRM_FALLBACK` says; what goes on already comes first."""
    snapshot = await request.snapshot()
    why = "this client cannot ask one"
    if not await _goes_on_elsewhere(request, snapshot) and can_be_asked(request):
        if request.call.state is None and await _does_not_answer(request):
            why = "this client left its last question unanswered"
        else:
            try:
                return await by_elicitation(request, snapshot)
            except NoAnswerError as silence:
                why = str(silence)
                snapshot = await request.snapshot()
            except DeclinedError as problem:
                raise _over("elicitation", problem) from problem.__cause__
    return await _by_other_means(request, snapshot, why)


async def _goes_on_elsewhere(request: ConfirmationRequest, snapshot: Snapshot) -> bool:
    """Whether this call carries a token, or a page for exactly this call is open or was agreed to."""
    return bool(request.call.token) or await request.app.approvals.live("page", snapshot.binding) is not None


async def _does_not_answer(request: ConfirmationRequest) -> bool:
    """Whether another channel is there and this client is known to declare elicitation without showing it."""
    app = request.app
    page = app.settings.can_open_browser if request.principal is None else bool(app.public_page)
    fallback = app.settings.confirm_fallback
    there_is_another = fallback == "token" or (fallback == "page" and page)
    return there_is_another and await app.approvals.silent(request.client_key, app.settings.confirm_timeout)


async def _by_other_means(request: ConfirmationRequest, snapshot: Snapshot, why: str) -> Consent:
    fallback = request.app.settings.confirm_fallback
    if fallback == "refuse":
        raise request.refusal(
            f"a person has to agree first, and {why}.",
            f"Use a client that supports MCP elicitation, or do it in Zoho itself. {TELL_THE_USER}",
            kind="could_not_ask",
        )
    try:
        if fallback == "page":
            return await by_page(request, snapshot, why)
        return await by_token(request, snapshot)
    except DeclinedError as problem:
        raise _over(fallback, problem) from problem.__cause__


def _over(way: Way, problem: DeclinedError) -> DeclinedError:
    """The refusal, with the channel over which it came."""
    return DeclinedError(problem.what, problem.next_step, kind=problem.kind, way=way)
