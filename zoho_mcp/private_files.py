"""Files with secrets: written and read so that nobody but this user can."""

import os
import secrets
import stat
import sys
import time
from pathlib import Path

LARGEST = 1_000_000
_STALE = 60.0
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


class NotPrivateError(OSError):
    """A file or folder that somebody else could have read or written; the text says what to do."""


def read_private(path: Path) -> str:
    """The text of a file that only this user can read. Raises OSError, NotPrivateError among them."""
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        _check(path, os.fstat(descriptor), 0o077, "600")
        return file.read(LARGEST)


def read_owned(path: Path) -> str:
    """The text of a file that nobody but this user, or the system's own, could have written. Raises OSError."""
    with open(path, encoding="utf-8") as file:
        found = os.fstat(file.fileno())
        if sys.platform != "win32":
            if found.st_uid not in (0, os.getuid()):
                raise NotPrivateError(f"{path} belongs to another user; have its owner changed.")
            if stat.S_IMODE(found.st_mode) & 0o022:
                raise NotPrivateError(f"{path} can be written by other users; run: chmod go-w '{path}'")
        return file.read(LARGEST)


def write_private(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace the file at once, readable by this user alone; `durable` survives a power cut too. Raises OSError.

    Whoever is killed in between leaves the old file whole.
    """
    make_private_folder(path.parent)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(descriptor)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sweep(path)


def make_private_folder(folder: Path) -> None:
    """The folder, made if need be. Raises NotPrivateError when others could write into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check(folder, folder.stat(), 0o022, "700")


def problem_with(path: Path) -> str:
    """What is wrong with the modes of a file or folder, empty when nothing is or it does not exist."""
    try:
        found = path.lstat()
        _check(path, found, *((0o022, "700") if stat.S_ISDIR(found.st_mode) else (0o077, "600")))
    except NotPrivateError as problem:
        return str(problem)
    except OSError:
        pass
    return ""


def _check(path: Path, found: os.stat_result, forbidden: int, right: str) -> None:
    if sys.platform == "win32":
        return  # The folder below the user's own is closed to others by its access list.
    if found.st_uid != os.getuid():
        raise NotPrivateError(f"{path} belongs to another user; remove it, or have its owner changed.")
    if stat.S_IMODE(found.st_mode) & forbidden:
        mode = f"{stat.S_IMODE(found.st_mode):o}"
        raise NotPrivateError(f"{path} is open to other users (mode {mode}); run: chmod {right} '{path}'")


def _sweep(path: Path) -> None:
    """Remove what a killed writer left behind."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        try:
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink()
        except OSError:
            continue
