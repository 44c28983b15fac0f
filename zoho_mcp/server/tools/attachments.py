"""Files of this machine: read only below the upload folder, written only into the download folder."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from zoho_mcp.errors import ArgumentsError, RejectedError
from zoho_mcp.zoho.request import Upload

LARGEST_UPLOAD = 7_000_000
"""Bytes. Zoho's own limit could not be verified; this is on the safe side of what it names elsewhere."""
_TYPES = {
    # ending: media type, and how such a file begins
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".gif": ("image/gif", b"GIF8"),
    ".bmp": ("image/bmp", b"BM"),
}


def media_type_of(content: bytes) -> str:
    """The media type of a file, by how it begins."""
    return next(
        (kind for kind, beginning in _TYPES.values() if content.startswith(beginning)), "application/octet-stream"
    )


def upload(tool: str, field: str, folder: Path | None, name: str) -> Upload:
    """The file `name` below `folder`, for a form's `field`, checked before a byte of it is sent.

    Raises ArgumentsError for a path that leaves the folder, a link, a wrong type, an empty or too large file.
    """
    if folder is None:
        raise RejectedError(
            "No folder is set that files may be taken from.",
            "Have ZOHO_UPLOAD_DIR set for this server.",
        )

    def refuse(why: str) -> ArgumentsError:
        return ArgumentsError(tool, [f"file_path {why}"])

    path = Path(name)
    if path.is_absolute() and path.is_relative_to(folder):
        path = path.relative_to(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise refuse(f"must name a file inside {folder}.")
    media_type, beginning = _TYPES.get(path.suffix.lower(), ("", b""))
    if not media_type:
        raise refuse(f"must be one of {', '.join(_TYPES)}.")
    content = _read(folder, path, refuse)
    if not content.startswith(beginning):
        raise refuse(f"is named {path.suffix} but is something else inside.")
    return Upload(field, path.name, media_type, content)


def _read(folder: Path, path: Path, refuse: Callable[[str], ArgumentsError]) -> bytes:
    whole = folder / path
    if any(part.is_symlink() for part in (whole, *whole.parents) if part.is_relative_to(folder) and part != folder):
        raise refuse("is or passes through a link, which is not followed.")
    try:
        # The file may have become a link since: the system refuses to open one.
        descriptor = os.open(whole, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError as problem:
        raise refuse(f"cannot be opened: {problem.strerror}.") from problem
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refuse("is no file.")
        if not 0 < status.st_size <= LARGEST_UPLOAD:
            raise refuse(f"has {status.st_size:,} bytes; from 1 to {LARGEST_UPLOAD:,} are allowed.")
        return file.read(LARGEST_UPLOAD + 1)


def save(folder: Path | None, name: str, content: bytes) -> Path:
    """Write a new file into the download folder; a taken name gets a number. Raises RejectedError when it cannot."""
    if folder is None:
        raise RejectedError(
            "No folder is set to save files in.", "Leave out save, or have ZOHO_DOWNLOAD_DIR set for this server."
        )
    plain = re.sub(r"[^\w.-]+", "_", name).lstrip(".") or "file"
    stem, dot, ending = plain.rpartition(".")
    for number in range(1, 1000):
        path = folder / (plain if number == 1 else f"{stem or plain} ({number}){dot}{ending if stem else ''}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as problem:
            raise RejectedError(f"{path} cannot be written: {problem.strerror}.") from problem
        return path
    raise RejectedError(f"There are too many files named {plain} in {folder}.")
