"""Has the client open the approval page (MCP elicitation in URL mode).

Its answer only says whether the page was opened: nothing but the page decides.
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
    """Whether this client says that it opens addresses and shows no forms: whose forms fail is not asked once more.

    False once it has been seen to answer without its user.
    """
    capabilities = request.ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or elicitation.url is None or elicitation.form is not None or not can_carry(request):
        return False
    return not await request.app.client_memory.answers_itself(request.client_key)


def page_to_open(request: ConfirmationRequest, approval: Approval, address: str) -> types.InputRequiredResult:
    """The result of a call (2026-07-28) that has the client open the page and call again."""
    params = types.ElicitRequestURLParams(message=_message(approval), url=address)
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=params)},
        request_state=json.dumps({"page": approval.name}),
    )


async def take_opened(request: ConfirmationRequest, approval: Approval) -> bool:
    """Whether this call brings the client's word that the page was opened, or that its user does not want it.

    False when it was not asked about this page. Raises NoAnswerError when it has nothing to say, or said it by itself.
    """
    if request.call.state is None or _page_of(request.call.state) != approval.name:
        return False
    answer = (request.call.answers or {}).get(KEY)
    if not isinstance(answer, types.ElicitResult):
        raise NoAnswerError("the client did not say whether it opened the approval page")
    await _take(request, approval, answer)
    return True


def _page_of(state: str) -> str:
    try:
        return str(json.loads(state)["page"])
    except (ValueError, KeyError, TypeError):
        return ""


async def open_by_request(request: ConfirmationRequest, approval: Approval, address: str) -> None:
    """Ask an older client to open the page. Raises NoAnswerError unless its user had it opened or said no."""
    try:
        with suppress_telemetry(), anyio.fail_after(request.app.settings.confirm_timeout):
            answer = await request.ctx.session.elicit_url(
                _message(approval), address, approval.name, request.ctx.request_id
            )
    except TimeoutError:
        raise NoAnswerError("the client did not open the approval page in time") from None
    except (MCPError, ValidationError) as problem:
        raise NoAnswerError(f"the client could not open the approval page ({type(problem).__name__})") from problem
    await _take(request, approval, answer)


async def notify_decided(request: ConfirmationRequest, approval: Approval) -> None:
    """Let an older client close what it shows about the page."""
    await request.ctx.session.send_elicit_complete(approval.name, request.ctx.request_id)


async def _take(request: ConfirmationRequest, approval: Approval, answer: types.ElicitResult) -> None:
    approvals = request.app.approvals
    if LIFETIME - approvals.remaining(approval) < request.app.settings.reading_time:
        await request.app.client_memory.answered_itself(request.client_key)
        raise NoAnswerError("this client answered by itself, without opening the approval page", by_itself=True)
    if answer.action != "accept":
        await approvals.decide(approval, yes=False)


def _message(approval: Approval) -> str:
    return _MESSAGE.format(question=for_client(approval.shown.question))
