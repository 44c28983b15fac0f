"""Asks a person, over whatever this client can do, before a call may run. Every way fails closed."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from zoho_mcp.errors import DeclinedError
from zoho_mcp.server.look import look
from zoho_mcp.server.state import Context
from zoho_mcp.specs.model import Operation

_KEY = "confirm"
_ASKED_ANEW = 3
"""Times a person is asked again because the record changed while they were deciding."""
_TELL_THE_USER = "Tell the user; do not try another way."


async def confirm(
    ctx: Context, operation: Operation, arguments: Mapping[str, Any], params: types.CallToolRequestParams
) -> types.InputRequiredResult | None:
    """None once a person said yes to exactly this call; a question to pass on; or DeclinedError.

    The record is read fresh for the question and again after the answer: a yes counts only for what was shown.
    """
    if not _can_be_asked(ctx):
        raise DeclinedError(
            f"{operation.title}: a person has to agree first, and this client cannot ask one.",
            "Use a client that supports MCP elicitation, or do it in Zoho itself. " + _TELL_THE_USER,
        )
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return await _confirm_by_result(ctx, operation, arguments, params)
    await _confirm_by_request(ctx, operation, arguments)
    return None


def _can_be_asked(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS or ctx.session.can_send_request


async def _confirm_by_result(
    ctx: Context, operation: Operation, arguments: Mapping[str, Any], params: types.CallToolRequestParams
) -> types.InputRequiredResult | None:
    """2026-07-28: the question is the result; the answer comes with the same call, repeated."""
    app = ctx.lifespan_context
    note = ""
    if params.request_state is not None:
        agreed_to = app.approvals.close(_question_name(params.request_state))
        _require_yes(operation, (params.input_responses or {}).get(_KEY))
        if agreed_to is None:
            raise DeclinedError(
                f"{operation.title}: that answer was used before or came too late.", "Call again to be asked anew."
            )
        shown, bound = await look(app, operation, arguments)
        if bound == agreed_to:
            return None
        note = _CHANGED
    else:
        shown, bound = await look(app, operation, arguments)
    request = types.ElicitRequest(params=_form(operation, note + shown.text()))
    state = json.dumps({"question": app.approvals.ask(bound)})
    return types.InputRequiredResult(input_requests={_KEY: request}, request_state=state)


_CHANGED = "The record changed after the last question. Please look again.\n"


def _question_name(state: str) -> str:
    try:
        return str(json.loads(state)["question"])
    except (ValueError, KeyError, TypeError):
        return ""


async def _confirm_by_request(ctx: Context, operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Older protocols: the question is a request to the client, within this call."""
    app = ctx.lifespan_context
    shown, bound = await look(app, operation, arguments)
    note = ""
    for _ in range(_ASKED_ANEW):
        _require_yes(operation, await _elicit(ctx, operation, note + shown.text()))
        agreed_to = bound
        shown, bound = await look(app, operation, arguments)
        if bound == agreed_to:
            return
        note = _CHANGED
    raise DeclinedError(f"{operation.title}: the record kept changing while it was being asked about.", "Call again.")


async def _elicit(ctx: Context, operation: Operation, text: str) -> types.ElicitResult:
    form = _form(operation, text)
    try:
        with anyio.fail_after(ctx.lifespan_context.settings.confirm_timeout):
            return await ctx.session.elicit_form(form.message, form.requested_schema, ctx.request_id)
    except TimeoutError:
        raise DeclinedError(f"{operation.title}: nobody answered the question in time.", _TELL_THE_USER) from None
    except (MCPError, ValidationError) as problem:
        raise DeclinedError(
            f"{operation.title}: the client could not ask ({type(problem).__name__}).", _TELL_THE_USER
        ) from problem


def _form(operation: Operation, text: str) -> types.ElicitRequestFormParams:
    yes = {"type": "boolean", "title": f"Yes: {operation.title.lower()}", "description": "This cannot be undone."}
    return types.ElicitRequestFormParams(
        message=text, requested_schema={"type": "object", "properties": {_KEY: yes}, "required": [_KEY]}
    )


def _require_yes(operation: Operation, answer: object) -> None:
    """Only accept with the box ticked is a yes."""
    if isinstance(answer, types.ElicitResult):
        if answer.action == "accept" and (answer.content or {}).get(_KEY) is True:
            return
        how = {"accept": "did not tick yes", "decline": "declined", "cancel": "dismissed the question"}[answer.action]
    else:
        how = "did not answer the question"
    raise DeclinedError(f"{operation.title}: the user {how}.", _TELL_THE_USER)
