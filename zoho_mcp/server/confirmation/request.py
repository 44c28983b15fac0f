"""A call that needs a person's approval, as every channel sees it, and the person's consent."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy.approvals import Approval, Binding
from zoho_mcp.policy.preview import Preview, fingerprint
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.server.audit_trail import AuditTrail
from zoho_mcp.server.authorization import Subject
from zoho_mcp.server.confirmation.preview_reader import read_preview
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.delivery.duplicates import Duplicate
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.model import Operation

TELL_THE_USER = "Tell the user; do not try another way."
CHANGED = "The record has changed since the last question. Please check it again.\n"
MOST_QUESTIONS = 3
"""Number of times a person is asked during one call because the record keeps changing."""


class NoAnswerError(Exception):
    """The client returned no answer by a person, so another channel may be tried. The text says why.

    Attributes:
        by_itself: the client answered without showing the question.
    """

    def __init__(self, how: str, *, by_itself: bool = False) -> None:
        super().__init__(how)
        self.by_itself = by_itself


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's consent.

    Attributes:
        way: the channel.
        approval: the page's approval; None on other channels.
        before: the record as of when the answer was checked; None if the question was about another record.
    """

    way: str
    approval: Approval | None = None
    before: Subject | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a person is shown, and what their consent is bound to."""

    preview: Preview
    binding: Binding
    before: Subject | None = None
    """The record of the call; None if the question is about an earlier call's record."""


@asynccontextmanager
async def record_time_limit(request: "ConfirmationRequest") -> AsyncGenerator[None]:
    """While waiting for a person: if the client cancels the call, record its time limit."""
    clock = request.app.api.client.clock
    began = clock()
    try:
        yield
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await request.app.client_memory.gave_up(request.client_key, clock() - began)
        raise


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A tools/call that needs a person's approval.

    Attributes:
        operation: the call's operation, with the question to ask.
        arguments: the call's arguments, with those needed to read the record in question.
        duplicate: the earlier identical call, if that is the reason to ask.
        trail: records a client that answers by itself.
    """

    ctx: RequestContext
    app: ServerContext
    call: ToolCall
    operation: Operation
    arguments: Mapping[str, Any]
    duplicate: Duplicate | None = None
    trail: AuditTrail | None = None

    @classmethod
    def about(
        cls, ctx: RequestContext, app: ServerContext, call: ToolCall, duplicate: Duplicate | None, trail: AuditTrail
    ) -> "ConfirmationRequest":
        """The request for a call, because the policy requires approval or because of a duplicate."""
        if duplicate is None:
            return cls(ctx, app, call, call.operation, call.arguments, trail=trail)
        operation = call.operation.model_copy(update={"confirm": duplicate.question})
        return cls(ctx, app, call, operation, {**call.arguments, **duplicate.arguments}, duplicate, trail)

    @property
    def principal(self) -> str | None:
        """The logged-in caller; None without logins."""
        return self.call.principal

    @property
    def client_key(self) -> str:
        """The key under which it is remembered how this client answers questions."""
        return f"{self.principal or ''}|{self.call.client}"

    async def snapshot(self) -> Snapshot:
        """Read the current record and build the question."""
        preview, version, before = await read_preview(self.app, self.operation, self.arguments)
        call = fingerprint(self.operation.name, self.arguments, self.call.organization_id, "")
        return Snapshot(preview, Binding(call, version, self.principal), before if self.duplicate is None else None)

    def decline_key(self, snapshot: Snapshot) -> str:
        """The key under which declines of the same call are counted."""
        return f"{self.principal or ''}|{snapshot.binding.call}"

    def is_loss(self, preview: Preview) -> bool:
        """Whether the call destroys something, whichever its tool."""
        return effect_of(self.operation, self.arguments) == "destroy" or bool(preview.losses)

    def number_to_type(self, preview: Preview) -> str:
        """The record's number if a person must type it, which a large loss requires; else empty."""
        large = preview.amount is not None and preview.amount > self.app.settings.approval_type_number_over
        return preview.number if large and self.is_loss(preview) else ""

    async def is_abandoned(self) -> bool:
        """Whether an HTTP client has disconnected. The SDK cancels calls only over stdio and some kinds of HTTP."""
        return self.ctx.request is not None and await self.ctx.request.is_disconnected()

    def refusal(self, why: str, next_step: str = TELL_THE_USER, *, kind: str = "could_not_ask") -> DeclinedError:
        """The error if nobody consented."""
        return DeclinedError(f"{self.operation.title}: {why}", next_step, kind=kind)

    def explained(self, problem: DeclinedError) -> DeclinedError:
        """The refusal, with the earlier identical call if that was the reason to ask."""
        if self.duplicate is None:
            return problem
        what = f"{self.duplicate.what} {problem.what}"
        return DeclinedError(what, problem.next_step, kind=problem.kind, way=problem.way)
