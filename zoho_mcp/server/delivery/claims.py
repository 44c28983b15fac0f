"""What was written a short while ago, and what is being written now. This process forgets it with its end."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, cast

import anyio

from zoho_mcp.server.delivery.reconcile import Sent

MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """A call that went before. `record`: what it made; None when that is not known."""

    sent: Sent
    record: Mapping[str, Any] | None = None
    mark: str = ""
    """Which claim this was, where replicas keep them."""


class Claims(Protocol):
    """Calls by what they are about to do; of equal ones only one runs at a time. Replicas keep them together."""

    async def claim(self, name: str, sent: Sent) -> Earlier | None:
        """The right to run (None), once no equal call runs any more; or the equal one that did a short while ago."""
        ...

    async def insist(self, name: str, sent: Sent) -> None:
        """Run it whatever went before: a person said so."""
        ...

    async def forget(self, name: str, earlier: Earlier) -> None:
        """What went before turned out not to have happened."""
        ...

    async def done(self, name: str, earlier: Earlier | None) -> None:
        """It runs no more; `earlier` is to be remembered."""
        ...

    async def made(self, record_id: str) -> None:
        """A call was told that it made this record: no other call made it."""
        ...

    async def known(self, record_ids: Iterable[str]) -> set[str]:
        """Those that a call was told it made."""
        ...


class Memory:
    """The claims of this process."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self.window = window
        self._clock = clock
        self._earlier: dict[str, Earlier] = {}
        self._running: dict[str, anyio.Event] = {}
        self._known: OrderedDict[str, None] = OrderedDict()

    async def claim(self, name: str, sent: Sent) -> Earlier | None:
        """See `Claims`, also for the others."""
        while (running := self._running.get(name)) is not None:
            await running.wait()
        if (before := self.recent().get(name)) is None:
            await self.insist(name, sent)
        return before

    async def insist(self, name: str, sent: Sent) -> None:
        """Run it whatever went before."""
        self._running.setdefault(name, anyio.Event())

    async def forget(self, name: str, earlier: Earlier) -> None:
        """It did not happen."""
        if self._earlier.get(name) is earlier:
            del self._earlier[name]

    async def done(self, name: str, earlier: Earlier | None) -> None:
        """It runs no more."""
        if earlier is not None and self.window:
            self._earlier[name] = earlier
        if running := self._running.pop(name, None):
            running.set()

    def recent(self) -> Mapping[str, Earlier]:
        """What is remembered, by name."""
        now = self._clock()
        self._earlier = {one: before for one, before in self._earlier.items() if before.sent.at + self.window > now}
        return self._earlier

    async def made(self, record_id: str) -> None:
        """A record that one of this process's calls was told it made."""
        self._known[record_id] = None
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def known(self, record_ids: Iterable[str]) -> set[str]:
        """Those of this process."""
        return {one for one in record_ids if one in self._known}


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
