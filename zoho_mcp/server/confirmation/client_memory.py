"""Remembers clients that answer by themselves, their time limits, and declined calls. Stored in the user's state
folder, so that a process that lives for a single call knows them too.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio

from zoho_mcp.private_files import locked, read_private, write_private

FORGETS_ANSWERS = 7 * 86_400.0
"""Seconds after which a client that answered by itself is asked again: it may have been updated or reconfigured."""
FORGETS_TIMEOUT = 86_400.0
"""Seconds after which a client's time limit is forgotten: perhaps its user cancelled the call."""
MOST_DECLINES = 3
"""Number of times a person declines the same call before it is refused without asking."""
PAUSE = 600.0
"""Seconds for which it is then refused, and within which the declines count."""
_AGES = {"itself": FORGETS_ANSWERS, "gave_up": FORGETS_TIMEOUT, "declined": PAUSE, "loss": PAUSE, "open": PAUSE}
_MOST_KEPT = 500
_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 1.0, 300.0
State = dict[str, dict[str, list[float]]]
"""`{"itself": {client: [time]}, "gave_up": {client: [time, seconds]}, "declined": {call: [time, …]},
"loss": {record: [time]}, "open": {record: [time]}}`"""


class ClientMemory:
    """Reads the file for each question and writes each change to it. Without a file, it lasts as long as the process.
    An unusable file is ignored: nothing in it allows a call.
    """

    def __init__(self, file: str = "", clock: Callable[[], float] = time.time) -> None:
        self._path = Path(file) if file else None
        self._clock = clock
        self._state: State = {}

    async def answers_itself(self, client: str) -> bool:
        """Whether this client has answered a question faster than a person can read."""
        return bool((await self._read()).get("itself", {}).get(client))

    async def answered_itself(self, client: str) -> None:
        """Record that this client answered faster than a person can read."""
        await self._change("itself", client, lambda _: [self._clock()])

    async def answered_by_person(self, client: str) -> None:
        """Record an answer that can be a person's, which clears `answers_itself`."""
        if await self.answers_itself(client):
            await self._change("itself", client, lambda _: [])

    async def time_limit(self, client: str) -> float | None:
        """Seconds after which this client cancels a call; None if that is unknown."""
        found = (await self._read()).get("gave_up", {}).get(client)
        return found[1] if found else None

    async def gave_up(self, client: str, after: float) -> None:
        """Record that the client cancelled a call, or disconnected, `after` that many seconds."""
        if _SHORTEST_TIMEOUT <= after <= _LONGEST_TIMEOUT:
            await self._change("gave_up", client, lambda _: [self._clock(), after])

    async def declined(self, call: str) -> None:
        """Record that a person declined this call."""
        await self._change("declined", call, lambda times: [*times, self._clock()][-MOST_DECLINES:])

    async def is_paused(self, call: str) -> bool:
        """Whether a person declined this call so often that they are not asked again for a while."""
        return len((await self._read()).get("declined", {}).get(call, [])) >= MOST_DECLINES

    async def asked_about_loss(self, keys: frozenset[str]) -> None:
        """Record that a person is being asked about a loss of these records. Until they approve, silence counts as a
        no.
        """
        for key in sorted(keys):
            await self._change("open", key, lambda _: [self._clock()])

    async def settled_loss(self, keys: frozenset[str]) -> None:
        """Record that the person approved, or that nobody could be asked."""
        for key in sorted(keys):
            await self._change("open", key, lambda _: [])

    async def declined_loss(self, keys: frozenset[str]) -> None:
        """Record that a person declined a loss of these records."""
        for key in sorted(keys):
            await self._change("loss", key, lambda _: [self._clock()])

    async def is_guarded(self, keys: frozenset[str]) -> bool:
        """Whether a person was asked about a loss of one of these records within `PAUSE` and has not approved."""
        state = await self._read() if keys else {}
        return not keys.isdisjoint({**state.get("loss", {}), **state.get("open", {})})

    async def _read(self) -> State:
        if self._path is None:
            return self._current(self._state)
        return await anyio.to_thread.run_sync(self._load)

    async def _change(self, kind: str, key: str, change: Callable[[list[float]], list[float]]) -> None:
        with anyio.CancelScope(shield=True):
            if self._path is None:
                self._state = self._changed(self._current(self._state), kind, key, change)
            else:
                await anyio.to_thread.run_sync(partial(self._store, self._path, kind, key, change))

    def _store(self, path: Path, kind: str, key: str, change: Callable[[list[float]], list[float]]) -> None:
        with suppress(OSError), locked(path):
            write_private(path, json.dumps(self._changed(self._load(), kind, key, change)))

    def _changed(self, state: State, kind: str, key: str, change: Callable[[list[float]], list[float]]) -> State:
        entries = state.setdefault(kind, {})
        entries[key] = change(entries.pop(key, []))
        state[kind] = {name: value for name, value in list(entries.items())[-_MOST_KEPT:] if value}
        return state

    def _load(self) -> State:
        assert self._path is not None
        try:
            content: Any = json.loads(read_private(self._path))
        except (OSError, ValueError):
            return {}
        return self._current(cast(State, content)) if isinstance(content, dict) else {}

    def _current(self, state: State) -> State:
        """The state without entries that are too old or malformed."""
        oldest = {kind: self._clock() - age for kind, age in _AGES.items()}
        return {kind: dict(_entries(state.get(kind), since)) for kind, since in oldest.items()}


def _entries(entries: Any, since: float) -> Iterator[tuple[str, list[float]]]:
    for key, value in (cast(dict[str, Any], entries) if isinstance(entries, dict) else {}).items():
        times = cast(list[Any], value) if isinstance(value, list) else []
        if times and all(isinstance(one, int | float) for one in times) and max(times) > since:
            yield key, times
