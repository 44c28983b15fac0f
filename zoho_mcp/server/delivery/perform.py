"""Carries out a change that may proceed: once, and on record."""

from collections.abc import Mapping
from typing import Any

import anyio

from zoho_mcp.errors import OutcomeUnknownError, RejectedError, ZohoMcpError
from zoho_mcp.policy.facts import addresses_given
from zoho_mcp.server import recent_addresses
from zoho_mcp.server.audit_trail import AuditTrail
from zoho_mcp.server.authorization import Subject
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery import before_values
from zoho_mcp.server.delivery.attempt import Previous
from zoho_mcp.server.delivery.duplicates import attempt_of, call_key, creates_or_sends
from zoho_mcp.server.delivery.new_state import explained, state_before, with_new_state
from zoho_mcp.server.delivery.reconcile import send_change
from zoho_mcp.server.resources.subscriptions import notify, notify_of_attempt
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.server.tools import documents
from zoho_mcp.server.tools.composite import COMPOSITES, Answer


async def perform(app: ServerContext, call: ToolCall, trail: AuditTrail, before: Subject | None = None) -> Answer:
    """The envelope of a change, and the links that its tool adds. Raises what Zoho or the way there raises.

    `before`: the record as it was just read; None where it was not.
    """
    attempt, previous = attempt_of(app, call), None
    try:
        before = await _kept(app, call, trail, before) if call.operation.can_overwrite else None
        was = await state_before(app, call.operation, call.arguments, before.record if before else None)
        if addresses_given(call.arguments):
            # Before it is sent: one whose response is lost may have given them all the same.
            await recent_addresses.note(app, call.arguments, before.record if before else {})
        await trail.intend()
        try:
            answer = await _run(app, call)
        except BaseException as problem:
            await trail.failed(problem)
            if _may_have_happened(problem):
                previous = Previous(attempt)
            if call.operation.handler or previous is not None:
                # What takes several requests may have failed after the one that counts.
                await notify_of_attempt(app, call)
            if isinstance(problem, RejectedError):
                raise await explained(app, call.operation, call.arguments, problem) from problem
            raise
        previous = Previous(attempt, _record(call, answer[0]))
    finally:
        with anyio.CancelScope(shield=True):
            await app.claims.done(call_key(call), previous if creates_or_sends(call.operation) else None)
    await notify(app, call, answer[0])
    await trail.done(answer[0])
    replaced = before_values.named(app, call, before, answer[0]) if before is not None else {}
    envelope = await with_new_state(app, call.operation, call.arguments, answer[0], was)
    return {**envelope, **replaced}, answer[1]


async def _kept(app: ServerContext, call: ToolCall, trail: AuditTrail, before: Subject | None) -> Subject | None:
    try:
        return await before_values.keep(app, call, before)
    except ZohoMcpError as problem:
        await trail.not_done("failed", problem)
        raise


async def _run(app: ServerContext, call: ToolCall) -> Answer:
    if call.operation.handler:
        return await COMPOSITES[call.operation.handler](app, call.arguments)
    if call.operation.http.file:
        return await documents.upload(app, call.operation, call.arguments)
    return await send_change(app, call.operation.name, call.arguments), ()


def _may_have_happened(problem: BaseException) -> bool:
    # A call that is cancelled may have been received all the same.
    return not isinstance(problem, ZohoMcpError) or isinstance(problem, OutcomeUnknownError)


def _record(call: ToolCall, envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    key = call.operation.answer.key
    return (envelope.get(key) if key else call.arguments) or {}
