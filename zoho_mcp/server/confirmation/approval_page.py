"""Asks on a page in the user's browser, served by this process, for clients that cannot ask or only open pages.

A click only stores a decision. Only a call makes the change, and only if the record is unchanged since then.
"""

import itertools
import logging

import anyio
import mcp_types as types

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.policy.approvals import Approval, Prompt
from zoho_mcp.policy.display import money
from zoho_mcp.server.confirmation.elicitation import asks_by_result
from zoho_mcp.server.confirmation.request import (
    MOST_QUESTIONS,
    TELL_THE_USER,
    ConfirmationRequest,
    Consent,
    NoAnswerError,
    Snapshot,
    record_time_limit,
)
from zoho_mcp.server.confirmation.url_elicitation import (
    notify_decided,
    open_by_request,
    opens_pages,
    page_to_open,
    take_opened,
)
from zoho_mcp.telemetry.calls import report_progress
from zoho_mcp.times import span

_logger = logging.getLogger(__name__)
_NEVER_YOURSELF = "Do not open it yourself: it shows nothing without a login."
_NO_PAGE = "The operator of this server can set up an approval page with a login (docs/http.md)."
_SHARE_OF_LIMIT, _REPLY_SECONDS = 0.8, 0.5
"""The share of a client's time limit spent on waiting, less the seconds for sending the result."""
_PROGRESS_EVERY = 5
"""Seconds between notifications while a call waits: clients count silence towards their time limit."""


async def by_page(request: ConfirmationRequest, snapshot: Snapshot, why: str) -> Consent | types.InputRequiredResult:
    """Consent once a person has approved on the page, or the request to open it. Otherwise raises DeclinedError.

    `why`: the reason why the client itself did not ask.
    """
    if request.principal is not None and not request.app.public_page:
        # The person at this machine is not the logged-in remote user.
        raise request.refusal(
            f"a person must approve this first, and {why}.", f"{_NO_PAGE} {_other_ways()}", kind="could_not_ask"
        )
    approvals = request.app.approvals
    for _ in range(MOST_QUESTIONS):
        live = await approvals.live("page", snapshot.binding)
        approval = live or await approvals.ask("page", snapshot.binding, await _prompt(request, snapshot))
        if approval.state == "waiting":
            with approval.called():
                async with record_time_limit(request):
                    waited = await _show_and_wait(request, approval, why, is_new=live is None)
            if isinstance(waited, types.InputRequiredResult):
                return waited
            if not waited:
                raise request.refusal("the client cancelled the call.", "Call again.", kind="waiting")
        if approval.state != "approved" or await request.is_abandoned():
            raise _not_approved(request, approval)
        snapshot = await request.snapshot()
        match await approvals.spend(approval, snapshot.binding):
            case "spent":
                return Consent("page", approval, snapshot.before)
            case "gone":  # another call used it, or it expired, while the record was read
                raise _not_approved(request, approval)
            case "changed":
                pass
    raise request.refusal("the record kept changing while the question was open.", "Call again.", kind="expired")


async def _prompt(request: ConfirmationRequest, snapshot: Snapshot) -> Prompt:
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
        is_demo=request.app.settings.is_sandbox,
        done=preview.done,
        final=preview.final,
    )


async def _organization(request: ConfirmationRequest) -> str:
    """The organisation's name; empty if it cannot be read."""
    try:
        return str((await request.app.api.organization()).get("name", ""))
    except ZohoMcpError:
        return ""


async def _show_and_wait(
    request: ConfirmationRequest, approval: Approval, why: str, *, is_new: bool
) -> bool | types.InputRequiredResult:
    """Show the page and wait. True if the client is still waiting, decided or not; or the page for it to open first."""
    address = await _address(request, approval)
    try:
        opened = await take_opened(request, approval)
        if not opened and not await _show(request, approval, address, is_new=is_new):
            if not await opens_pages(request):
                raise NoAnswerError(why)
            if asks_by_result(request):
                if is_new:
                    return page_to_open(request, approval, address)
                raise NoAnswerError("the client did not say whether it opened the approval page")
            if is_new:
                return await _wait_while_client_opens(request, approval, address)
    except NoAnswerError as no_answer:
        if no_answer.by_itself and request.trail is not None:
            await request.trail.answered_by_client()
        raise _not_opened(request, approval, address, str(no_answer)) from None
    return await _wait(request, approval, is_new=is_new or opened)


async def _address(request: ConfirmationRequest, approval: Approval) -> str:
    if request.principal is not None:
        return f"{request.app.public_page}/{approval.secret}"
    return await request.app.page.address(approval.secret)


