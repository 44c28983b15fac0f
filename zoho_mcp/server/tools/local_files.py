"""Local files: read only from the upload folder, written only to the download folder. Disk access runs in threads."""

import os
import re
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio

from zoho_mcp.errors import ArgumentsError, RejectedError
from zoho_mcp.zoho.request import Upload

LARGEST_UPLOAD = 7_000_000
"""Bytes. Zoho's limit could not be verified; this is below the limits that it documents elsewhere."""
_TYPES = {
    # extension: media type and first bytes
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".gif": ("image/gif", b"GIF8"),
    ".bmp": ("image/bmp", b"BM"),
}

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""Names of devices on Windows, with any extension."""
_LONGEST_NAME = 120
"""Characters of a saved file's name; systems allow 255 bytes."""
# Do not follow links or wait for the other end of a pipe. Some systems lack some of these flags.
_OPEN: int = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"))
Refuse = Callable[[str], ArgumentsError]


def media_type_of(content: bytes) -> str:
    """The media type of a file, by its first bytes."""
    return next(
        (kind for kind, beginning in _TYPES.values() if content.startswith(beginning)), "application/octet-stream"
    )


async def upload(tool: str, field: str, folder: Path | None, name: str) -> Upload:
    """The file `name` in `folder`, for a form's `field`, checked before any byte is sent.

    Raises ArgumentsError for a path outside the folder, a link, anything but a regular file, or a wrong type or size;
    RejectedError without a folder.
    """
    if folder is None:
        raise RejectedError(
            "No upload folder is set.",
            "Ask the user to set ZOHO_UPLOAD_DIR for this server.",
        )

    def refuse(why: str) -> ArgumentsError:
        return ArgumentsError(tool, [f"file_path {why}"])

    path = _inside(folder, name, refuse)
    media_type, beginning = _TYPES.get(path.suffix.lower(), ("", b""))
    if not media_type:
        raise refuse(f"must be one of {', '.join(_TYPES)}.")
    content = await anyio.to_thread.run_sync(_read, folder, path, refuse, abandon_on_cancel=True)
    if not content.startswith(beginning):
        raise refuse(f"is named {path.suffix} but is something else inside.")
    return Upload(field, path.name, media_type, content)


def _inside(folder: Path, name: str, refuse: Refuse) -> Path:
    """The path below the folder, checked without touching the disk."""
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(folder):
        path = path.relative_to(folder)
    if path.is_absolute() or path.drive or ".." in path.parts or not path.parts:
        raise refuse(f"must name a file inside {folder}.")
    if not name.isprintable() or ":" in str(path):
        raise refuse("holds characters that no file name may have.")
    if any(_RESERVED.match(part) for part in path.parts):
        raise refuse("names a device on Windows.")
    return path


def _read(folder: Path, path: Path, refuse: Refuse) -> bytes:
    try:
        descriptor = _opened(folder, path)
    except OSError as problem:
        raise refuse(f"cannot be opened: {problem.strerror}. Links are not followed.") from problem
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refuse("is not a regular file.")
        if not 0 < status.st_size <= LARGEST_UPLOAD:
            raise refuse(f"has {status.st_size:,} bytes; from 1 to {LARGEST_UPLOAD:,} are allowed.")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST_UPLOAD)
    except OSError as problem:
        raise refuse(f"cannot be read: {problem.strerror}.") from problem
    finally:
        os.close(descriptor)


def _opened(folder: Path, path: Path) -> int:
    """A descriptor, opened step by step from the folder, so that no part of the path can become a link meanwhile."""
    if sys.platform == "win32":
        if (folder / path).resolve() != folder / path:
            raise OSError(0, "a link")
        return os.open(folder / path, _OPEN)
    with ExitStack() as steps:
        at = None
        for part in (folder, *path.parts[:-1]):
            at = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=at)
            steps.callback(os.close, at)
        return os.open(path.name, _OPEN, dir_fd=at)


async def save(folder: Path | None, name: str, content: bytes) -> Path:
    """Write a new file to the download folder; a name already in use gets a number. Raises RejectedError on failure."""
    if folder is None:
        raise RejectedError(
            "No folder is set to save files in.", "Leave out save, or have ZOHO_DOWNLOAD_DIR set for this server."
        )
    return await anyio.to_thread.run_sync(partial(_write, folder, _plain(name), content))


def _plain(name: str) -> str:
    """A file name valid on every system, made from a record's."""
    stem, dot, ending = re.sub(r"[^\w.-]+", "_", name).rstrip(".").rpartition(".")
    plain = stem.lstrip(".")[:_LONGEST_NAME] or "file"
    return f"{'_' if _RESERVED.match(plain) else ''}{plain}{dot}{ending[:_LONGEST_NAME]}"


def _write(folder: Path, plain: str, content: bytes) -> Path:
    stem, dot, ending = plain.rpartition(".")
    for number in range(1, 1000):
        path = folder / (plain if number == 1 else f"{stem or plain} ({number}){dot}{ending if stem else ''}")
        try:
            # `x` creates the file or fails, so that no link or pipe is opened.
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as problem:
            raise RejectedError(f"{path} cannot be written: {problem.strerror}.") from problem
        return path
    raise RejectedError(f"There are too many files named {plain} in {folder}.")
