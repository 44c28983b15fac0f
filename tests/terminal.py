"""A terminal for a test: a command of ours runs in it, keys are pressed, and what it showed is kept byte for byte."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass

from machine import COMMAND

_OWN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal the one whose Ctrl-C reaches the command, as a shell does."""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_UNDER_WAY = re.compile(r"[\u2800-\u28ff] [^\r\n]*\r\n?\r?")


@dataclass(frozen=True)
class Shown:
    """How a command ended, and what stood on the screen."""

    status: int
    raw: str

    @property
    def text(self) -> str:
        """Without colours, movements and the line that says what is under way."""
        return _UNDER_WAY.sub("", _ESCAPE.sub("", self.raw))


def in_terminal(
    environment: Mapping[str, str],
    *arguments: str,
    columns: int = 100,
    keys: tuple[tuple[str, str], ...] = (),
) -> Shown:
    """Run a command to its end. `keys`: what to wait for on the screen, and what is typed then."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", _OWN, *COMMAND, *arguments],
        env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(inside)
        shown, waiting, since = b"", list(keys), 0
        until = time.monotonic() + 60
        try:
            while data := _read(outside, until):
                shown += data
                if waiting and waiting[0][0].encode() in shown[since:]:
                    since = len(shown)
                    os.write(outside, waiting.pop(0)[1].encode())
            status = process.wait(timeout=20)
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(outside)
    assert not waiting, shown
    return Shown(status, shown.decode())


def _read(terminal: int, until: float) -> bytes:
    """What comes next; nothing when everybody has left the terminal."""
    ready, _, _ = select.select([terminal], [], [], until - time.monotonic())
    assert ready, "the command does not end"
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
