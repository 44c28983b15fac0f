"""The terminal: colour, wrapping and progress for a person; the same plain text everywhere else.

Only this module knows rich, and imports it when first needed. What is printed is text: no markup in it is obeyed, and
control characters are removed.
"""

import os
import sys
import unicodedata
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

PROGRAM = "zoho-invoice-mcp"
_WIDEST = 100
"""Columns of running text; longer lines are hard to read."""
_GAP = 3
"""Columns between two of a table's."""
_ENDLESS = 1_000_000
"""Columns where nothing wraps: in a file or a pipe."""


def clean(text: object) -> str:
    """Text without what steers a terminal: control characters become spaces, invisible ones vanish."""
    return "".join(
        sign if sign.isprintable() else "" if unicodedata.category(sign) == "Cf" else " " for sign in str(text)
    )


def decorated() -> bool:
    """Whether stdout is a terminal that can show colours and is allowed to (https://no-color.org)."""
    encoding = (sys.stdout.encoding or "").lower()
    allowed = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")
    return allowed and encoding.startswith("utf") and sys.stdout.isatty()


def line(text: object = "", style: str = "", colours: Mapping[str, str] | None = None) -> None:
    """A paragraph; in a terminal it wraps between words, as far in as it begins. `colours`: words, and their styles."""
    words = str(text).lstrip(" ")
    block(str(text)[: -len(words) or None], words, style=style, colours=colours)


def verbatim(text: str, style: str = "") -> None:
    """Lines to copy, or with a layout of their own: never wrapped."""
    for part in text.splitlines() or [""]:
        _print(_text(part.rstrip(), style))


def address(text: str) -> None:
    """Something to copy, on a line of its own."""
    line()
    verbatim(f"  {text}", "cyan")
    line()


def block(
    lead: str,
    text: str,
    *,
    lead_style: str = "",
    style: str = "",
    hang: str = "",
    colours: Mapping[str, str] | None = None,
) -> None:
    """A text after its lead, wrapped below itself in a terminal; `hang` stands before its further lines."""
    styled = _text(text.rstrip(), style)
    for word, own in (colours or {}).items():
        styled.highlight_words([word], own)
    # Longer words stay whole: the terminal breaks them, and they can still be copied. As an argument of `wrap`, the
    # same word would prevent any wrapping.
    styled.overflow = "ignore"
    room = max(min(_console().width, _WIDEST) - len(lead), 1) if decorated() else _ENDLESS
    for number, part in enumerate(styled.wrap(_console(), room)):
        before = (hang or " " * len(lead)) if number else lead
        part.rstrip()
        # Not in the style of the whole text, which would be that of the part as well.
        _print(_text("").append(clean(before), lead_style).append_text(part))


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    wrap: Collection[int] = (),
    colours: Mapping[str, str] | None = None,
) -> None:
    """Columns, those in `numbers` to the right; in a narrow terminal those in `wrap` break between words.

    Where that is not narrow enough, each row becomes a short list. `colours`: what a cell may say, and its style.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    widths = _narrowest([headings, *rows], wrap)
    if decorated() and sum(widths) + _GAP * len(widths) > _console().width:
        for row in rows:
            for heading, cell in zip(headings, row, strict=True):
                if cell:
                    lead = f"{heading:{max(map(len, headings))}}  "
                    block(lead, cell, lead_style="bold", style=(colours or {}).get(cell, ""))
            line()
        return
    found = Table(box=SIMPLE_HEAD if decorated() else None, show_edge=False, pad_edge=False, header_style="bold")
    for at, heading in enumerate(headings):
        side = "right" if at in numbers else "left"
        found.add_column(clean(heading), justify=side, no_wrap=at not in wrap, min_width=widths[at], overflow="fold")
    for row in rows:
        found.add_row(*(_text(cell, (colours or {}).get(cell, "")) for cell in row))
    _print(found, soft_wrap=False)


def complain(text: object) -> None:
    """What went wrong, on stderr, under the program's name."""
    note(f"{PROGRAM}: {text}")


def note(text: object) -> None:
    """A line on stderr, for what is not the command's result."""
    _write(sys.stderr, "\n".join(map(clean, str(text).splitlines())) + "\n")


@contextmanager
def busy(text: str) -> Generator[None]:
    """Show in a terminal which work is under way; it vanishes when the work ends, however that is."""
    if not decorated():
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner

    said = _text(text + " …", "dim")
    said.no_wrap, said.overflow = True, "ellipsis"
    # Not redirected: with rich in the place of stdout nobody could tell that it is a terminal.
    with Live(
        Spinner("dots", said),
        console=_console(), refresh_per_second=12.5, transient=True, redirect_stdout=False, redirect_stderr=False,
    ):  # fmt: skip
        yield


def _narrowest(rows: Sequence[Sequence[str]], wrap: Collection[int]) -> list[int]:
    """The width that each column takes at least."""
    from rich.cells import cell_len

    cells = [[clean(cell).split() if at in wrap else [clean(cell)] for at, cell in enumerate(row)] for row in rows]
    return [max(cell_len(word) for row in cells for word in row[at] or [""]) for at in range(len(rows[0]))]


def _print(what: "RenderableType", *, soft_wrap: bool = True) -> None:
    """In a terminal with its colours; elsewhere as plain, endless lines."""
    if decorated():
        _console().print(what, crop=False, soft_wrap=soft_wrap)
        return
    from rich.console import Console

    text = StringIO()
    Console(file=text, color_system=None, width=_ENDLESS).print(what)
    _write(sys.stdout, "".join(part.rstrip() + "\n" for part in text.getvalue().splitlines()))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text.encode(stream.encoding or "utf-8", "replace").decode(stream.encoding or "utf-8"))
        stream.flush()
    except BrokenPipeError:
        # Nobody reads any more (`… | head`). What is under way, a login for example, goes on to its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _text(text: object, style: str = "") -> "Text":
    from rich.text import Text

    return Text(clean(text), style)


@cache
def _console() -> "Console":
    from rich.console import Console

    return Console(force_terminal=True, highlight=False, markup=False, emoji=False)
