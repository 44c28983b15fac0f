"""Makes a change that was allowed: once, and recorded."""

from collections.abc import Mapping
from typing import Any

import anyio

from zoho_mcp.errors import OutcomeUnknownError, RejectedError, ZohoMcpError
from zoho_mcp.policy.facts import HOLD_ADDRESSES
from zoho_mcp.server import recent_addresses
from zoho_mcp.server.audit_trail import AuditTrail
from zoho_mcp.server.authorization import Subject
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery import duplicates, new_state, replaced
from zoho_mcp.server.delivery.claims import Previous
from zoho_mcp.server.delivery.reconcile import send_change
from zoho_mcp.server.resources.subscribers import PATIENCE
from zoho_mcp.server.resources.subscriptions import notify
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.server.tools import documents
from zoho_mcp.server.tools.composite import COMPOSITES, Answer


async def perform(app: ServerContext, call: ToolCall, trail: AuditTrail, before: Subject | None = None) -> Answer:
    """Make a change. Returns its envelope and the links that its tool adds. Raises the errors of Zoho and the audit.

    `before`: the record, if it was just read.
    """
    operation, previous = call.operation, None
    attempt = duplicates.attempt_of(app, call) if operation.must_not_repeat else None
    try:
        before = await _save_old_values(app, call, trail, before) if operation.can_overwrite else None
        known = before.record if before is not None else None
        was: Mapping[str, Any] = {}
        if operation.shows_new_state:
            was = await new_state.before(app, operation, call.arguments, known)
        if not HOLD_ADDRESSES.isdisjoint(call.arguments):
            # Before sending: a change whose response is lost may have been made.
            await recent_addresses.note(app, call.arguments, known or {})
        await trail.intend()
        try:
            envelope, links = await _run(app, call)
        except BaseException as problem:
            await trail.failed(problem)
            may_have_happened = _may_have_happened(problem)
            if may_have_happened:
                previous = attempt and Previous(attempt)
            if operation.handler or may_have_happened:
                # Of several requests, a later one may have failed after the change was made.
                with anyio.move_on_after(PATIENCE, shield=True):
                    await _notify(app, call, {})
            if isinstance(problem, RejectedError) and operation.instead:
                raise await new_state.explained(app, operation, call.arguments, problem) from problem
            raise
        previous = attempt and Previous(attempt, _record(call, envelope))
    finally:
        if attempt is not None:
            with anyio.CancelScope(shield=True):
                await app.claims.done(duplicates.call_key(call), previous)
    await _notify(app, call, envelope)
    await trail.done(envelope)
    overwritten = replaced.named(app, call, before, envelope) if before is not None else {}
    if operation.shows_new_state:
        envelope = await new_state.added(app, operation, call.arguments, envelope, was)
    return {**envelope, **overwritten}, links


async def _notify(app: ServerContext, call: ToolCall, envelope: Mapping[str, Any]) -> None:
    subscribers = app.subscribers
    subscribers.changes += 1
    if subscribers.listening_clients or subscribers.subscriptions or subscribers.publish_change is not None:
        await notify(app, call, envelope)


async def _save_old_values(
    app: ServerContext, call: ToolCall, trail: AuditTrail, before: Subject | None
) -> Subject | None:
    try:
        return await replaced.keep(app, call, before)
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
    # Zoho may have received the request of a call that is cancelled.
    return not isinstance(problem, ZohoMcpError) or isinstance(problem, OutcomeUnknownError)


def _record(call: ToolCall, envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    key = call.operation.answer.key
    return (envelope.get(key) if key else call.arguments) or {}
