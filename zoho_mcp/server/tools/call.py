"""tools/call, from request to result, in the order in which things happen."""

import logging
from dataclasses import replace

import anyio
import mcp_types as types

from zoho_mcp.errors import DeclinedError, RejectedError, ZohoMcpError
from zoho_mcp.policy.approvals import Approval
from zoho_mcp.server import authorization
from zoho_mcp.server.audit_trail import AuditTrail
from zoho_mcp.server.authorization import Ruling, Subject
from zoho_mcp.server.confirmation.confirm import confirm
from zoho_mcp.server.confirmation.request import TELL_THE_USER, ConfirmationRequest, Consent
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.delivery import duplicates
from zoho_mcp.server.delivery.duplicates import Duplicate
from zoho_mcp.server.delivery.perform import perform
from zoho_mcp.server.results import result
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.server.tools import customer_search, documents, pagination, record_numbers
from zoho_mcp.server.tools.composite import COMPOSITES, Answer
from zoho_mcp.server.tools.payment_currency import PaymentCurrencies
from zoho_mcp.telemetry.calls import current_call, kind_of

_logger = logging.getLogger(__name__)
_LONGEST_OUTCOME = 600
_UNKNOWN = "You approved this, but the call was interrupted. Check in Zoho whether it happened."
Result = types.CallToolResult | types.InputRequiredResult


async def handle(ctx: RequestContext, params: types.CallToolRequestParams) -> Result:
    """Check, authorize, ask a person if necessary, perform. Failures are results; only bugs are protocol errors."""
    call = ToolCall.from_request(ctx, params)
    app, found = ctx.lifespan_context, {}
    try:
        if call.named_organization:
            app = app.within(call.named_organization)
        if call.unresolved:
            call, found = await record_numbers.resolve(ctx, app, call)
        app.checker.check(call.operation, call.arguments)
        answer = await _proceed(ctx, app, call)
        return result.with_fields(answer, found) if found else answer
    except ZohoMcpError as problem:
        current_call().outcome = kind_of(problem)
        return result.failure(problem)


async def _proceed(ctx: RequestContext, app: ServerContext, call: ToolCall) -> Result:
    ruling = await _decide(app, call)
    decision, before = ruling.decision, ruling.before
    if call.operation.effect == "read" and decision.action == "allow":
        return result.success(app, call.operation, call.arguments, *await _read(app, call))
    trail = AuditTrail(app.audit, call, decision)
    must_not_repeat = call.operation.must_not_repeat
    duplicate = await _duplicate(app, call, trail) if must_not_repeat and decision.action == "allow" else None
    approval = None
    if decision.action == "ask" or duplicate is not None:
        answer = await _ask(ConfirmationRequest.about(ctx, app, call, duplicate, trail), trail)
        if isinstance(answer, types.InputRequiredResult):
            return answer
        # The record as of their answer, not as of the question.
        approval, trail, before = answer.approval, replace(trail, way=answer.way), answer.before
        if must_not_repeat:
            await duplicates.claim(app, call)
    return await _perform(app, call, trail, approval, before)


async def _read(app: ServerContext, call: ToolCall) -> Answer:
    """The envelope of a read, and the links that its tool adds."""
    operation, links = call.operation, ()
    if operation.handler:
        envelope, links = await COMPOSITES[operation.handler](app, call.arguments)
    elif operation.answer.file:
        envelope, links = await documents.download(app, operation, call.arguments)
    else:
        read = customer_search.run if operation.answer.by_contact_person else pagination.run
        envelope = await read(app, operation, call.arguments)
    if operation.answer.currency_of_customer:
        await PaymentCurrencies(app.api).add(envelope.get(operation.answer.key) or [])
    return envelope, links


async def _decide(app: ServerContext, call: ToolCall) -> Ruling:
    """The policy's decision: allow or ask. Raises DeclinedError for a refusal, which is recorded."""
    try:
        ruling = await authorization.decide(app, call)
    except ZohoMcpError as problem:
        await AuditTrail(app.audit, call).not_done("failed", problem)
        raise
    if (decision := ruling.decision).action == "refuse":
        problem = DeclinedError(f"{call.operation.title}: {decision.reason}", TELL_THE_USER, kind="refused_by_policy")
        await AuditTrail(app.audit, call, decision).not_done("refused", problem)
        raise problem
    return ruling


async def _duplicate(app: ServerContext, call: ToolCall, trail: AuditTrail) -> Duplicate | None:
    """The earlier identical call, as a reason to ask. Raises DeclinedError if nobody can be asked about it."""
    try:
        duplicate = await duplicates.earlier(app, call)
        if duplicate is not None and (duplicate.question is None or app.settings.confirm == "refuse"):
            raise DeclinedError(
                f"{call.operation.title}: {duplicate.what[0].lower()}{duplicate.what[1:]}",
                TELL_THE_USER,
                kind="duplicate",
            )
        return duplicate
    except DeclinedError as problem:
        await trail.not_done("declined", problem)
        raise


async def _ask(request: ConfirmationRequest, trail: AuditTrail) -> Consent | types.InputRequiredResult:
    """A person's consent, or a question to pass on. Raises DeclinedError, or RejectedError if Zoho would refuse."""
    if request.call.state is None:
        await trail.asking()
    try:
        answer = await confirm(request)
    except DeclinedError as problem:
        current_call().way = problem.way
        await replace(trail, way=problem.way).not_done("declined", problem)
        raise request.explained(problem) from problem
    except RejectedError as problem:
        await trail.not_done("refused", problem)
        raise
    except BaseException as problem:
        await trail.not_done("failed", problem)
        raise
    current_call().way = "elicitation" if isinstance(answer, types.InputRequiredResult) else answer.way
    current_call().agreed = isinstance(answer, Consent)
    return answer


async def _perform(
    app: ServerContext, call: ToolCall, trail: AuditTrail, approval: Approval | None, before: Subject | None
) -> types.CallToolResult:
    """The result of a change, or of a read that a person approved. The approval page is told the outcome."""
    outcome = _UNKNOWN
    try:
        if call.operation.effect == "read":
            envelope, links = await _read(app, call)
            await trail.done(envelope)
        else:
            envelope, links = await perform(app, call, trail, before)
        outcome = "Done."
        return result.success(app, call.operation, call.arguments, envelope, links)
    except ZohoMcpError as problem:
        outcome = f"You approved this, but it failed. {str(problem)[:_LONGEST_OUTCOME]}"
        raise
    finally:
        if approval is not None:
            with anyio.CancelScope(shield=True):
                await app.approvals.settle(approval, outcome)
