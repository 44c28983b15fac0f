"""The terminal: colour and progress where a person looks on, else plain text that is the same everywhere.

Only this module knows rich, and imports it when first needed. What is printed is text: no markup in it is obeyed, and
what could steer a terminal is taken out.
"""

import os
import re
import sys
import unicodedata
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TextIO

from zoho_mcp.text import strip_control

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PLAIN_WIDTH = 100
_UNBROKEN = re.compile(
    r"""(?: (?<!\S)'[^']*'                      # a quoted argument of a command
          | (?<!\S)(?:/|~/|[A-Z]:\\)[^,;()]*    # a path, which may hold spaces
          | [^\s,]
          | ,(?!["{\[])                         # JSON may be broken after the comma between two members
        )+ ,?\s* | [\s,]+""",
    re.VERBOSE,
)


def clean(text: object) -> str:
    """Text without what steers a terminal: control characters become spaces, invisible ones vanish."""
    return strip_control(text)


def decorated() -> bool:
    """Whether stdout is a terminal that can show colours and is allowed to (https://no-color.org)."""
    encoding = (sys.stdout.encoding or "").lower()
    allowed = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")
    return allowed and encoding.startswith("utf") and sys.stdout.isatty()


def line(text: object = "", style: str = "", colours: Mapping[str, str] | None = None) -> None:
    """A line, never wrapped: addresses and ids stay whole. `colours`: words of it, and their styles."""
    _print([(clean(text), style)], colours or {})


def address(text: str) -> None:
    """Something to copy, on a line of its own."""
    for part in ("", f"  {text}", ""):
        line(part, "cyan")


def block(lead: str, text: str, *, lead_style: str = "", style: str = "", hang: str = "", width: int = 0) -> None:
    """A text after its lead, wrapped below itself in a terminal; `hang` stands before its further lines.

    As plain text it is wrapped only if a `width` is given, and within an id, an address or a path never.
    """
    room = width
    if decorated():
        room = min(_console().width - 1, width or PLAIN_WIDTH)
    lines = wrapped(clean(text), room - len(lead)) if room else [clean(text)]
    for number, part in enumerate(lines):
        before = (hang or " " * len(lead)) if number else lead
        _print([(before, lead_style), (part, style)])


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` signs, or of one piece that must not be broken."""
    lines = [""]
    for piece in _UNBROKEN.findall(text):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [part.rstrip() for part in lines]


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    colours: Mapping[str, str] | None = None,
) -> None:
    """Columns, those in `numbers` to the right. In a narrow terminal, what does not fit stands below its row.

    `colours`: what a cell may say, and its style.
    """
    cells = [[clean(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(_columns(row[at]) for row in cells) for at in range(len(headings))]
    fitting = len(widths)
    while decorated() and fitting > 1 and sum(widths[:fitting]) + 2 * (fitting - 1) >= _console().width:
        fitting -= 1
    for number, row in enumerate(cells):
        padded = [
            f"{' ' * missing}{text}  " if at in numbers else f"{text}{' ' * missing}  "
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
            if (missing := width - _columns(text)) >= 0
        ]
        styles = ["bold" if not number else (colours or {}).get(text, "") for text in row]
        parts = list(zip(padded, styles, strict=True))
        _print(parts[:fitting])
        if below := [text for text in row[fitting:] if text]:
            _print([("    " + "  ".join(below), "dim")])


def _columns(text: str) -> int:
    """How much room a text takes: a Chinese or Japanese sign takes two columns."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def complain(text: object) -> None:
    """What went wrong, on stderr, under the program's name."""
    _write(sys.stderr, "\n".join(map(clean, f"zoho-invoice-mcp: {text}".splitlines())) + "\n")


@contextmanager
def busy(text: str) -> Generator[None]:
    """Show that work is under way and which, in a terminal; it vanishes with its end, whatever that is."""
    if not decorated():
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner

    said = _styled([(clean(text) + " …", "dim")])
    said.no_wrap, said.overflow = True, "ellipsis"
    # Not redirected: in rich's place of stdout nobody could tell any more that it is a terminal.
    with Live(
        Spinner("dots", said),
        console=_console(), refresh_per_second=12.5, transient=True, redirect_stdout=False, redirect_stderr=False,
    ):  # fmt: skip
        yield


def _print(parts: Sequence[tuple[str, str]], colours: Mapping[str, str] | None = None) -> None:
    if not decorated():
        _write(sys.stdout, "".join(text for text, _ in parts).rstrip() + "\n")
        return
    text = _styled(parts)
    for word, style in (colours or {}).items():
        text.highlight_words([word], style)
    text.rstrip()
    _console().print(text, soft_wrap=True)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text.encode(stream.encoding or "utf-8", "replace").decode(stream.encoding or "utf-8"))
        stream.flush()
    except BrokenPipeError:
        # Nobody reads any more (`… | head`). What is under way, a login for example, goes on to its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _styled(parts: Sequence[tuple[str, str]]) -> "Text":
    from rich.text import Text

    return Text.assemble(*parts)


@cache
def _console() -> "Console":
    from rich.console import Console

    return Console(force_terminal=True, highlight=False, markup=False, emoji=False)
