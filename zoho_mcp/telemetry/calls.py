"""Ids, spans, metrics, log lines and progress of tool calls and their requests to Zoho.

Knows neither MCP nor Zoho. Labels are tool names, routes and words from this module, never text from callers.
"""

import logging
import secrets
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from opentelemetry.metrics import CallbackOptions, Observation, get_meter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    get_current_span,
    get_tracer,
    use_span,
)

from zoho_mcp.errors import ZohoMcpError

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds."""
SMALLEST_STEP = 0.001
"""The increase of the progress figure if nothing was counted."""
_meter = get_meter("zoho_mcp")
_tools = _meter.create_histogram(
    "zoho.tool.duration", "s", "Calls of tools, by tool and outcome.", explicit_bucket_boundaries_advisory=BUCKETS
)
_approvals = _meter.create_counter("zoho.approvals", "", "Calls that a person was to agree to, by way and outcome.")
TOKEN_ROUTE = "/oauth/v2/token"
KNOWN_CODES = frozenset({-1, 0, 2, 4, 5, 9, 11, 14, 15, 37, 43, 44, 45, 57, 1000, 1001, 1002, 1003, 1038, 1070, 2006,
                         2007, 2049, 2076, 3000, 3004, 3009, 3010, 3013, 3062, 4001, 4031, 4041, 5001, 5015, 5019,
                         5032, 6041, 9004, 9521, 9523, 9526, *range(12003, 12009), 12018, 24016, 31006,
                         36004})  # fmt: skip
"""Zoho's codes with a label of their own; a limited set, so that the number of labels is too."""
_STATUSES = frozenset(int(status) for status in HTTPStatus)
_logger = logging.getLogger(__name__)
_tracer = get_tracer("zoho_mcp")
_seconds = _meter.create_histogram(
    "zoho.request.duration", "s", "Requests to Zoho, by route, status of the last answer and Zoho's code; retries and "
    "waiting included.", explicit_bucket_boundaries_advisory=BUCKETS,
)  # fmt: skip
_waited = _meter.create_histogram(
    "zoho.limits.wait", "s", "Time that requests waited for their turn within Zoho's limits.",
    explicit_bucket_boundaries_advisory=BUCKETS,
)  # fmt: skip
_retries = _meter.create_counter("zoho.request.retries", "", "Times that a request was sent again.")
_refreshes = _meter.create_counter("zoho.token.refreshes", "", "Times that an access token was asked for, by outcome.")


class Session(Protocol):
    """The connection to a client. Does nothing if the request has no progress token."""

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
    """The facts of one call, recorded by the modules that know them."""

    id: str = field(default_factory=lambda: secrets.token_hex(6))
    outcome: str = "done"
    way: str = ""
    """The channel on which a person was asked; empty if nobody was."""
    agreed: bool = False
    """Whether that person approved."""
    change_sent: bool = False
    """Whether a request that may change something has left this machine."""
    progress: Progress | None = None
    """The progress of the client's request; None outside of a request."""


current: ContextVar[CallContext | None] = ContextVar("call", default=None)


def current_call() -> CallContext:
    """The current call; outside of one, a new context that is not used further."""
    return current.get() or CallContext()


async def report_progress(message: str, more: float = 0.0, total: float | None = None) -> None:
    """Report the progress of the current call, if there is one; see `Progress.report`."""
    if (progress := current_call().progress) is not None:
        await progress.report(message, more, total)


def kind_of(problem: BaseException) -> str:
    """The kind of an error, as one word."""
    if isinstance(problem, ZohoMcpError):
        return type(problem).kind
    return "failed" if isinstance(problem, Exception) else "cancelled"


@contextmanager
def suppress_telemetry() -> Generator[None]:
    """Suppress spans: the SDK's own span of a question would quote the client's answer."""
    here = get_current_span().get_span_context()
    quiet = SpanContext(here.trace_id, here.span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.DEFAULT))
    with use_span(NonRecordingSpan(quiet)):
        yield


def measure_tool(tool: str, ended: CallContext, seconds: float) -> None:
    """Record the metrics of a call that has ended. `tool` is in the catalog."""
    _tools.record(seconds, {"tool": tool, "outcome": ended.outcome})
    if ended.way:
        _approvals.add(1, {"way": ended.way, "outcome": "approved" if ended.agreed else ended.outcome})


