"""Asks the client to open the approval page (MCP elicitation in URL mode).

Its answer only says whether the page was opened; only the page decides.
"""

import json

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from zoho_mcp.policy.approvals import LIFETIME, Approval
from zoho_mcp.policy.display import for_client
from zoho_mcp.server.confirmation.elicitation import can_carry
from zoho_mcp.server.confirmation.request import ConfirmationRequest, NoAnswerError
from zoho_mcp.telemetry.calls import suppress_telemetry

KEY = "open"
_MESSAGE = "Your approval is needed. The page shows the details; nothing happens before you decide there.\n{question}"


async def opens_pages(request: ConfirmationRequest) -> bool:
    """Whether this client declares that it opens URLs but shows no forms: a client whose forms fail is not asked twice.

    False once the client has answered without its user.
    """
    capabilities = request.ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or elicitation.url is None or elicitation.form is not None or not can_carry(request):
        return False
    return not await request.app.client_memory.answers_itself(request.client_key)


def page_to_open(request: ConfirmationRequest, approval: Approval, address: str) -> types.InputRequiredResult:
    """The result of a call (2026-07-28) that asks the client to open the page and to call again."""
    params = types.ElicitRequestURLParams(message=_message(approval), url=address)
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=params)},
        request_state=json.dumps({"page": approval.name}),
    )


async def take_opened(request: ConfirmationRequest, approval: Approval) -> bool:
    """Whether this call says that the client opened the page, or that its user declined to.

    False if the call is not about this page. Raises NoAnswerError without an answer, or with one that is not the
    user's.
    """
    if request.call.state is None or _page_of(request.call.state) != approval.name:
        return False
    answer = (request.call.answers or {}).get(KEY)
    if not isinstance(answer, types.ElicitResult):
        raise NoAnswerError("the client did not say whether it opened the approval page")
    await _apply_answer(request, approval, answer)
    return True


def _page_of(state: str) -> str:
    try:
        return str(json.loads(state)["page"])
    except (ValueError, KeyError, TypeError):
        return ""


async def open_by_request(request: ConfirmationRequest, approval: Approval, address: str) -> None:
    """Ask a client (older protocols) to open the page. Raises NoAnswerError unless its user opened it or declined."""
    try:
        with suppress_telemetry(), anyio.fail_after(request.app.settings.confirm_timeout):
            answer = await request.ctx.session.elicit_url(
                _message(approval), address, approval.name, request.ctx.request_id
            )
    except TimeoutError:
        raise NoAnswerError("the client did not open the approval page in time") from None
    except (MCPError, ValidationError) as problem:
        raise NoAnswerError(f"the client could not open the approval page ({type(problem).__name__})") from problem
    await _apply_answer(request, approval, answer)


async def notify_decided(request: ConfirmationRequest, approval: Approval) -> None:
    """Tell a client (older protocols) that it can close its message about the page."""
    await request.ctx.session.send_elicit_complete(approval.name, request.ctx.request_id)


async def _apply_answer(request: ConfirmationRequest, approval: Approval, answer: types.ElicitResult) -> None:
    approvals = request.app.approvals
    if LIFETIME - approvals.remaining(approval) < request.app.settings.reading_time:
        await request.app.client_memory.answered_itself(request.client_key)
        raise NoAnswerError("this client answered by itself, without opening the approval page", by_itself=True)
    if answer.action != "accept":
        await approvals.decide(approval, yes=False)


def _message(approval: Approval) -> str:
    return _MESSAGE.format(question=for_client(approval.shown.question))
