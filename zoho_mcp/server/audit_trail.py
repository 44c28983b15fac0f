"""The audit lines of one call: what was decided, that a change is about to be sent, and how it ended."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from zoho_mcp.audit.redaction import redacted, without_private
from zoho_mcp.errors import AuditError, OutcomeUnknownError, ZohoMcpError
from zoho_mcp.policy.rules import Decision, effect_of
from zoho_mcp.server.context import RequestContext
from zoho_mcp.server.identity import client_of, principal_of
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.call_context import current_call

_logger = logging.getLogger(__name__)
_CODE = re.compile(r"\(code (-?\d+)\)")
_LONGEST_MESSAGE = 300


@dataclass
class Trail:
    """Made at no cost; only what it is told to note reaches the file."""

    ctx: RequestContext
    operation: Operation
    arguments: Mapping[str, Any]
    decision: Decision | None = None
    way: str = ""
    """How a person said yes; empty when nobody was asked."""
    _call: str = field(default_factory=lambda: current_call().id)

    async def asking(self) -> None:
        """A person is about to be asked. Raises AuditError when that cannot be recorded, unless it is for a read."""
        if self.operation.effect == "read":
            await self._note_if_possible("asked", outcome="asked")
        else:
            await self._note("asked", outcome="asked")

    async def intend(self) -> None:
        """The change is about to be sent. Raises AuditError when that cannot be recorded: then it must not be."""
        await self._note("intended")

    async def ended(self, result: str, problem: BaseException | None = None, answer: Mapping[str, Any] = {}) -> None:
        """How it ended. What happened has happened: a file that cannot be written now is only complained of."""
        what = problem.what if isinstance(problem, ZohoMcpError) else type(problem).__name__ if problem else ""
        message = what or str(answer.get("message", ""))
        code = _CODE.search(message)
        await self._note_if_possible(
            "ended",
            outcome=result,
            code=int(code[1]) if code else answer.get("code", 0),
            message=message,
            record_id=self._record_id(answer),
        )

    async def failed(self, problem: BaseException) -> None:
        """It was, or may have been, sent, and did not end well."""
        known = isinstance(problem, ZohoMcpError) and not isinstance(problem, OutcomeUnknownError)
        await self.ended("failed" if known else "unknown", problem)

    async def _note_if_possible(self, event: str, **more: Any) -> None:
        try:
            # Also when the client gave up meanwhile: what was sent was sent.
            with anyio.CancelScope(shield=True):
                await self._note(event, **more)
        except AuditError as trouble:
            _logger.error("%s: %s %s is not recorded. %s", self.operation.name, event, more["outcome"], trouble.what)

    async def _note(self, event: str, **more: Any) -> None:
        audit = self.ctx.lifespan_context.audit
        if audit.file:
            # Waiting for the disk is worth it for an intention: without its outcome it still tells what to look for.
            append = partial(audit.append, self._fields(event, more), durable=event == "intended")
            await anyio.to_thread.run_sync(append)

    def _fields(self, event: str, more: Mapping[str, Any]) -> dict[str, Any]:
        kept = redacted(self.arguments, self.operation.input)
        decision = self.decision or Decision("refuse", rule="the facts could not be read")
        fields: dict[str, Any] = {
            "call": self._call,
            "event": event,
            "client": client_of(self.ctx),
            "principal": principal_of(self.ctx),
            "organization": self.ctx.lifespan_context.organization_of(self.arguments),
            "tool": self.operation.name,
            "effect": effect_of(self.operation, self.arguments),
            "arguments": kept,
            "decision": decision.action,
            "rule": decision.rule,
            "way": self.way,
            "record_id": self._record_id({}),
            **more,
        }
        if "message" in fields:
            fields["message"] = without_private(fields["message"], self.arguments, kept)[:_LONGEST_MESSAGE]
        return fields

    def _record_id(self, answer: Mapping[str, Any]) -> str:
        """The record that was made or changed, else the one that the arguments name."""
        key = self.operation.answer.key
        made = answer.get(key)
        if isinstance(made, Mapping) and made.get(f"{key}_id"):  # pyright: ignore[reportUnknownMemberType] # JSON
            return str(made[f"{key}_id"])  # pyright: ignore[reportUnknownArgumentType] # JSON
        named = (name for name in self.operation.input.get("required", ()) if name.endswith("_id"))
        return str(self.arguments.get(next(named, ""), ""))
