"""A call that a person is asked about, as every channel sees it; and the consent to it."""

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
"""Times a person is asked within one call because the record changed while they were deciding."""


class NoAnswerError(Exception):
    """The client was asked and brought no answer of a person: another channel may be tried. The text says how."""

    def __init__(self, how: str, *, by_itself: bool = False) -> None:
        super().__init__(how)
        self.by_itself = by_itself


@dataclass(frozen=True, slots=True)
class Consent:
    """How a person consented.

    Attributes:
        way: the channel.
        approval: that of the page; None on other channels.
        before: the record as it was when the answer was checked against it; None where they saw another one.
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
    """What the call is about; None where the question is about an earlier call's record."""


@asynccontextmanager
async def noting_time_limit(request: "ConfirmationRequest") -> AsyncGenerator[None]:
    """Around waiting for a person: when the client takes the call back, that is how long it waits for calls."""
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
    """A tools/call that waits for a person.

    Attributes:
        operation: that of the call, with the question to ask.
        arguments: those of the call, with what the question's record is read by.
        duplicate: what went before, where that is the reason to ask.
        trail: where it is recorded that the client answered by itself.
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
        """The request about a call: because the policy asks, or because an equal one went before."""
        if duplicate is None:
            return cls(ctx, app, call, call.operation, call.arguments, trail=trail)
        operation = call.operation.model_copy(update={"confirm": duplicate.question})
        return cls(ctx, app, call, operation, {**call.arguments, **duplicate.arguments}, duplicate, trail)

    @property
    def principal(self) -> str | None:
        """Who is logged in; None where nobody logs in."""
        return self.call.principal

    @property
    def client_key(self) -> str:
        """By what it is remembered whether this client answers questions."""
        return f"{self.principal or ''}|{self.call.client}"

    async def snapshot(self) -> Snapshot:
        """Read the record afresh."""
        preview, version, before = await read_preview(self.app, self.operation, self.arguments)
        call = fingerprint(self.operation.name, self.arguments, self.call.organization_id, "")
        return Snapshot(preview, Binding(call, version, self.principal), before if self.duplicate is None else None)

    def decline_key(self, snapshot: Snapshot) -> str:
        """By what declines of the same call are counted."""
        return f"{self.principal or ''}|{snapshot.binding.call}"

    def is_loss(self, preview: Preview) -> bool:
        """Whether the call takes something away, whatever its tool."""
        return effect_of(self.operation, self.arguments) == "destroy" or bool(preview.losses)

    def number_to_type(self, preview: Preview) -> str:
        """The record's number where a person has to type it: for a large loss. Empty: not needed."""
        large = preview.amount is not None and preview.amount > self.app.settings.approval_type_number_over
        return preview.number if large and self.is_loss(preview) else ""

    async def is_abandoned(self) -> bool:
        """Whether an HTTP client hung up. The SDK cancels a call itself only over stdio and over some kinds of HTTP."""
        return self.ctx.request is not None and await self.ctx.request.is_disconnected()

    def refusal(self, why: str, next_step: str = TELL_THE_USER, *, kind: str = "could_not_ask") -> DeclinedError:
        """The error to raise when nobody consented."""
        return DeclinedError(f"{self.operation.title}: {why}", next_step, kind=kind)

    def explained(self, problem: DeclinedError) -> DeclinedError:
        """The refusal together with what went before, where that was the reason to ask."""
        if self.duplicate is None:
            return problem
        what = f"{self.duplicate.what} {problem.what}"
        return DeclinedError(what, problem.next_step, kind=problem.kind, way=problem.way)
