"""Text written by others, as it may appear in a question: isolated, on one line, unable to pass for our own words.

A quoted text stands between U+2068 and U+2069. Nothing else in a question holds these two, so every channel can tell
where it begins and ends: the page sets it apart by markup, a client's window by quotation marks. Pure.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

FIRST, LAST = "\u2068", "\u2069"
LONGEST = 80
"""Characters of one text: texts are written by others and must not crowd out the question."""
LONGEST_ADDRESS = 320
"""An e-mail address is never cut short: RFC 5321 allows 64 characters before the @ and 255 after it."""
_MOST_MARKS = 2
"""Combining marks on one letter; no language stacks more, and stacks of them cover the lines around."""
_FILLERS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0\U00013441\U00013442\U0001d159")
"""Look like blanks, or like nothing, without being spaces."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_QUOTATION_MARKS = re.compile('["“”„‟«»\u02ba\u02ee\u2033\u2036\u275d\u275e\u301d-\u301f\uff02\U0001f676-\U0001f678]')
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_]))")
_WITH_BACKSLASH = r"\\\1"
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_PART = re.compile(f"{FIRST}([^{FIRST}{LAST}]*){LAST}")


def one_line(value: Any, longest: int = LONGEST) -> str:
    """A text of others on one line: no control or invisible characters, no stacks of marks, cut to `longest`."""
    text = _SELECTORS.sub("", unicodedata.normalize("NFC", str(value)))
    text = " ".join("".join(_visible(text)).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def quoted(value: Any, longest: int = LONGEST) -> str:
    """A text of others as a part of a question; empty for an empty one."""
    text = one_line(value, longest)
    return f"{FIRST}{text}{LAST}" if text else ""


def quoted_address(value: Any) -> str:
    """An e-mail address, whole; letters of other scripts, which can look like Latin ones, are pointed out."""
    text = quoted(value, LONGEST_ADDRESS)
    return text if text.isascii() or text[1:-1].isascii() else f"{text} (not plain letters: look closely)"


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a question in order: whether each was written by others, and its text without the marks."""
    end = 0
    for found in _PART.finditer(text):
        if found.start() > end:
            yield False, text[end : found.start()]
        yield True, found[1]
        end = found.end()
    if end < len(text):
        yield False, text[end:]


def for_page(text: str) -> str:
    """The text with quotation marks, for where nothing but the text is shown, such as a window's title."""
    return "".join(f"“{_inner(part)}”" if is_quoted else part for is_quoted, part in parts(text))


def for_client(text: str) -> str:
    """The text for a client's window: quoted, with nothing that Markdown would act on, and isolated if it runs from
    right to left.
    """
    return "".join(_escaped(part) if is_quoted else part for is_quoted, part in parts(text))


def _escaped(part: str) -> str:
    text = f"“{_LINK.sub(_broken, _MARKDOWN.sub(_WITH_BACKSLASH, _inner(part)))}”"
    runs_left = any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in part)
    return f"{FIRST}{text}{LAST}" if runs_left else text


def _broken(link: re.Match[str]) -> str:
    return link[1].replace(":", "\\:").replace(".", "\\.")


def _inner(part: str) -> str:
    """Quotation marks within are single ones: a text cannot end its own quotation."""
    return _QUOTATION_MARKS.sub("'", part)


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for sign in text:
        category = unicodedata.category(sign)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MOST_MARKS:
            continue
        if category != "Cf" or sign in _FILLERS:
            yield " " if category[0] in "CZ" or sign in _FILLERS else sign
