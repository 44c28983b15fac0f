"""Asks through MCP elicitation: as a result of the call (2026-07-28), or as a request within it (older protocols)."""

import json

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from zoho_mcp.server.confirmation.request import (
    CHANGED,
    MOST_QUESTIONS,
    ConfirmationRequest,
    Consent,
    NoAnswerError,
    Snapshot,
)
from zoho_mcp.telemetry.call_context import suppress_telemetry

KEY = "confirm"


def can_be_asked(request: ConfirmationRequest) -> bool:
    """Whether this client says that it shows forms, over a connection that can carry one."""
    capabilities = request.ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return _asks_by_result(request) or request.ctx.session.can_send_request


def _asks_by_result(request: ConfirmationRequest) -> bool:
    return request.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def by_elicitation(request: ConfirmationRequest, snapshot: Snapshot) -> types.InputRequiredResult | Consent:
    """Consent, or a question to pass on. Raises DeclinedError after a no, NoAnswerError if the client gives neither."""
    if not _asks_by_result(request):
        return await _by_request(request, snapshot)
    if request.call.state is None:
        return await _question(request, snapshot)
    return await _take_answer(request, request.call.state, snapshot)


async def _question(request: ConfirmationRequest, snapshot: Snapshot, note: str = "") -> types.InputRequiredResult:
    asked = await request.app.approvals.ask("elicitation", snapshot.binding)
    await request.app.approvals.asked(request.client_key)
    question = types.ElicitRequest(params=_form(request, note + snapshot.preview.text()))
    # The request-state boundary seals this: nobody but this process can read or write it.
    return types.InputRequiredResult(
        input_requests={KEY: question}, request_state=json.dumps({"question": asked.secret})
    )


async def _take_answer(
    request: ConfirmationRequest, state: str, snapshot: Snapshot
) -> types.InputRequiredResult | Consent:
    approvals = request.app.approvals
    asked = await approvals.find("elicitation", _secret(state))
    answer = (request.call.answers or {}).get(KEY)
    counts = asked is not None and await approvals.decide(asked, yes=_is_yes(answer))
    if answer is None:
        raise NoAnswerError("the client came back without an answer")
    await approvals.answered(request.client_key)
    _require_yes(request, answer, counts=counts)
    spent = await approvals.spend(asked, snapshot.binding) if asked is not None else "gone"
    _require_yes(request, answer, counts=spent != "gone")
    if spent == "spent":
        return Consent("elicitation")
    return await _question(request, snapshot, CHANGED)


def _secret(state: str) -> str:
    try:
        return str(json.loads(state)["question"])
    except (ValueError, KeyError, TypeError):
        return ""


async def _by_request(request: ConfirmationRequest, snapshot: Snapshot) -> Consent:
    approvals = request.app.approvals
    note = ""
    for _ in range(MOST_QUESTIONS):
        asked = await approvals.ask("elicitation", snapshot.binding)
        try:
            answer = await _elicit(request, note + snapshot.preview.text())
        except BaseException:
            await approvals.decide(asked, yes=False)
            raise
        _require_yes(request, answer, counts=await approvals.decide(asked, yes=_is_yes(answer)))
        snapshot = await request.snapshot()
        spent = await approvals.spend(asked, snapshot.binding)
        _require_yes(request, answer, counts=spent != "gone")
        if spent == "spent":
            return Consent("elicitation")
        note = CHANGED
    raise request.refusal("the record kept changing while it was being asked about.", "Call again.")


async def _elicit(request: ConfirmationRequest, text: str) -> types.ElicitResult:
    form = _form(request, text)
    approvals = request.app.approvals
    await approvals.asked(request.client_key)
    try:
        with suppress_telemetry(), anyio.fail_after(request.app.settings.confirm_timeout):
            answer = await request.ctx.session.elicit_form(form.message, form.requested_schema, request.ctx.request_id)
    except TimeoutError:
        raise NoAnswerError("nobody answered the client's question in time") from None
    except (MCPError, ValidationError) as problem:
        raise NoAnswerError(f"the client could not ask ({type(problem).__name__})") from problem
    await approvals.answered(request.client_key)
    return answer


def _form(request: ConfirmationRequest, text: str) -> types.ElicitRequestFormParams:
    title = f"Yes: {request.operation.title.lower()}"
    yes = {"type": "boolean", "title": title, "description": "This cannot be undone."}
    return types.ElicitRequestFormParams(
        message=text, requested_schema={"type": "object", "properties": {KEY: yes}, "required": [KEY]}
    )


def _is_yes(answer: object) -> bool:
    """Only accept with the box ticked is a yes."""
    return (
        isinstance(answer, types.ElicitResult) and answer.action == "accept" and (answer.content or {}).get(KEY) is True
    )


def _require_yes(request: ConfirmationRequest, answer: object, *, counts: bool) -> None:
    if not _is_yes(answer):
        how = "did not answer the question"
        if isinstance(answer, types.ElicitResult):
            how = {"accept": "did not tick yes", "decline": "declined", "cancel": "dismissed the question"}[
                answer.action
            ]
        raise request.refusal(f"the user {how}.")
    if not counts:
        raise request.refusal(
            "that answer was used before, came too late, or another call, the same as this, went first.",
            "Look what is there now; call again to be asked anew.",
        )
