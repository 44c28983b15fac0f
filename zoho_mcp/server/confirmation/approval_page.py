"""Asks on a page that this process serves and that is opened in the user's browser: for clients that cannot ask.

A click only takes down a decision. Nothing runs but a call, and only if the record is still what the person saw.
"""

import itertools
import logging

import anyio

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.policy.approvals import Approval, Prompt
from zoho_mcp.policy.figures import money
from zoho_mcp.server.confirmation.request import (
    MOST_QUESTIONS,
    TELL_THE_USER,
    ConfirmationRequest,
    Consent,
    Snapshot,
    noting_time_limit,
)
from zoho_mcp.telemetry.call_context import report_progress

_logger = logging.getLogger(__name__)
_NEVER_YOURSELF = "Do not open it yourself: it shows nothing to who is not logged in."
_NO_PAGE = "Whoever runs this server can set up an approval page for people to log in on (docs/http.md)."
_OF_ITS_LIMIT, _REPLY = 0.8, 0.5
"""Share of a client's time limit that is spent waiting, less the seconds that the answer takes."""
_PROGRESS_EVERY = 5
"""Seconds between notifications while a call waits: clients count silence towards their own time limit."""


async def by_page(request: ConfirmationRequest, snapshot: Snapshot, why: str) -> Consent:
    """Consent, once a person approved on the page; else DeclinedError. `why` says why the client itself did not ask."""
    if request.principal is not None and not request.app.public_page:
        # Whoever sits before this machine is not who is logged in from elsewhere.
        raise request.refusal(
            f"a person has to agree first, and {why}.", f"{_NO_PAGE} {_elsewhere()}", kind="could_not_ask"
        )
    approvals = request.app.approvals
    for _ in range(MOST_QUESTIONS):
        prompt = await _shown(request, snapshot)
        is_new = await approvals.live("page", snapshot.binding) is None
        approval = await approvals.ask("page", snapshot.binding, prompt)
        if approval.state == "waiting":
            if is_new and request.principal is not None:
                # Nobody can decide before they have the address.
                raise request.refusal(
                    f"a person has to agree first (approval {approval.name}).",
                    f"{_ask_the_user(request, approval)} {_NEVER_YOURSELF}",
                    kind="waiting",
                )
            with approval.called():
                async with noting_time_limit(request):
                    still_there = await _show_and_wait(request, approval, why, is_new=is_new)
            if not still_there:
                raise request.refusal("the client took the call back.", "Call again.", kind="waiting")
        if approval.state != "approved" or await request.is_abandoned():
            raise _not_approved(request, approval)
        snapshot = await request.snapshot()
        match await approvals.spend(approval, snapshot.binding):
            case "spent":
                return Consent("page", approval)
            case "gone":  # another call used it, or it expired, while the record was read
                raise _not_approved(request, approval)
            case "changed":
                pass
    raise request.refusal("the record kept changing while it was being asked about.", "Call again.", kind="expired")


async def _shown(request: ConfirmationRequest, snapshot: Snapshot) -> Prompt:
    preview = snapshot.preview
    return Prompt(
        title=request.operation.title,
        question=preview.question,
        details=preview.details,
        client=request.call.client,
        type_number=request.number_to_type(preview),
        amount=money(preview.amount, preview.currency) if preview.amount is not None else "",
        losses=preview.losses,
        texts=preview.texts,
        organization=await _organization(request),
        is_demo=request.app.settings.is_embedded,
        done=preview.done,
        final=preview.final,
    )


async def _organization(request: ConfirmationRequest) -> str:
    """The name of the books' owner; empty where it cannot be read."""
    try:
        return str((await request.app.api.organization()).get("name", ""))
    except ZohoMcpError:
        return ""


