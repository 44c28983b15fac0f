"""A call that a person is asked about, as every way of asking sees it; and the way a call was agreed to."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import mcp_types as types

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy.approvals import Approval, Binding, Way
from zoho_mcp.policy.preview import Preview, fingerprint
from zoho_mcp.server.confirmation.preview_reader import read_preview
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.identity import call_of, client_of, principal_of
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry import call_context

TELL_THE_USER = "Tell the user; do not try another way."
CHANGED = "The record changed after the last question. Please look again.\n"
MOST_QUESTIONS = 3
"""Times a person is asked again, within a call, because the record changed while they were deciding."""


class NoAnswerError(Exception):
    """The client was asked and brought no answer at all: another way may be tried. The text says how."""


@dataclass(slots=True)
class Agreement:
    """How the call that runs in this task was agreed to. `tools/call` starts with an empty one."""

    token: str = ""
    """The `confirmation_token` that came with the call."""
    way: Way | None = None
    """The way that was taken last, whatever came of it."""
    approval: Approval | None = None

    def reached(self, way: Way, approval: Approval | None = None) -> None:
        """A person said yes to this call."""
        self.way, self.approval = way, approval
        call_context.current_call().agreed = True


current: ContextVar[Agreement | None] = ContextVar("agreement", default=None)


def agreement() -> Agreement:
    """That of the running call; outside of one, an empty one."""
    return current.get() or Agreement()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a person is shown, and what their yes is bound to."""

    preview: Preview
    bound: Binding


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A tools/call that waits for a person."""

    ctx: RequestContext
    operation: Operation
    arguments: Mapping[str, Any]
    params: types.CallToolRequestParams

    @property
    def app(self) -> ServerContext:
        """The server's parts."""
        return self.ctx.lifespan_context

    @property
    def principal(self) -> str | None:
        """Who is logged in; None where nobody logs in."""
        return principal_of(self.ctx)

    @property
    def client(self) -> str:
        """What the client calls itself."""
        return client_of(self.ctx)

    @property
    def asked_as(self) -> str:
        """By what it is remembered whether this client answers questions."""
        return f"{self.principal or ''}|{self.client}"

    async def look(self) -> Snapshot:
        """Read the record afresh."""
        preview, seen = await read_preview(self.app, self.operation, self.arguments)
        call = fingerprint(self.operation.name, self.arguments, self.app.organization_of(self.arguments), "")
        return Snapshot(preview, Binding(call, seen, self.principal))

    @property
    def caller(self) -> str:
        """By what the client names this call when it takes it back."""
        return call_of(self.ctx, self.ctx.request_id)

    async def is_abandoned(self) -> bool:
        """Whether an HTTP client hung up. The SDK cancels a call itself only over stdio and over some kinds of HTTP."""
        return self.ctx.request is not None and await self.ctx.request.is_disconnected()

    def refusal(self, why: str, next_step: str = TELL_THE_USER) -> DeclinedError:
        """To be raised: nobody said yes."""
        return DeclinedError(f"{self.operation.title}: {why}", next_step)
