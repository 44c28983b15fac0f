"""The names and patterns that a policy file gives: reading, fitting, and a guess at what was misspelt. Pure."""

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from zoho_mcp.text import nearest


def texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts, as a list of texts; empty when it is neither."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        return ()
    parts = tuple(cast("list[Any]", found))
    return parts if all(isinstance(part, str) and part for part in parts) else ()


def is_plain(pattern: str) -> bool:
    """Whether it stands for itself alone."""
    return not any(sign in pattern for sign in "*?[")


def takes_all_of(patterns: Collection[str], pattern: str) -> bool:
    """Whether one of the patterns is this one or `*`, or fits it where it is a plain name."""
    return pattern in patterns or "*" in patterns or (is_plain(pattern) and fits_one(pattern, patterns))


def fits_one(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is this name, which may hold signs of patterns itself, or stands for it."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def guess(word: str, known: Sequence[str]) -> str:
    """How a sentence about an unknown word goes on where it is known what was meant; else empty."""
    near = nearest(word, known, 0.6)
    return f": did you mean {near}?" if near else ""


def guess_or_all(word: str, known: Sequence[str]) -> str:
    """The same; where it is not known, with every word that there is."""
    return guess(word, known) or f": there is {', '.join(known)}."