async def _show_and_wait(request: ConfirmationRequest, approval: Approval, why: str, *, is_new: bool) -> bool:
    """Whether the client still waits, decided or not."""
    settings, page = request.app.settings, request.app.page
    if request.principal is None:
        # A call that joins one which waits finds the window open, and so does one whose client gave up before.
        opens = approval.callers == 1
        opens = opens and (is_new or await request.app.client_memory.time_limit(request.client_key) is None)
        address = await page.address(approval.secret)
        if opens and not (settings.can_open_browser and await page.open_browser(address)):
            raise _no_browser(request, approval, address, why)
    longest = min(await _patience(request, is_new=is_new), request.app.approvals.remaining(approval))
    cancelled = anyio.CancelScope()
    with anyio.move_on_after(longest) as in_time, cancelled, page.waited_for(request.call.request_id, cancelled):
        async with anyio.create_task_group() as group:
            group.start_soon(_report_progress, request, cancelled)
            await approval.decided.wait()
            group.cancel_scope.cancel()
    return approval.decided.is_set() or not cancelled.cancel_called or in_time.cancel_called


async def _patience(request: ConfirmationRequest, *, is_new: bool) -> float:
    """Seconds to wait for the decision: less than the client waits for the call, where its limit is known.

    Such a client hears at once that a question is still open; the next call after the decision runs.
    """
    wait = request.app.settings.approval_wait
    limit = await request.app.client_memory.time_limit(request.client_key)
    if limit is None:
        return wait
    return min(wait, max(limit * _OF_ITS_LIMIT - _REPLY, 0.0)) if is_new else 0.0


async def _report_progress(request: ConfirmationRequest, waiting: anyio.CancelScope) -> None:
    wait = request.app.settings.approval_wait
    for second in itertools.count():
        if second % _PROGRESS_EVERY == 0:
            await report_progress("Waiting for the user's decision in the browser.", second and _PROGRESS_EVERY, wait)
        await anyio.sleep(1)
        if await request.is_abandoned():
            await request.app.client_memory.gave_up(request.client_key, float(second))
            waiting.cancel()


def _not_approved(request: ConfirmationRequest, approval: Approval) -> Exception:
    match approval.state:
        case "waiting":
            return request.refusal(
                f"the user has not decided yet (approval {approval.name}).",
                f"{_ask_the_user(request, approval)} The approval's id alone does nothing.",
                kind="waiting",
            )
        case "declined":
            return request.refusal("the user declined.", kind="declined")
        case "approved":
            return request.refusal("the client hung up before the user decided.", "Call again.", kind="waiting")
        case "spent":
            return request.refusal(
                "another call, the same as this, used the user's approval.", "Look what it did.", kind="expired"
            )
        case _:
            return request.refusal(
                "the question expired before it was decided.", "Call again to ask anew.", kind="expired"
            )


def _no_browser(request: ConfirmationRequest, approval: Approval, address: str, why: str) -> Exception:
    told = request.app.settings.approval_url_to_model
    if not told:
        _logger.warning("No browser could be opened. Approval %s can be decided at %s", approval.name, address)
    where = f"at {address}" if told else "at the address that this server wrote to its log (stderr)"
    return request.refusal(
        f"a person has to agree first, {why}, and no browser could be opened (approval {approval.name}).",
        f"The user can decide within five minutes, on the machine this server runs on, {where}; then call "
        f"{request.operation.name} again with the same arguments. {_elsewhere()}",
        kind="waiting",
    )


def _ask_the_user(request: ConfirmationRequest, approval: Approval) -> str:
    again = f"then call {request.operation.name} again with the same arguments."
    if request.principal is not None:
        address = f"{request.app.public_page}/{approval.secret}"
        return f"Ask the user to decide within five minutes at {address} , where they log in themselves; {again}"
    told = request.app.settings.approval_url_to_model
    where = f" ({request.app.page.address_of(approval.secret)})" if told else ""
    return f"Ask the user to decide in the browser window that was opened{where}, {again}"


def _elsewhere() -> str:
    return f"Or use a client that supports MCP elicitation, or do it in Zoho itself. {TELL_THE_USER}"
