"""Asks by MCP elicitation: as the result of a call (2026-07-28), or by a request during it (older protocols)."""

import json
from typing import Any

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from zoho_mcp.policy.approvals import LIFETIME
from zoho_mcp.policy.display import for_page, quoted
from zoho_mcp.server.confirmation.request import (
    CHANGED,
    MOST_QUESTIONS,
    ConfirmationRequest,
    Consent,
    NoAnswerError,
    Snapshot,
    record_time_limit,
)
from zoho_mcp.telemetry.calls import suppress_telemetry

KEY = "confirm"
NUMBER = "number"
INSTEAD = "instead"
"""The field for what the user wants instead. Someone who fills in all fields without reading contradicts their own
yes."""
_LONGEST_WISH = 300
WRONG_NUMBER = "That is not the number. Nothing was done.\n"


def shows_forms(request: ConfirmationRequest) -> bool:
    """Whether this client declares that it shows forms, and the connection can carry one."""
    capabilities = request.ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return can_carry(request)


def can_carry(request: ConfirmationRequest) -> bool:
    """Whether a question can reach the client on this connection."""
    return asks_by_result(request) or request.ctx.session.can_send_request


def asks_by_result(request: ConfirmationRequest) -> bool:
    """Whether a question is the result of a call, with the answer in the next call."""
    return request.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def by_elicitation(request: ConfirmationRequest, snapshot: Snapshot) -> types.InputRequiredResult | Consent:
    """Consent, or a question to pass on. Raises DeclinedError after a no, NoAnswerError without an answer."""
    if not asks_by_result(request):
        return await _by_request(request, snapshot)
    if request.call.state is None:
        return await _question(request, snapshot)
    return await _take_answer(request, request.call.state, snapshot)


async def _question(
    request: ConfirmationRequest, snapshot: Snapshot, note: str = "", tries: int = 1
) -> types.InputRequiredResult:
    approval = await request.app.approvals.ask("elicitation", snapshot.binding)
    await request.app.approvals.asked(request.client_key)
    form = _form(request, note + snapshot.preview.text(), request.number_to_type(snapshot.preview))
    # Sealed by the request-state boundary: only this process can read or write it.
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)},
        request_state=json.dumps({"question": approval.secret, "tries": tries}),
    )


async def _take_answer(
    request: ConfirmationRequest, state: str, snapshot: Snapshot
) -> types.InputRequiredResult | Consent:
    approvals = request.app.approvals
    approval = await approvals.find("elicitation", _secret(state))
    answer = (request.call.answers or {}).get(KEY)
    number = request.number_to_type(snapshot.preview)
    waited = LIFETIME - approvals.remaining(approval) if approval is not None else LIFETIME
    is_open = approval is not None and approval.state == "waiting"
    counts = approval is not None and await approvals.decide(approval, yes=_is_yes(answer, number))
    if answer is None:
        raise NoAnswerError("the client came back without an answer")
    if is_open:
        await _require_person(request, answer, waited)
    if counts and _is_wrong_number(answer, number):
        tries = _tries(state)
        if tries >= MOST_QUESTIONS:
            raise NoAnswerError("the number in the client's form was wrong three times")
        return await _question(request, snapshot, WRONG_NUMBER, tries + 1)
    _require_yes(request, answer, number, counts=counts)
    spent = await approvals.spend(approval, snapshot.binding) if approval is not None else "gone"
    _require_yes(request, answer, number, counts=spent != "gone")
    if spent == "spent":
        return Consent("elicitation", before=snapshot.before)
    return await _question(request, snapshot, CHANGED)


def _secret(state: str) -> str:
    try:
        return str(json.loads(state)["question"])
    except (ValueError, KeyError, TypeError):
        return ""


def _tries(state: str) -> int:
    try:
        return int(json.loads(state)["tries"])
    except (ValueError, KeyError, TypeError):
        return MOST_QUESTIONS


async def _by_request(request: ConfirmationRequest, snapshot: Snapshot) -> Consent:
    approvals = request.app.approvals
    note = ""
    for _ in range(MOST_QUESTIONS):
        approval = await approvals.ask("elicitation", snapshot.binding)
        number = request.number_to_type(snapshot.preview)
        try:
            answer = await _elicit(request, note + snapshot.preview.text(), number)
            await _require_person(request, answer, LIFETIME - approvals.remaining(approval))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await approvals.decide(approval, yes=False)
            raise
        counts = await approvals.decide(approval, yes=_is_yes(answer, number))
        if counts and _is_wrong_number(answer, number):
            note = WRONG_NUMBER
            continue
        _require_yes(request, answer, number, counts=counts)
        snapshot = await request.snapshot()
        spent = await approvals.spend(approval, snapshot.binding)
        _require_yes(request, answer, number, counts=spent != "gone")
        if spent == "spent":
            return Consent("elicitation", before=snapshot.before)
        note = CHANGED
    if note == WRONG_NUMBER:
        raise NoAnswerError("the number in the client's form was wrong three times")
    raise request.refusal("the record kept changing while the question was open.", "Call again.", kind="expired")


