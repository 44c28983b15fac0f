"""The limits of an organisation's requests: per minute, per day of its own time zone, and concurrent."""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zoho_mcp.sandbox.wire.errors import ZohoError


@dataclass(frozen=True)
class Limits:
    """The plan's limits; the defaults are those of the free plan."""

    per_minute: int = 100
    per_day: int = 1000
    at_once: int = 5
    # Zoho served at least 88 requests beyond a limit of 1,000, with a negative remaining number. That code 45 follows,
    # and after how many requests, is unverified.
    beyond: int | None = None

    @property
    def served_per_day(self) -> int:
        """How many requests of a day are served before code 45: a tenth beyond the limit unless `beyond` is set."""
        return self.per_day + (self.per_day // 10 if self.beyond is None else self.beyond)


UNLIMITED = Limits(per_minute=10**9, per_day=10**9, at_once=10**9)


class Meter:
    """Counts the requests of one app. The counts are not stored: a restart resets them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._minute: dict[str, deque[datetime]] = {}
        self._day: dict[str, tuple[date, int]] = {}
        self._running = 0

    @contextmanager
    def running(self) -> Generator[None]:
        """One request in process, from its arrival to its response."""
        with self._lock:
            if self._running >= self.limits.at_once:
                raise ZohoError(
                    1070,
                    "You have reached the maximum number of in process requests allowed. "
                    "Kindly try again after some time.",
                    429,
                )
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def count(self, organization_id: str, now: datetime) -> None:
        """Count one request at the organisation's time. Raises beyond a limit; such a request is not counted."""
        with self._lock:
            today, used = self._used(organization_id, now)
            if used >= self.limits.served_per_day:
                limit = self.limits.per_day
                message = f"The API call for this organization has exceeded the maximum call rate limit of {limit}."
                raise ZohoError(45, message, 429)
            minute = self._minute.setdefault(organization_id, deque())
            while minute and now - minute[0] >= timedelta(minutes=1):
                minute.popleft()
            if len(minute) >= self.limits.per_minute:
                raise ZohoError(
                    44,
                    "For security reasons your organization has been blocked as it have exceeded the maximum number of "
                    "requests per minute that can originate from an organization.",
                    429,
                )
            minute.append(now)
            self._day[organization_id] = (today, used + 1)

    def headers(self, organization_id: str, now: datetime) -> dict[str, str]:
        """The headers of every API response. They describe the day's limit; reset is in seconds, not an epoch."""
        with self._lock:
            _, used = self._used(organization_id, now)
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
        return {
            "x-rate-limit-limit": str(self.limits.per_day),
            "x-rate-limit-remaining": str(self.limits.per_day - used),
            # Through timestamps: subtracting wall clocks would be an hour off on the days the clocks change.
            "x-rate-limit-reset": str(int(midnight.timestamp() - now.timestamp())),
        }

    def _used(self, organization_id: str, now: datetime) -> tuple[date, int]:
        today = now.date()
        day, used = self._day.get(organization_id, (today, 0))
        return today, used if day == today else 0
