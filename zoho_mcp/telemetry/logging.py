"""The log on stderr, as text for people or as one JSON object a line, each line with the id of its call.

A JSON line says of an error where it came from and never its text, which may quote what a customer is called. Lines of
other programs' code are kept to warnings, and to their first line, for the same reason.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from opentelemetry.trace import get_current_span

from zoho_mcp.telemetry.calls import current

OURS = "zoho_mcp"
_LONGEST_FOREIGN = 200
_MOST_FRAMES = 30
_DEEPEST = 5
_logger = logging.getLogger(__name__)


def write_log(how: str, level: str) -> None:
    """Write the log of this process to stderr, as `text` or `json`, from a level on (`debug` … `error`)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if how == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _number(level)))
    logging.getLogger(OURS).setLevel(_number(level))
    if how == "json":
        logging.captureWarnings(True)
        sys.excepthook = _stopped


def announce(text: str) -> None:
    """Write to the log at any log level, for the operator."""
    logging.getLogger().handle(logging.LogRecord(__name__, logging.INFO, "", 0, text, (), None))


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _stopped(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    _logger.critical("stopped by an error", exc_info=(kind, problem, trace))


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("zoho-invoice-mcp: %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        call = current.get()
        return super().formatMessage(record) + (f" (call {call.id})" if call is not None else "")


class JsonLines(logging.Formatter):
    """One line of ASCII a record, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_joined(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _where(record.exc_info[1])
        return json.dumps(line, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:
        text = str(record.msg)
    if record.name.partition(".")[0] == OURS:
        return text
    return text.partition("\n")[0][:_LONGEST_FOREIGN]


def _joined() -> dict[str, str]:
    """What a line has in common with the spans and the audit lines of its call."""
    call, span = current.get(), get_current_span().get_span_context()
    found = {} if call is None else {"call": call.id}
    if span.is_valid:
        found |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    return found


def _where(problem: BaseException, depth: int = _DEEPEST) -> dict[str, Any]:
    """The kind of an error, the code it came through, and the same of its causes."""
    frames: list[str] = []
    trace = problem.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        frames.append(f"{frame.f_globals.get('__name__', '?')}:{trace.tb_lineno} {frame.f_code.co_name}")
        trace = trace.tb_next
    found: dict[str, Any] = {"type": type(problem).__qualname__, "frames": frames[-_MOST_FRAMES:]}
    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    if cause is not None and depth:
        found["cause"] = _where(cause, depth - 1)
    if isinstance(problem, BaseExceptionGroup) and depth:
        parts: tuple[BaseException, ...] = problem.exceptions  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] # of no known kind
        found["errors"] = [_where(part, depth - 1) for part in parts]
    return found
