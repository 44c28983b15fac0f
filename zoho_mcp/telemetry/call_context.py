"""The call under way: the id that its log lines, spans and audit lines share, its progress, and how it ends.

Knows neither MCP nor Zoho. A label is a tool's name or a word from in here: nothing that a caller wrote.
"""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.metrics import get_meter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, use_span

from zoho_mcp import errors

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds."""
SMALLEST_STEP = 0.001
"""What the figure grows by when nothing was counted."""
_meter = get_meter("zoho_mcp")
_tools = _meter.create_histogram(
    "zoho.tool.duration", "s", "Calls of tools, by tool and outcome.", explicit_bucket_boundaries_advisory=BUCKETS
)
_approvals = _meter.create_counter("zoho.approvals", "", "Calls that a person was to agree to, by way and outcome.")


class Session(Protocol):
    """The connection to a client; does nothing for a request without a progress token."""

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Send one progress notification."""
        ...


class Progress:
    """The progress of one request. `figure` only grows: rows read, or seconds waited."""

    def __init__(self, session: Session) -> None:
        self.figure = 0.0
        self._session = session

    async def report(self, message: str, more: float = 0.0, total: float | None = None) -> None:
        """Add `more` to the figure and send it."""
        self.figure += max(more, SMALLEST_STEP)
        await self._session.report_progress(self.figure, total, message)


@dataclass(slots=True)
class CallContext:
    """The facts of one call. Each part of the path records what it knows."""

    id: str = field(default_factory=lambda: secrets.token_hex(6))
    outcome: str = "done"
    way: str = ""
    """How a person was asked; empty when nobody was."""
    agreed: bool = False
    """Whether they said yes."""
    change_sent: bool = False
    """Whether a request that may change something left this machine."""
    progress: Progress | None = None
    """Towards the client that asked for it; None outside of a request."""


current: ContextVar[CallContext | None] = ContextVar("call", default=None)


def current_call() -> CallContext:
    """The call under way; outside of one, a new one that nobody looks at."""
    return current.get() or CallContext()


async def report_progress(message: str, more: float = 0.0, total: float | None = None) -> None:
    """`Progress.report` of the call under way, if there is one."""
    if (progress := current_call().progress) is not None:
        await progress.report(message, more, total)


def kind_of(problem: BaseException) -> str:
    """One word for what went wrong."""
    if isinstance(problem, errors.ZohoMcpError):
        return type(problem).kind
    return "failed" if isinstance(problem, Exception) else "cancelled"


@contextmanager
def suppress_telemetry() -> Generator[None]:
    """No spans are made in here: the SDK's own, of a question to a client, would quote the client's answer."""
    here = get_current_span().get_span_context()
    quiet = SpanContext(here.trace_id, here.span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.DEFAULT))
    with use_span(NonRecordingSpan(quiet)):
        yield


def measure_tool(tool: str, ended: CallContext, seconds: float) -> None:
    """Count a call that has ended. `tool` is one of the catalog's."""
    _tools.record(seconds, {"tool": tool, "outcome": ended.outcome})
    if ended.way:
        _approvals.add(1, {"way": ended.way, "outcome": "approved" if ended.agreed else ended.outcome})
