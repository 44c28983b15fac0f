"""Records one call in the audit file: the decision, that a change is about to be sent, and the outcome."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from zoho_mcp.audit.log import Audit
from zoho_mcp.audit.redaction import redacted
from zoho_mcp.errors import AuditError, OutcomeUnknownError, ZohoMcpError
from zoho_mcp.policy.rules import Decision, effect_of
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.telemetry.calls import current_call

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The facts of a call so far. Each method writes a line.

    Attributes:
        decision: the policy's decision; None before it is made.
        way: the channel on which a person was asked; empty if nobody was.
    """

    audit: Audit
    call: ToolCall
    decision: Decision | None = None
    way: str = ""

    async def asking(self) -> None:
        """Record that a person is about to be asked. Raises AuditError if that fails, except for a read."""
        if self.call.operation.effect == "read":
            await self._record_if_possible("asked", outcome="asked")
        else:
            await self._record("asked", outcome="asked")

    async def answered_by_client(self) -> None:
        """Record that the client answered faster than a person can read. Such an answer does not count."""
        await self._record_if_possible("answered", outcome="answered by the client itself")

    async def intend(self) -> None:
        """Record that the change is about to be sent. Raises AuditError if that fails: then it must not be sent."""
        await self._record("intended")

    async def done(self, envelope: Mapping[str, Any]) -> None:
        """Record success. If the file cannot be written, that is only logged: the change has been made."""
        await self._ended("done", envelope)

    async def not_done(self, result: str, problem: BaseException) -> None:
        """Record that nothing was sent. `result`: `refused`, `declined` or `failed`."""
        await self._ended(result, {}, problem)

    async def failed(self, problem: BaseException) -> None:
        """Record a failure. The current call knows whether the change was, or may have been, sent."""
        known = isinstance(problem, ZohoMcpError) and not isinstance(problem, OutcomeUnknownError)
        sent = "failed" if known else "unknown"
        await self._ended(sent if current_call().change_sent else "not sent", {}, problem)

    async def _ended(self, outcome: str, envelope: Mapping[str, Any], problem: BaseException | None = None) -> None:
        code = problem.code if isinstance(problem, ZohoMcpError) else envelope.get("code", 0)
        kind = _kind(problem) if problem is not None else ""
        own_id = record_id(self.call, envelope)
        await self._record_if_possible("ended", outcome=outcome, code=code, kind=kind, record_id=own_id)

    async def _record_if_possible(self, event: str, **more: Any) -> None:
        try:
            # Even if the client has cancelled the call: what was sent was sent.
            with anyio.CancelScope(shield=True):
                await self._record(event, **more)
        except AuditError as problem:
            name = self.call.operation.name
            _logger.error("%s: %s %s is not recorded. %s", name, event, more["outcome"], problem.what)

    async def _record(self, event: str, **more: Any) -> None:
        if self.audit.file:
            # Only an intention waits for the disk: if its outcome is lost, it shows what to check.
            append = partial(self.audit.append, self._fields(event, more), durable=event == "intended")
            await anyio.to_thread.run_sync(append)

    def _fields(self, event: str, more: Mapping[str, Any]) -> dict[str, Any]:
        call = self.call
        kept = redacted(call.arguments, call.operation.input)
        decision = self.decision or Decision("refuse", rule="the facts could not be read")
        return {
            "call": call.id,
            "event": event,
            "client": call.client,
            "principal": call.principal,
            "organization": call.organization_id,
            "tool": call.operation.name,
            "effect": decision.effect or effect_of(call.operation, call.arguments),
            "arguments": kept,
            "decision": decision.action,
            "rule": decision.rule,
            "way": self.way,
            "record_id": record_id(call, {}),
            **more,
        }


def _kind(problem: BaseException) -> str:
    """The kind of an error. Its text may quote a record and is not recorded."""
    return problem.kind if isinstance(problem, ZohoMcpError) else type(problem).__name__


def record_id(call: ToolCall, envelope: Mapping[str, Any]) -> str:
    """The id of the record created or changed, or else of the one named in the arguments."""
    if made := call.operation.record_in(envelope).get(f"{call.operation.answer.key}_id"):
        return str(made)
    named = (name for name in call.operation.input.get("required", ()) if name.endswith("_id"))
    return str(call.arguments.get(next(named, ""), ""))
