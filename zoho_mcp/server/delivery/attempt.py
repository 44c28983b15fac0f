"""A sent change and its known facts. Values: no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoho_mcp.specs.model import Operation

CLOCKS_DIFFER = 2.0
"""Seconds by which a record may seem older than its request: Zoho's times have no fractions."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a change.

    Attributes:
        at: when, in seconds of the client's clock.
        skew: seconds by which Zoho's clock was ahead of that one just then, if known.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    at: float
    skew: float | None = None

    @property
    def path(self) -> str:
        """The path it was sent to, with placeholders for ids."""
        return self.operation.http.path.partition("?")[0]

    def earliest(self, skew: float | None) -> float:
        """The earliest time, by Zoho's clock, at which it can have been carried out; `skew`: as known now.

        A clock may have been corrected meanwhile. Then the earlier of two times counts: what is too old for the other
        could be taken for absent, and be made a second time.
        """
        known = [one for one in (self.skew, skew) if one is not None]
        return self.at + min(known, default=0.0) - CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class Previous:
    """An equal call that went before.

    Attributes:
        record: what it made; None when that is not known.
        mark: which claim this was, where replicas keep them.
    """

    attempt: Attempt
    record: Mapping[str, Any] | None = None
    mark: str = ""
