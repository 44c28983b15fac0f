"""Progress of the request under way, reported to the client that asked for it. Knows nothing of MCP or Zoho."""

from contextvars import ContextVar
from typing import Protocol

SMALLEST_STEP = 0.001
"""What the figure grows by when nothing was counted."""


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


current: ContextVar[Progress | None] = ContextVar("progress", default=None)


async def report_progress(message: str, more: float = 0.0, total: float | None = None) -> None:
    """`Progress.report` of the request under way, if there is one."""
    if (progress := current.get()) is not None:
        await progress.report(message, more, total)
