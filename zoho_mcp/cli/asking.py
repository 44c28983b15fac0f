"""Questions on the terminal; where there is no terminal, the answers are lines of stdin."""

import getpass
import sys
from collections.abc import Sequence

from zoho_mcp.cli import console
from zoho_mcp.errors import SettingsError


def ask(what: str, instead: str) -> str:
    """A line of text. Raises SettingsError, which says what to do `instead`, when stdin has none."""
    return _line(f"{what}: ", instead)


def ask_secret(what: str, instead: str) -> str:
    """A line that is not shown while it is typed."""
    if sys.stdin.isatty():
        return _required(getpass.getpass(f"{what} (not shown): "), what, instead)
    return _line(f"{what}: ", instead)


def agree(question: str) -> bool:
    """Whether the person says yes; no answer is a no."""
    print(f"\n{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def choose(what: str, rows: Sequence[str], instead: str) -> int:
    """The position of the row that the person chooses."""
    console.line(f"{what}:", "bold")
    for number, row in enumerate(rows, 1):
        console.line(f"  {number}  {row}")
    while True:
        answer = _line(f"Number (1-{len(rows)}): ", instead)
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(rows):
            return int(answer) - 1
        console.line(f"Please type a number from 1 to {len(rows)}.")


def _line(prompt: str, instead: str) -> str:
    if sys.stdin.isatty():
        print(prompt, end="", flush=True)
    return _required(sys.stdin.readline(), prompt.rstrip(": "), instead)


def _required(text: str, what: str, instead: str) -> str:
    if not text.strip():
        raise SettingsError(f"{what} is missing.", instead)
    return text.strip()
