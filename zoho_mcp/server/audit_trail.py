"""The audit lines of one call: what was decided, that a change is about to be sent, and how it ended."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import anyio

from zoho_mcp.audit.log import Audit
from zoho_mcp.audit.redaction import redacted, without_private
from zoho_mcp.errors import AuditError, OutcomeUnknownError, ZohoMcpError
from zoho_mcp.policy.rules import Decision, effect_of
from zoho_mcp.server.tool_call import ToolCall

_logger = logging.getLogger(__name__)
_CODE = re.compile(r"\(code (-?\d+)\)")
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """What is known of a call so far. Only what it is told to record reaches the file.

    Attributes:
        decision: the policy's; None before it is made.
        way: how a person was asked; empty when nobody was.
    """

    audit: Audit
    call: ToolCall
    decision: Decision | None = None
    way: str = ""

    async def asking(self) -> None:
        """A person is about to be asked. Raises AuditError when that cannot be recorded, unless it is for a read."""
        if self.call.operation.effect == "read":
            await self._record_if_possible("asked", outcome="asked")
        else:
            await self._record("asked", outcome="asked")

    async def answered_by_client(self) -> None:
        """The client answered the question faster than a person can read it; that counts for nothing."""
        await self._record_if_possible("answered", outcome="answered by the client itself")

    async def intend(self) -> None:
        """The change is about to be sent. Raises AuditError when that cannot be recorded: then it must not be."""
        await self._record("intended")

    async def done(self, envelope: Mapping[str, Any]) -> None:
        """It worked. The change has been made: a file that cannot be written now is only logged."""
        await self._ended("done", str(envelope.get("message", "")), envelope)

    async def not_done(self, result: str, problem: BaseException) -> None:
        """Nothing was sent: `refused`, `declined` or `failed`."""
        await self._ended(result, _words(problem), {})

    async def failed(self, problem: BaseException) -> None:
        """It was, or may have been, sent, and did not end well."""
        known = isinstance(problem, ZohoMcpError) and not isinstance(problem, OutcomeUnknownError)
        await self._ended("failed" if known else "unknown", _words(problem), {})

    async def _ended(self, outcome: str, message: str, envelope: Mapping[str, Any]) -> None:
        code = _CODE.search(message)
        await self._record_if_possible(
            "ended",
            outcome=outcome,
            code=int(code[1]) if code else envelope.get("code", 0),
            message=message,
            record_id=record_id(self.call, envelope),
        )

    async def _record_if_possible(self, event: str, **more: Any) -> None:
        try:
            # Also when the client gave up meanwhile: what was sent was sent.
            with anyio.CancelScope(shield=True):
                await self._record(event, **more)
        except AuditError as problem:
            name = self.call.operation.name
            _logger.error("%s: %s %s is not recorded. %s", name, event, more["outcome"], problem.what)

    async def _record(self, event: str, **more: Any) -> None:
        if self.audit.file:
            # Waiting for the disk is worth it for an intention: without its outcome it still tells what to look for.
            append = partial(self.audit.append, self._fields(event, more), durable=event == "intended")
            await anyio.to_thread.run_sync(append)

    def _fields(self, event: str, more: Mapping[str, Any]) -> dict[str, Any]:
        call = self.call
        kept = redacted(call.arguments, call.operation.input)
        decision = self.decision or Decision("refuse", rule="the facts could not be read")
        fields: dict[str, Any] = {
            "call": call.id,
            "event": event,
            "client": call.client,
            "principal": call.principal,
            "organization": call.organization_id,
            "tool": call.operation.name,
            "effect": effect_of(call.operation, call.arguments),
            "arguments": kept,
            "decision": decision.action,
            "rule": decision.rule,
            "way": self.way,
            "record_id": record_id(call, {}),
            **more,
        }
        if "message" in fields:
            fields["message"] = without_private(fields["message"], call.arguments, kept)[:_LONGEST_MESSAGE]
        return fields


def _words(problem: BaseException) -> str:
    return problem.what if isinstance(problem, ZohoMcpError) else type(problem).__name__


def record_id(call: ToolCall, envelope: Mapping[str, Any]) -> str:
    """The record that was made or changed, else the one that the arguments name."""
    key = call.operation.answer.key
    record = envelope.get(key)
    made = cast("dict[str, Any]", record).get(f"{key}_id") if isinstance(record, dict) else None
    if made:
        return str(made)
    named = (name for name in call.operation.input.get("required", ()) if name.endswith("_id"))
    return str(call.arguments.get(next(named, ""), ""))
