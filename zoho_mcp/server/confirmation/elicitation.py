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
    NoAnswerError,
    Snapshot,
    agreement,
)
from zoho_mcp.telemetry.call_context import suppress_telemetry

KEY = "confirm"


def can_be_asked(call: ConfirmationRequest) -> bool:
    """Whether this client says that it shows forms, over a connection that can carry one."""
    capabilities = call.ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return _asks_by_result(call) or call.ctx.session.can_send_request


def _asks_by_result(call: ConfirmationRequest) -> bool:
    return call.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def by_elicitation(call: ConfirmationRequest, seen: Snapshot) -> types.InputRequiredResult | None:
    """None after a yes; a question to pass on; DeclinedError after a no; Unanswered when the client says neither."""
    if not _asks_by_result(call):
        await _by_request(call, seen)
        return None
    if call.params.request_state is None:
        return await _question(call, seen)
    return await _take_answer(call, call.params.request_state, seen)


async def _question(call: ConfirmationRequest, seen: Snapshot, note: str = "") -> types.InputRequiredResult:
    asked = await call.app.approvals.ask("elicitation", seen.bound)
    await call.app.approvals.asked(call.asked_as)
    request = types.ElicitRequest(params=_form(call, note + seen.preview.text()))
    # The request-state boundary seals this: nobody but this process can read or write it.
    return types.InputRequiredResult(
        input_requests={KEY: request}, request_state=json.dumps({"question": asked.secret})
    )


async def _take_answer(call: ConfirmationRequest, state: str, seen: Snapshot) -> types.InputRequiredResult | None:
    approvals = call.app.approvals
    asked = await approvals.find("elicitation", _secret(state))
    answer = (call.params.input_responses or {}).get(KEY)
    counts = asked is not None and await approvals.decide(asked, yes=_is_yes(answer))
    if answer is None:
        raise NoAnswerError("the client came back without an answer")
    await approvals.answered(call.asked_as)
    _require_yes(call, answer, counts=counts)
    spent = await approvals.spend(asked, seen.bound) if asked is not None else "gone"
    _require_yes(call, answer, counts=spent != "gone")
    if spent == "spent":
        agreement().reached("elicitation")
        return None
    return await _question(call, seen, CHANGED)


def _secret(state: str) -> str:
    try:
        return str(json.loads(state)["question"])
    except (ValueError, KeyError, TypeError):
        return ""


async def _by_request(call: ConfirmationRequest, seen: Snapshot) -> None:
    approvals = call.app.approvals
    note = ""
    for _ in range(MOST_QUESTIONS):
        asked = await approvals.ask("elicitation", seen.bound)
        try:
            answer = await _elicit(call, note + seen.preview.text())
        except BaseException:
            await approvals.decide(asked, yes=False)
            raise
        _require_yes(call, answer, counts=await approvals.decide(asked, yes=_is_yes(answer)))
        seen = await call.look()
        spent = await approvals.spend(asked, seen.bound)
        _require_yes(call, answer, counts=spent != "gone")
        if spent == "spent":
            agreement().reached("elicitation")
            return
        note = CHANGED
    raise call.refusal("the record kept changing while it was being asked about.", "Call again.")


async def _elicit(call: ConfirmationRequest, text: str) -> types.ElicitResult:
    form = _form(call, text)
    approvals = call.app.approvals
    await approvals.asked(call.asked_as)
    try:
        with suppress_telemetry(), anyio.fail_after(call.app.settings.confirm_timeout):
            answer = await call.ctx.session.elicit_form(form.message, form.requested_schema, call.ctx.request_id)
    except TimeoutError:
        raise NoAnswerError("nobody answered the client's question in time") from None
    except (MCPError, ValidationError) as problem:
        raise NoAnswerError(f"the client could not ask ({type(problem).__name__})") from problem
    await approvals.answered(call.asked_as)
    return answer


def _form(call: ConfirmationRequest, text: str) -> types.ElicitRequestFormParams:
    title = f"Yes: {call.operation.title.lower()}"
    yes = {"type": "boolean", "title": title, "description": "This cannot be undone."}
    return types.ElicitRequestFormParams(
        message=text, requested_schema={"type": "object", "properties": {KEY: yes}, "required": [KEY]}
    )


def _is_yes(answer: object) -> bool:
    """Only accept with the box ticked is a yes."""
    return (
        isinstance(answer, types.ElicitResult) and answer.action == "accept" and (answer.content or {}).get(KEY) is True
    )


def _require_yes(call: ConfirmationRequest, answer: object, *, counts: bool) -> None:
    if not _is_yes(answer):
        how = "did not answer the question"
        if isinstance(answer, types.ElicitResult):
            how = {"accept": "did not tick yes", "decline": "declined", "cancel": "dismissed the question"}[
                answer.action
            ]
        raise call.refusal(f"the user {how}.")
    if not counts:
        raise call.refusal(
            "that answer was used before, came too late, or another call, the same as this, went first.",
            "Look what is there now; call again to be asked anew.",
        )
