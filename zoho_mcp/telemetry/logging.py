"""The log on stderr, as text or as one JSON object per line, with the id of the call in each line.

A JSON line contains the type and origin of an error but not its text, which may include a customer's name. For the same
reason, other packages log only warnings, and only the first line of each.
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
_MAX_FOREIGN_LENGTH = 200
_MAX_FRAMES = 30
_MAX_CAUSES = 5
_logger = logging.getLogger(__name__)


def write_log(how: str, level: str) -> None:
    """Write the log of this process to stderr, as `text` or `json`, from `level` (`debug` … `error`) upwards."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if how == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _level_number(level)))
    logging.getLogger(OURS).setLevel(_level_number(level))
    if how == "json":
        logging.captureWarnings(True)
        sys.excepthook = _log_crash


def announce(text: str) -> None:
    """Write to the log at any log level, for the operator."""
    logging.getLogger().handle(logging.LogRecord(__name__, logging.INFO, "", 0, text, (), None))


def _level_number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _log_crash(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    _logger.critical("stopped by an error", exc_info=(kind, problem, trace))


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("zoho-invoice-mcp: %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        call = current.get()
        return super().formatMessage(record) + (f" (call {call.id})" if call is not None else "")


class JsonLines(logging.Formatter):
    """One line of ASCII per record, whatever the record contains."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_call_ids(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _origin(record.exc_info[1])
        return json.dumps(line, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:
        text = str(record.msg)
    if record.name.partition(".")[0] == OURS:
        return text
    return text.partition("\n")[0][:_MAX_FOREIGN_LENGTH]


def _call_ids() -> dict[str, str]:
    """The ids that a line shares with the spans and the audit lines of its call."""
    call, span = current.get(), get_current_span().get_span_context()
    found = {} if call is None else {"call": call.id}
    if span.is_valid:
        found |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    return found


def _origin(problem: BaseException, depth: int = _MAX_CAUSES) -> dict[str, Any]:
    """The type of an error, the frames it came through, and the same for its causes."""
    frames: list[str] = []
    trace = problem.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        frames.append(f"{frame.f_globals.get('__name__', '?')}:{trace.tb_lineno} {frame.f_code.co_name}")
        trace = trace.tb_next
    found: dict[str, Any] = {"type": type(problem).__qualname__, "frames": frames[-_MAX_FRAMES:]}
    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    if cause is not None and depth:
        found["cause"] = _origin(cause, depth - 1)
    if isinstance(problem, BaseExceptionGroup) and depth:
        parts: tuple[BaseException, ...] = problem.exceptions  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] # of no known kind
        found["errors"] = [_origin(part, depth - 1) for part in parts]
    return found