@dataclass(slots=True)
class RequestTrace:
    """The course of one request over all its attempts. `clock` returns seconds."""

    method: str
    route: str
    clock: Callable[[], float]
    sent: int = 0
    status: int | None = None
    """Of the last attempt; None if it got no response."""
    waited: float = 0.0
    queued: bool = False
    """Whether the request is subject to Zoho's rate limits."""
    lost: int = 0
    """Attempts that never left this machine."""
    _since: float | None = None

    @property
    def left(self) -> bool:
        """Whether it may have reached Zoho."""
        return self.sent > self.lost

    def start_waiting(self) -> None:
        """Note that the request waits for the rate limit."""
        self.queued = True
        self._since = self.clock()

    def mark_sent(self) -> None:
        """Note that the request is sent."""
        self.stop_waiting()
        self.sent += 1
        self.status = None

    def stop_waiting(self) -> None:
        """Note that the wait has ended, for whatever reason."""
        if self._since is not None:
            self.waited += max(0.0, self.clock() - self._since)
            self._since = None


@contextmanager
def trace_request(method: str, route: str, clock: Callable[[], float]) -> Generator[RequestTrace]:
    """Trace a request over all its attempts. `route` is a template (`/invoices/{invoice_id}`) or empty."""
    trace = RequestTrace(method, route or "other", clock)
    began = time.perf_counter()
    outcome, code = "done", 0
    with _tracer.start_as_current_span(
        f"{trace.method} {trace.route}", kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield trace
        except BaseException as problem:
            outcome, code = kind_of(problem), problem.code if isinstance(problem, ZohoMcpError) else 0
            raise
        finally:
            trace.stop_waiting()
            _describe(span, trace, outcome, code)
            _measure(trace, outcome, code, time.perf_counter() - began)


def _describe(span: Span, trace: RequestTrace, outcome: str, code: int) -> None:
    if not span.is_recording():
        return
    span.set_attributes({
        "zoho.call": current_call().id,
        "http.request.method": trace.method,
        "url.template": trace.route,
        "http.request.resend_count": max(0, trace.sent - 1),
        "zoho.limits.waited_seconds": round(trace.waited, 3),
    })  # fmt: skip
    if trace.status is not None:
        span.set_attribute("http.response.status_code", trace.status)
    if code or outcome == "done":
        span.set_attribute("zoho.code", code)
    if outcome != "done":
        span.set_attribute("error.type", outcome)
        span.set_status(StatusCode.ERROR)


def _measure(trace: RequestTrace, outcome: str, code: int, seconds: float) -> None:
    route = {"method": trace.method, "route": trace.route}
    _seconds.record(seconds, {**route, "status": _status(trace.status), "code": _code(code, outcome)})
    if trace.queued:
        _waited.record(trace.waited)
    if trace.sent > 1:
        _retries.add(trace.sent - 1, route)
    if trace.route == TOKEN_ROUTE and outcome != "done":
        _refreshes.add(1, {"outcome": outcome})
    if _logger.isEnabledFor(logging.DEBUG):
        fields = {"status": trace.status, "code": code, "outcome": outcome, "retries": max(0, trace.sent - 1),
                "waited": round(trace.waited, 3), "seconds": round(seconds, 4)}  # fmt: skip
        _logger.debug("%s %s: %s", trace.method, trace.route, outcome, extra={"fields": {**route, **fields}})


def _status(status: int | None) -> str:
    if status is None:
        return "none"
    return str(status) if status in _STATUSES else "other"


def _code(code: int, outcome: str) -> str:
    if not code and outcome != "done":
        return "none"
    return str(code) if code in KNOWN_CODES else "other"


def count_token_request(refused: ZohoMcpError | None) -> None:
    """Count a response of the accounts server. Refusals have status 200, so requests do not count as failed."""
    _refreshes.add(1, {"outcome": kind_of(refused) if refused else "done"})


DAYS: dict[str, tuple[int, float]] = {}
"""Organisation to the requests left today and the end of the day, from Zoho's latest response."""


def record_day_quota(organization_id: str, remaining: int, seconds: float) -> None:
    """Record how many requests an organisation has left, and the seconds until the limit resets."""
    DAYS[organization_id] = remaining, time.monotonic() + seconds


def _least_left(_: CallbackOptions) -> Iterable[Observation]:
    """The lowest value of all organisations, without their ids, which are private."""
    now = time.monotonic()
    left = [remaining for remaining, ends_at in list(DAYS.values()) if ends_at > now]
    return [Observation(min(left))] if left else []


_meter.create_observable_gauge(
    "zoho.day.remaining",
    [_least_left],
    "",
    "Requests left today, as Zoho last said; of several organisations the least.",
)
