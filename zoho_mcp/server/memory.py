"""What this process wrote a short while ago, and what it is writing now. Forgotten with the process."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import anyio

from zoho_mcp.server.outcome import Sent

MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """A call that went before. `record`: what it made; None when that is not known."""

    sent: Sent
    record: Mapping[str, Any] | None = None


class Memory:
    """Calls by what they are about to do; of equal ones only one runs at a time."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self.window = window
        self._clock = clock
        self._earlier: dict[str, Earlier] = {}
        self._running: dict[str, anyio.Event] = {}
        self._known: OrderedDict[str, None] = OrderedDict()

    def made(self, record: Mapping[str, Any], key: str) -> None:
        """A record that one of this process's calls was told it made: no other call made it."""
        if own_id := record.get(f"{key}_id"):
            self._known[str(own_id)] = None
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def is_known(self, record_id: str) -> bool:
        """Whether a call of this process was told that it made this record."""
        return record_id in self._known

    async def claim(self, name: str) -> Earlier | None:
        """The right to run (None), once no equal call runs any more; or the equal one that did a short while ago."""
        while (running := self._running.get(name)) is not None:
            await running.wait()
        now = self._clock()
        self._earlier = {one: before for one, before in self._earlier.items() if before.sent.at + self.window > now}
        if (before := self._earlier.get(name)) is None:
            self.insist(name)
        return before

    def insist(self, name: str) -> None:
        """Run it whatever went before: a person said so."""
        self._running.setdefault(name, anyio.Event())

    def forget(self, name: str) -> None:
        """What went before turned out not to have happened."""
        self._earlier.pop(name, None)

    def done(self, name: str, earlier: Earlier | None) -> None:
        """It runs no more; `earlier` is to be remembered."""
        if earlier is not None and self.window:
            self._earlier[name] = earlier
        if running := self._running.pop(name, None):
            running.set()


def name_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """The same for the same call, however its numbers are written and its arguments are ordered."""
    return json.dumps([tool, _plain(arguments)], sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(part) for part in cast("list[Any]", value)]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return format(Decimal(str(value)).normalize(), "f")
    return value