async def _elicit(request: ConfirmationRequest, text: str, number: str) -> types.ElicitResult:
    form = _form(request, text, number)
    approvals = request.app.approvals
    await approvals.asked(request.client_key)
    try:
        async with record_time_limit(request):
            with suppress_telemetry(), anyio.fail_after(request.app.settings.confirm_timeout):
                answer = await request.ctx.session.elicit_form(
                    form.message, form.requested_schema, request.ctx.request_id
                )
    except TimeoutError:
        raise NoAnswerError("nobody answered the client's question in time") from None
    except (MCPError, ValidationError) as problem:
        raise NoAnswerError(f"the client could not ask ({type(problem).__name__})") from problem
    return answer


async def _require_person(request: ConfirmationRequest, answer: object, waited: float) -> None:
    """Raise NoAnswerError for an answer that came faster than a person can read, whatever it says."""
    memory = request.app.client_memory
    if waited < request.app.settings.reading_time:
        await memory.answered_itself(request.client_key)
        raise NoAnswerError("this client answered by itself, without showing the question", by_itself=True)
    if isinstance(answer, types.ElicitResult) and answer.action == "accept":
        content = answer.content or {}
        if KEY not in content:
            raise NoAnswerError("this client came back without an answer to the question")
        if not content.keys() <= {KEY, NUMBER, INSTEAD} or (content[KEY] is True and _wish(answer)):
            raise NoAnswerError("the client's form was filled in without being read")
    await memory.answered_by_person(request.client_key)
    await request.app.approvals.answered(request.client_key)


def _form(request: ConfirmationRequest, text: str, number: str) -> types.ElicitRequestFormParams:
    properties: dict[str, Any] = {KEY: {"type": "boolean", "title": f"Yes: {request.operation.title.lower()}"}}
    if number:
        description = f"The amount is large: to approve, type the number {number}"
        properties[NUMBER] = {"type": "string", "title": "Number", "description": description}
    required = list(properties)
    properties[INSTEAD] = {
        "type": "string",
        "title": "If not: what instead?",
        "description": "Leave empty to approve. Otherwise nothing is done, and the assistant reads what you write.",
    }
    return types.ElicitRequestFormParams(
        message=text, requested_schema={"type": "object", "properties": properties, "required": required}
    )


def _is_yes(answer: object, number: str) -> bool:
    """Whether the answer is accepted with the box ticked, and with the record's number if it is required."""
    return _is_ticked(answer) and not _is_wrong_number(answer, number)


def _is_ticked(answer: object) -> bool:
    if not isinstance(answer, types.ElicitResult) or answer.action != "accept":
        return False
    return (answer.content or {}).get(KEY) is True and not _wish(answer)


def _wish(answer: types.ElicitResult) -> str:
    """The user's own words on what they want instead."""
    return str((answer.content or {}).get(INSTEAD) or "").strip()


def _is_wrong_number(answer: object, number: str) -> bool:
    """Whether the box is ticked but the number typed is not the record's."""
    if not number or not _is_ticked(answer) or not isinstance(answer, types.ElicitResult):
        return False
    return str((answer.content or {}).get(NUMBER, "")).strip().casefold() != number.casefold()


def _require_yes(request: ConfirmationRequest, answer: object, number: str, *, counts: bool) -> None:
    if not _is_yes(answer, number):
        how = "did not answer the question"
        if isinstance(answer, types.ElicitResult):
            how = {"accept": "did not tick yes", "decline": "declined", "cancel": "dismissed the question"}[
                answer.action
            ]
            if wish := _wish(answer):
                how += f" and wrote: {for_page(quoted(wish, _LONGEST_WISH))}"
        raise request.refusal(f"the user {how}.", kind="declined")
    if not counts:
        raise request.refusal(
            "that confirmation has expired or was already used, or an identical call ran first.",
            "Check the current state of the record. To ask again, repeat the call.",
            kind="expired",
        )