async def _show(request: ConfirmationRequest, approval: Approval, address: str, *, is_new: bool) -> bool:
    """Whether the person has the page or its address; opens it in this machine's browser if necessary."""
    if request.principal is not None:
        return not is_new and not await opens_pages(request)
    if approval.has_window:
        return True
    # Set first, so that a call that joins meanwhile does not open a second window.
    approval.has_window, opened = True, False
    try:
        opened = request.app.settings.can_open_browser and await request.app.page.open_browser(address)
    finally:
        approval.has_window = opened
    return opened


async def _wait_while_client_opens(request: ConfirmationRequest, approval: Approval, address: str) -> bool:
    """Wait for the decision, or until the client reports that it does not open the page."""
    problems: list[NoAnswerError] = []
    waiting = False

    async def open_it() -> None:
        try:
            await open_by_request(request, approval, address)
        except NoAnswerError as no_answer:
            problems.append(no_answer)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(open_it)
        waiting = await _wait(request, approval, is_new=True)
        group.cancel_scope.cancel()
    if approval.decided.is_set():
        await notify_decided(request, approval)
    elif problems:
        raise problems[0]
    return waiting


async def _wait(request: ConfirmationRequest, approval: Approval, *, is_new: bool) -> bool:
    """Wait for the decision. True if the client is still waiting, decided or not."""
    longest = min(await _longest_wait(request, is_new=is_new), request.app.approvals.remaining(approval))
    cancelled = anyio.CancelScope()
    cancellable = request.app.page.cancellable(request.call.request_id, cancelled)
    with anyio.move_on_after(longest) as in_time, cancelled, cancellable:
        async with anyio.create_task_group() as group:
            group.start_soon(_report_progress, request, cancelled)
            await approval.decided.wait()
            group.cancel_scope.cancel()
    return approval.decided.is_set() or not cancelled.cancel_called or in_time.cancel_called


async def _longest_wait(request: ConfirmationRequest, *, is_new: bool) -> float:
    """Seconds to wait for the decision: less than the client's time limit for calls, if it is known.

    Such a client is soon told that the question is still open; the first call after the decision makes the change.
    """
    wait = request.app.settings.approval_wait
    limit = await request.app.client_memory.time_limit(request.client_key)
    if limit is None:
        return wait
    return min(wait, max(limit * _SHARE_OF_LIMIT - _REPLY_SECONDS, 0.0)) if is_new else 0.0


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
            return request.refusal("the client disconnected before the user decided.", "Call again.", kind="waiting")
        case "spent":
            return request.refusal("an identical call used the user's approval.", "Check what it did.", kind="expired")
        case _:
            return request.refusal(
                "the question expired before it was decided.", "Call again for a new question.", kind="expired"
            )


def _not_opened(request: ConfirmationRequest, approval: Approval, address: str, why: str) -> Exception:
    """The refusal for the model if it must pass on the address, or a person must look it up."""
    if request.principal is not None:
        return request.refusal(
            f"a person must approve this first (approval {approval.name}).",
            f"{_ask_the_user(request, approval)} {_NEVER_YOURSELF}",
            kind="waiting",
        )
    in_answer = request.app.settings.approval_url_to_model
    if not in_answer:
        _logger.warning("No browser could be opened. Approval %s can be decided at %s", approval.name, address)
    where = f"at {address}" if in_answer else "at the address that this server wrote to its log (stderr)"
    return request.refusal(
        f"a person must approve this first, {why}, and no browser could be opened (approval {approval.name}).",
        f"The user can decide within five minutes, on the machine this server runs on, {where}; then call "
        f"{request.operation.name} again with the same arguments. {_other_ways()}",
        kind="waiting",
    )


def _ask_the_user(request: ConfirmationRequest, approval: Approval) -> str:
    again = f"then call {request.operation.name} again with the same arguments."
    if request.principal is not None:
        address = f"{request.app.public_page}/{approval.secret}"
        return f"Ask the user to decide within five minutes at {address} , where they log in themselves; {again}"
    in_answer = request.app.settings.approval_url_to_model
    where = f" ({request.app.page.address_of(approval.secret)})" if in_answer else ""
    closed = f"If they closed it, a call in {span(request.app.approvals.remaining(approval))} opens a new one."
    return f"Ask the user to decide in the browser window that was opened{where}, {again} {closed}"


def _other_ways() -> str:
    return f"Or use a client that supports MCP elicitation, or do it in Zoho itself. {TELL_THE_USER}"
