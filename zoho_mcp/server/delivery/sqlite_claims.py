"""The claims of all servers of a user, in a private SQLite file beside the rate limits. They outlive a process.

A running claim whose process has ended means that the outcome is unknown; it is checked when the call is repeated. The
file has no arguments, only hashes of calls and ids of created records. If it cannot be used, the claims of this process
remain in memory.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from zoho_mcp.private_files import SharedDatabase, is_running
from zoho_mcp.server.delivery.claims import Attempt, Claims, Previous

if TYPE_CHECKING:
    import sqlite3

LONGEST_CALL = 300.0
"""Seconds after which a claim counts as abandoned, even if its process may be alive."""
CREATED_FOR = 86_400.0
_BUSY_FOR = 5.0
_POLL = 0.05
_SCHEMA = """
create table if not exists claims (
    key text primary key, owner text not null, pid integer not null, running integer not null, at real not null,
    skew real, record text);
create table if not exists created (id text primary key, at real not null);
"""
_Result = TypeVar("_Result")


class SqliteClaims(Claims):
    """Claims that all servers of a user share through a file."""

    def __init__(self, path: Path, scope: str, window: float, clock: Callable[[], float]) -> None:
        """`scope` separates the accounts of a user."""
        super().__init__(window, clock)
        self._file = SharedDatabase(path, _SCHEMA, "repeated calls of other servers are not noticed", _BUSY_FOR)
        self._scope = scope
        self._owners: dict[str, str] = {}
        """The owners of claims running in this process, by name."""

    async def force(self, name: str, sent: Attempt) -> None:
        """See `Claims.force`, also for the other methods."""
        owner = secrets.token_hex(8)
        await self._run(lambda database: self._take(database, name, owner, sent))
        self._owners[name] = owner
        await super().force(name, sent)

    async def forget(self, name: str, earlier: Previous) -> None:
        """Forget an earlier call, also for other servers of the user."""
        await super().forget(name, earlier)
        sql = "delete from claims where key = ? and (owner = ? or (not running and record is null))"
        await self._run(lambda database: database.execute(sql, (self._key(name), earlier.mark)))

    async def done(self, name: str, earlier: Previous | None) -> None:
        """Note that the call has ended, also for other servers of the user."""
        owner = self._owners.pop(name, "")
        if owner:
            await self._run(lambda database: self._end(database, name, owner, earlier if self.window else None))
        await super().done(name, replace(earlier, mark=owner) if earlier else None)

    async def record_created(self, record_id: str) -> None:
        """Note that a server of the user created this record."""
        await super().record_created(record_id)
        sql, now = "insert or replace into created values (?, ?)", self.clock()
        await self._run(lambda database: database.execute(sql, (self._key(record_id), now)))

    async def created_here(self, record_ids: Iterable[str], since: float = 0.0) -> set[str]:
        """The records created by servers of the user since `since`: a restarted sandbox uses the same ids again."""
        keys = {self._key(record_id): record_id for record_id in record_ids}
        placeholders = ",".join("?" * len(keys))
        sql = f"select id from created where at >= ? and id in ({placeholders})"
        found = await self._run(lambda database: database.execute(sql, (since, *keys)).fetchall()) if keys else []
        return {keys[key] for (key,) in found} | await super().created_here(keys.values(), since)

    async def claim_shared(self, name: str, sent: Attempt) -> Previous | None:
        """Claim the call among the servers of the user, waiting for identical running calls."""
        owner = secrets.token_hex(8)
        while True:
            # Shielded: a cancelled call must know whether it has the claim, to release it.
            found: Previous | str = "running"
            with anyio.CancelScope(shield=True):
                found = await self._run(lambda database: self._find_or_take(database, name, owner, sent))
                if found == "taken":
                    self._owners[name] = owner
                    return None
            if isinstance(found, Previous):
                return found
            await anyio.sleep(_POLL)

    def _find_or_take(self, database: "sqlite3.Connection", name: str, owner: str, sent: Attempt) -> Previous | str:
        now = self.clock()
        keep = max(self.window, LONGEST_CALL)
        # Times in the future were written before the clock was set back.
        database.execute("delete from claims where at < ? or at > ?", (now - keep, now + keep))
        database.execute("delete from created where at < ?", (now - CREATED_FOR,))
        sql = "select owner, pid, running, at, skew, record from claims where key = ?"
        row = database.execute(sql, (self._key(name),)).fetchone()
        if row is None or (not row[2] and row[3] < now - self.window):
            self._take(database, name, owner, sent)
            return "taken"
        mark, pid, running, at, skew, record = row
        if running and now - at < LONGEST_CALL and is_running(int(pid)):
            return "running"
        return Previous(replace(sent, at=at, skew=skew), json.loads(record) if record else None, mark)

    def _take(self, database: "sqlite3.Connection", name: str, owner: str, sent: Attempt) -> None:
        values = (self._key(name), owner, os.getpid(), sent.at, sent.skew)
        sql = "insert or replace into claims (key, owner, pid, running, at, skew) values (?, ?, ?, 1, ?, ?)"
        database.execute(sql, values)

    def _end(self, database: "sqlite3.Connection", name: str, owner: str, earlier: Previous | None) -> None:
        where = (self._key(name), owner)
        if earlier is None:
            database.execute("delete from claims where key = ? and owner = ?", where)
            return
        record = json.dumps(_shown(earlier.record)) if earlier.record is not None else None
        sql = "update claims set running = 0, at = ?, record = ? where key = ? and owner = ?"
        database.execute(sql, (earlier.attempt.at, record, *where))

    def _key(self, name: str) -> str:
        return hashlib.sha256(f"{self._scope}\n{name}".encode()).hexdigest()

    async def _run(self, step: "Callable[[sqlite3.Connection], _Result]") -> _Result:
        """Run a step in a transaction."""
        import sqlite3

        waited = 0.0
        while True:
            try:
                connection = self._file.connection or self._file.open()
                connection.execute("begin immediate")
                with connection:
                    return step(connection)
            except sqlite3.Error as problem:
                waited = await self._file.recover(problem, waited)


def _shown(record: Mapping[str, Any]) -> dict[str, str]:
    """The ids in a record; questions read its other fields from Zoho."""
    return {
        field: value
        for field, value in record.items()
        if isinstance(value, str) and field.endswith("_id") and value.isdecimal()
    }
