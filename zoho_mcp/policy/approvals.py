"""Keeps track of questions that wait for an answer, so that each yes counts once, in time, and for what was shown."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME = 300.0
"""Seconds after which an unanswered question counts for nothing."""


@dataclass(frozen=True, slots=True)
class _Open:
    fingerprint: str
    expires_at: float


class Approvals:
    """Open questions of this process. A restart forgets them: what was not answered was not allowed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def ask(self, fingerprint: str) -> str:
        """Register a question; the result names it and cannot be guessed."""
        now = self._clock()
        self._open = {name: waiting for name, waiting in self._open.items() if waiting.expires_at > now}
        name = secrets.token_urlsafe(24)
        self._open[name] = _Open(fingerprint, now + LIFETIME)
        return name

    def close(self, name: str) -> str | None:
        """Take the question off the list, whatever the answer; its fingerprint, or None if it is not open any more."""
        waiting = self._open.pop(name, None)
        return waiting.fingerprint if waiting is not None and waiting.expires_at > self._clock() else None
