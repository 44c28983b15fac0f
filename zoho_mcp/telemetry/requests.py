"""A request to Zoho as it can be seen: a span, a measure and a log line, with its route and nothing that is in it."""

import logging
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from opentelemetry.metrics import CallbackOptions, Observation, get_meter
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.telemetry.call_context import BUCKETS, current_call, kind_of

TOKEN_ROUTE = "/oauth/v2/token"
KNOWN_CODES = frozenset({-1, 0, 2, 4, 5, 9, 11, 14, 15, 37, 43, 44, 45, 57, 1000, 1001, 1002, 1003, 1038, 1070, 2006,
                         2007, 2049, 2076, 3000, 3004, 3009, 3010, 3013, 3062, 4001, 4031, 4041, 5001, 5015, 5019,
                         5032, 6041, 9004, 9521, 9523, 9526, *range(12003, 12009), 12018, 24016, 31006,
                         36004})  # fmt: skip
"""Zoho's numbers that are counted by themselves: there must be no end to them that somebody else decides."""
_STATUSES = frozenset(int(status) for status in HTTPStatus)
_logger = logging.getLogger(__name__)
_tracer = get_tracer("zoho_mcp")
_meter = get_meter("zoho_mcp")
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


@dataclass(slots=True)
class RequestTrace:
    """What becomes of one request, over all its tries. `clock` gives seconds."""

    method: str
    route: str
    clock: Callable[[], float]
    sent: int = 0
    status: int | None = None
    """Of the last answer; None when there was none to the last try."""
    waited: float = 0.0
    queued: bool = False
    """Whether it has to do with Zoho's limits at all."""
    lost: int = 0
    """Tries that never left this machine."""
    _since: float | None = None

    @property
    def left(self) -> bool:
        """Whether it may have reached Zoho."""
        return self.sent > self.lost

    def queues(self) -> None:
        """It waits for its turn from now on."""
        self.queued = True
        self._since = self.clock()

    def goes(self) -> None:
        """It has its turn: it is sent."""
        self.stop_waiting()
        self.sent += 1
        self.status = None

    def stop_waiting(self) -> None:
        """However the waiting ended."""
        if self._since is not None:
            self.waited += max(0.0, self.clock() - self._since)
            self._since = None


@contextmanager
def trace_request(method: str, route: str, clock: Callable[[], float]) -> Generator[RequestTrace]:
    """Around a request with all its tries. `route` is a template (`/invoices/{invoice_id}`) or empty."""
    found = RequestTrace(method, route or "other", clock)
    began = time.perf_counter()
    outcome, code = "done", 0
    with _tracer.start_as_current_span(
        f"{found.method} {found.route}", kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield found
        except BaseException as problem:
            outcome, code = kind_of(problem), problem.code if isinstance(problem, ZohoMcpError) else 0
            raise
        finally:
            found.stop_waiting()
            _describe(span, found, outcome, code)
            _measure(found, outcome, code, time.perf_counter() - began)


def _describe(span: Span, found: RequestTrace, outcome: str, code: int) -> None:
    if not span.is_recording():
        return
    span.set_attributes({
        "zoho.call": current_call().id,
        "http.request.method": found.method,
        "url.template": found.route,
        "http.request.resend_count": max(0, found.sent - 1),
        "zoho.limits.waited_seconds": round(found.waited, 3),
    })  # fmt: skip
    if found.status is not None:
        span.set_attribute("http.response.status_code", found.status)
    if code or outcome == "done":
        span.set_attribute("zoho.code", code)
    if outcome != "done":
        span.set_attribute("error.type", outcome)
        span.set_status(StatusCode.ERROR)


def _measure(found: RequestTrace, outcome: str, code: int, seconds: float) -> None:
    route = {"method": found.method, "route": found.route}
    _seconds.record(seconds, {**route, "status": _status(found.status), "code": _code(code, outcome)})
    if found.queued:
        _waited.record(found.waited)
    if found.sent > 1:
        _retries.add(found.sent - 1, route)
    if found.route == TOKEN_ROUTE and outcome != "done":
        _refreshes.add(1, {"outcome": outcome})
    if _logger.isEnabledFor(logging.DEBUG):
        told = {"status": found.status, "code": code, "outcome": outcome, "retries": max(0, found.sent - 1),
                "waited": round(found.waited, 3), "seconds": round(seconds, 4)}  # fmt: skip
        _logger.debug("%s %s: %s", found.method, found.route, outcome, extra={"fields": {**route, **told}})


def _status(status: int | None) -> str:
    if status is None:
        return "none"
    return str(status) if status in _STATUSES else "other"


def _code(code: int, outcome: str) -> str:
    if not code and outcome != "done":
        return "none"
    return str(code) if code in KNOWN_CODES else "other"


def count_token_request(refused: ZohoMcpError | None) -> None:
    """The accounts server answered. Its refusals come with status 200, so no request is seen to fail."""
    _refreshes.add(1, {"outcome": kind_of(refused) if refused else "done"})


DAYS: dict[str, tuple[int, float]] = {}
"""By organisation, as many as are set: what Zoho last said is left of its day, and when that day ends."""


def record_day_quota(organization_id: str, remaining: int, seconds: float) -> None:
    """Zoho said how many requests an organisation may still send in how many seconds."""
    DAYS[organization_id] = remaining, time.monotonic() + seconds


def _least_left(_: CallbackOptions) -> Iterable[Observation]:
    """Of several organisations the one that has the least: their ids are nobody's business."""
    now = time.monotonic()
    left = [remaining for remaining, ends_at in list(DAYS.values()) if ends_at > now]
    return [Observation(min(left))] if left else []


_meter.create_observable_gauge(
    "zoho.day.remaining",
    [_least_left],
    "",
    "Requests left today, as Zoho last said; of several organisations the least.",
)
