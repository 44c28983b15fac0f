"""Asks a person, over whatever this client can do, before a call may run. Every way fails closed."""

import logging
from collections.abc import Mapping
from typing import Any

import mcp_types as types

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.server.confirmation.approval_page import by_page
from zoho_mcp.server.confirmation.elicitation import by_elicitation, can_be_asked
from zoho_mcp.server.confirmation.request import TELL_THE_USER, ConfirmationRequest, NoAnswerError, Snapshot, agreement
from zoho_mcp.server.confirmation.token import by_token
from zoho_mcp.server.context import RequestContext
from zoho_mcp.specs.model import Operation

_logger = logging.getLogger(__name__)


async def confirm(
    ctx: RequestContext, operation: Operation, arguments: Mapping[str, Any], params: types.CallToolRequestParams
) -> types.InputRequiredResult | None:
    """None once a person said yes to exactly this call; a question to pass on; or DeclinedError.

    The record is read fresh for the question and again after the answer: a yes counts only for what was shown.
    """
    try:
        return await _ask(ConfirmationRequest(ctx, operation, arguments, params))
    except ZohoMcpError:
        raise
    except Exception as problem:
        _logger.exception("%s: a person could not be asked", operation.name)
        raise DeclinedError(
            f"{operation.title}: a person has to agree first and could not be asked ({type(problem).__name__}).",
            TELL_THE_USER,
        ) from problem


async def _ask(call: ConfirmationRequest) -> types.InputRequiredResult | None:
    """Elicitation where it works, then what `ZOHO_CONFIRM_FALLBACK` says; what goes on already comes first."""
    seen = await call.look()
    why = "this client cannot ask one"
    if not await _goes_on_elsewhere(call, seen) and can_be_asked(call):
        if call.params.request_state is None and await _does_not_answer(call):
            why = "this client left its last question unanswered"
        else:
            try:
                agreement().way = "elicitation"
                return await by_elicitation(call, seen)
            except NoAnswerError as silence:
                why = str(silence)
                seen = await call.look()
    await _by_other_means(call, seen, why)
    return None


async def _goes_on_elsewhere(call: ConfirmationRequest, seen: Snapshot) -> bool:
    """Whether this call carries a token, or a page for exactly this call is open or was agreed to."""
    return bool(agreement().token) or await call.app.approvals.live("page", seen.bound) is not None


async def _does_not_answer(call: ConfirmationRequest) -> bool:
    """Whether another way is there and this client is known to declare elicitation without showing it."""
    settings = call.app.settings
    page = settings.can_open_browser if call.principal is None else bool(call.app.public_page)
    there_is_another = settings.confirm_fallback == "token" or (settings.confirm_fallback == "page" and page)
    return there_is_another and await call.app.approvals.silent(call.asked_as, settings.confirm_timeout)


async def _by_other_means(call: ConfirmationRequest, seen: Snapshot, why: str) -> None:
    agreement().way = None
    match call.app.settings.confirm_fallback:
        case "page":
            agreement().way = "page"
            await by_page(call, seen, why)
        case "token":
            agreement().way = "token"
            await by_token(call, seen)
        case "refuse":
            raise call.refusal(
                f"a person has to agree first, and {why}.",
                f"Use a client that supports MCP elicitation, or do it in Zoho itself. {TELL_THE_USER}",
            )
