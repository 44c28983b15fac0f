"""The records of the sandbox: JSON documents per organisation and kind in SQLite, and the sequences that number them.

Knows nothing of what the documents mean, except which field names a document (LABEL_FIELDS), for look-ups by name.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import contextmanager
from pathlib import Path

from zoho_mcp.sandbox.wire import json_wire
from zoho_mcp.sandbox.wire.json_wire import Record

# The field that identifies a duplicate of that kind; case is ignored.
LABEL_FIELDS: Mapping[str, str] = {
    "contact": "contact_name",
    "item": "name",
    "invoice": "invoice_number",
    "estimate": "estimate_number",
    "creditnote": "creditnote_number",
    "recurring_invoice": "recurrence_name",
}
# Longer than a JavaScript number is exact, like real ids: a client that parses one as a number loses digits.
FIRST_ID = 982_000_000_000_100_000
SHARED = ""  # stands for no organisation: for organisations, OAuth clients and tokens

_SCHEMA = """
create table if not exists records (
    organization_id text not null, kind text not null, id text not null,
    customer_id text not null, label text not null, body text not null,
    unique (organization_id, kind, id));
create index if not exists records_by_customer on records (organization_id, kind, customer_id);
create index if not exists records_by_label on records (organization_id, kind, label);
create table if not exists sequences (
    organization_id text not null, name text not null, value integer not null, primary key (organization_id, name));
"""


class Store:
    """One SQLite database, usable from every thread of a process; a file may be open in several processes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._cache: tuple[Hashable, list[Record]] = (None, [])

    @classmethod
    def open(cls, path: str | Path | None) -> "Store":
        """Open the file, creating it if necessary; None keeps everything in memory."""
        where = ":memory:" if path is None else str(path)
        connection = sqlite3.connect(where, timeout=30, isolation_level=None, check_same_thread=False)
        if path is not None:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
        connection.executescript(_SCHEMA)
        return cls(connection)

    def close(self) -> None:
        """Close the database; a store in memory is lost."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self, *, write: bool = True) -> Generator[None]:
        """All changes inside happen or none do. Do not nest."""
        with self._lock:
            # A writer takes the lock at once: a reader that becomes a writer could be refused.
            self._connection.execute("begin immediate" if write else "begin")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def books(self, organization_id: str) -> "Books":
        """The records of one organisation."""
        return Books(self, organization_id)

    @property
    def shared(self) -> "Books":
        """The records of no organisation: organisations, OAuth clients and tokens."""
        return Books(self, SHARED)

    def outbox(self) -> list[Record]:
        """The mail sent by any organisation, oldest first."""
        return self.rows("select body from records where kind = 'mail' order by rowid")

    def is_empty(self) -> bool:
        """Whether the store holds nothing."""
        with self._lock:
            return self._connection.execute("select 1 from records limit 1").fetchone() is None

    def rows(self, sql: str, *values: str) -> list[Record]:
        """The documents that a query over `records` names."""
        with self._lock:
            rows = self._connection.execute(sql, values).fetchall()
        return [json_wire.load(body) for (body,) in rows]

    def run(self, sql: str, *values: str) -> None:
        """Run one statement that changes something."""
        with self._lock:
            self._connection.execute(sql, values)

    def cached(self, key: Hashable, make: Callable[[], list[Record]]) -> list[Record]:
        """The result of `make`, cached for the last key until something is written."""
        with self._lock:
            [version] = self._connection.execute("pragma data_version").fetchone()
            key = (key, version, self._connection.total_changes)
            if self._cache[0] != key:
                self._cache = (key, make())
            return self._cache[1]

    def count_up(self, organization_id: str, name: str, start: int) -> int:
        """The next value of a sequence, `start` at first."""
        with self._lock:
            run = self._connection.execute
            where = (organization_id, name)
            run("insert or ignore into sequences values (?, ?, ?)", (*where, start - 1))
            run("update sequences set value = value + 1 where organization_id = ? and name = ?", where)
            [value] = run("select value from sequences where organization_id = ? and name = ?", where).fetchone()
            return int(value)


class Books:
    """The records of one organisation; kinds are "contact", "item", "invoice", "payment", "allocation" and so on."""

    def __init__(self, store: Store, organization_id: str) -> None:
        self.store = store
        self.organization_id = organization_id

    def get(self, kind: str, record_id: str) -> Record | None:
        """The record, or None."""
        rows = self._select("and id = ?", kind, record_id)
        return rows[0] if rows else None

    def all(self, kind: str) -> list[Record]:
        """Every record of a kind, in order of creation."""
        return self._select("order by rowid", kind)

    def of_customer(self, kind: str, customer_id: str | None) -> list[Record]:
        """The records of a kind with that customer_id, None for every customer's, in order of creation."""
        if customer_id is None:
            return self.all(kind)
        return self._select("and customer_id = ? order by rowid", kind, customer_id)

    def labelled(self, kind: str, label: str) -> list[Record]:
        """The records of a kind with this name or number, ignoring case."""
        return self._select("and label = ? order by rowid", kind, _label(label))

    def put(self, kind: str, record_id: str, record: Record) -> None:
        """Write a record, new or changed."""
        label = _label(str(record.get(LABEL_FIELDS.get(kind, ""), "")))
        customer_id = str(record.get("customer_id", ""))
        self.store.run(
            "insert into records (organization_id, kind, id, customer_id, label, body) values (?, ?, ?, ?, ?, ?) "
            "on conflict (organization_id, kind, id) do update set "
            "customer_id = excluded.customer_id, label = excluded.label, body = excluded.body",
            *(self.organization_id, kind, record_id, customer_id, label, json_wire.dump(record)),
        )

    def drop(self, kind: str, record_id: str) -> None:
        """Remove a record."""
        sql = "delete from records where organization_id = ? and kind = ? and id = ?"
        self.store.run(sql, self.organization_id, kind, record_id)

    def new_id(self) -> str:
        """An id that is unique in the store, across organisations and kinds."""
        return str(self.store.count_up(SHARED, "id", FIRST_ID))

    def next_number(self, sequence: str) -> int:
        """The next number of one of this organisation's sequences, from 1."""
        return self.store.count_up(self.organization_id, sequence, 1)

    def _select(self, rest: str, *values: str) -> list[Record]:
        sql = f"select body from records where organization_id = ? and kind = ? {rest}"
        return self.store.rows(sql, self.organization_id, *values)


def _label(text: str) -> str:
    return text.strip().casefold()
