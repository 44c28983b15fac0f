"""Questions on the terminal; where there is no terminal, the answers are lines of stdin."""

import getpass
import sys
from collections.abc import Collection, Mapping

from zoho_mcp.cli import console
from zoho_mcp.errors import SettingsError


def ask(what: str, instead: str) -> str:
    """A line of text. Raises SettingsError, which says what to do `instead`, when stdin has none."""
    return _answer(f"{what}: ", what, instead)


def ask_secret(what: str, instead: str) -> str:
    """A line that is not shown while it is typed."""
    if sys.stdin.isatty():
        return _required(getpass.getpass(f"{what} (not shown): "), what, instead)
    return _answer(f"{what}: ", what, instead)


def agree(question: str) -> bool:
    """Whether the person says yes; no answer is a no."""
    print(f"\n{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def choose(question: str, what: str, rows: Mapping[str, Collection[str]], instead: str) -> int:
    """The position of the row that the person chooses, by its number or by one of its words."""
    console.line(f"{question}:", "bold")
    for number, row in enumerate(rows, 1):
        console.line(f"  {number}  {row}")
    while True:
        answer = _answer(f"Number (1-{len(rows)}): ", what, instead).casefold()
        for number, words in enumerate(rows.values(), 1):
            if answer in (str(number), *(word.casefold() for word in words)):
                return number - 1
        console.line(f"Please type a number from 1 to {len(rows)}.")


def _answer(prompt: str, what: str, instead: str) -> str:
    if sys.stdin.isatty():
        print(prompt, end="", flush=True)
    return _required(sys.stdin.readline(), what, instead)


def _required(text: str, what: str, instead: str) -> str:
    if not text.strip():
        raise SettingsError(f"{what} is missing.", instead)
    return text.strip()
