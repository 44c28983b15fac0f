"""Opens files with state: regular files of this user, closed to other users, never through a link."""

import logging
import os
import secrets
import stat
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    import sqlite3

LARGEST = 1_000_000
"""Bytes; the rest of a file is not read."""
PATIENCE = 10.0
"""Seconds to wait for another process that changes the same file."""
_STALE = 60.0
_BUSY_POLL = 0.005
_SAFE: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags that never follow a link and never wait for the other end of a pipe."""
_SECRET, _OWNED = 0o077, 0o022
_logger = logging.getLogger(__name__)
_turns: dict[Path, Lock] = {}


class NotPrivateError(OSError):
    """Another user could have read or written a file or folder. The text says what to do."""


def open_state(path: Path, flags: int, *, secret: bool = True) -> int:
    """A descriptor of a regular file that belongs to this user and that no other user can write.

    `secret`: nor read. With `os.O_CREAT` in `flags`, a new file gets mode 0600. Without `secret`, a file of the system
    (root) is fine too. Raises OSError, NotPrivateError among them.
    """
    if path.is_symlink():
        raise NotPrivateError(f"{path} is a link; put the file itself there.")
    descriptor = os.open(path, flags | _SAFE, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivateError(f"{path} is not a regular file.")
        _check(path, found, _SECRET if secret else _OWNED, "600" if secret else "go-w", system=not secret)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path) -> str:
    """The text of a file that only this user can read. Raises OSError, NotPrivateError among them."""
    with open(open_state(path, os.O_RDONLY), encoding="utf-8", errors="replace") as file:
        return file.read(LARGEST)


def read_whole(path: Path) -> bytes:
    """The bytes of a file that only this user can read, however large. Raises OSError, NotPrivateError among them."""
    with open(open_state(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb") as file:
        return file.read()


def read_owned(path: Path) -> str:
    """The text of a file that only this user or the system can write. Raises OSError or UnicodeDecodeError."""
    with open(open_state(path, os.O_RDONLY, secret=False), encoding="utf-8-sig") as file:
        return file.read(LARGEST)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Holds a file's lock among threads and processes, for a change that reads the file first.

    The lock file is `<path>.lock`; it stays, because a removed lock can be held twice. Raises OSError after `PATIENCE`.
    """
    from filelock import FileLock, Timeout  # takes 20 ms to import

    make_private_folder(path.parent)
    lock_path = path.with_name(f"{path.name}.lock")
    if lock_path.is_symlink():
        raise NotPrivateError(f"{lock_path} is a link; remove it.")
    with _turns.setdefault(path, Lock()):
        try:
            with FileLock(lock_path, timeout=PATIENCE, mode=0o600, poll_interval=0.005):
                yield
        except Timeout as problem:
            raise OSError(f"another process holds {lock_path}") from problem


def write_private(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Replace a file atomically, readable by this user alone. `durable`: it survives a power cut. Raises OSError."""
    raw = content.encode() if isinstance(content, str) else content
    make_private_folder(path.parent)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            if durable:
                os.fsync(descriptor)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sweep(path)


def make_private_folder(folder: Path) -> None:
    """Make the folder if need be. Raises NotPrivateError when other users could write into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check(folder, folder.stat(), _OWNED, "700")


class SharedDatabase:
    """A SQLite database that the processes of a user share; in memory without a path or if the file cannot be used.

    A step is one transaction on `connection or open()`. SQLite never waits for another process, as that would block the
    event loop: after an sqlite3.Error, await `recover` and repeat the step.
    """

    def __init__(self, path: Path | None, schema: str, consequence: str, busy_for: float = 2.0) -> None:
        """`consequence`: for the warning when the file cannot be used. `busy_for`: seconds to wait in one step."""
        self.connection: sqlite3.Connection | None = None
        self._path = path
        self._schema = schema
        self._consequence = consequence
        self._busy_for = busy_for

    def open(self) -> "sqlite3.Connection":
        """The opened database, with its tables. Raises sqlite3.Error."""
        import sqlite3

        if self._path is not None:
            try:
                make_private_folder(self._path.parent)
                os.close(open_state(self._path, os.O_RDWR | os.O_CREAT))
            except OSError as problem:
                raise sqlite3.Error(str(problem)) from problem
        database = sqlite3.connect(self._path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            if self._path is not None:
                database.execute("pragma journal_mode = wal")
                database.execute("pragma synchronous = normal")
            database.executescript(self._schema)
        except BaseException:
            database.close()
            raise
        self.connection = database
        return database

    async def recover(self, problem: "sqlite3.Error", waited: float) -> float:
        """Wait for other processes, or continue in memory. Returns the seconds waited in this step.

        Raises the problem if the database is in memory already.
        """
        if "locked" in str(problem) and waited < self._busy_for:
            await anyio.sleep(_BUSY_POLL)
            return waited + _BUSY_POLL
        if self._path is None:
            raise problem
        _logger.warning("%s: %s: %s", self._consequence, self._path, problem)
        self.close()
        self._path = None
        return waited

    def close(self) -> None:
        """Close the database. It is opened again when it is used."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __del__(self) -> None:
        # No Python warning for a client that was not closed.
        self.close()


def is_running(pid: int) -> bool:
    """Whether a process runs. Always True on Windows, where `os.kill` would end it."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def problem_with(path: Path) -> str:
    """The problem with the owner or mode of a file or folder; empty if there is none, or no such file."""
    try:
        found = path.lstat()
        _check(path, found, *((_OWNED, "700") if stat.S_ISDIR(found.st_mode) else (_SECRET, "600")))
    except NotPrivateError as problem:
        return str(problem)
    except OSError:
        pass
    return ""


def _check(path: Path, found: os.stat_result, forbidden: int, right: str, *, system: bool = False) -> None:
    if sys.platform == "win32":
        return  # The user's own folder is closed to others by its access list.
    if found.st_uid != os.getuid() and not (system and found.st_uid == 0):
        raise NotPrivateError(f"{path} belongs to another user; remove it, or change its owner.")
    if stat.S_IMODE(found.st_mode) & forbidden:
        mode = f"{stat.S_IMODE(found.st_mode):o}"
        what = "open to other users" if forbidden == _SECRET else "writable by other users"
        raise NotPrivateError(f"{path} is {what} (mode {mode}); run: chmod {right} '{path}'")


def _sweep(path: Path) -> None:
    """Remove the temporary files of killed writers."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        try:
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink()
        except OSError:
            continue
