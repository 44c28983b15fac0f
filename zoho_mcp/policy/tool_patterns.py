"""Names and patterns in a policy file: reading, matching, and suggestions for misspelt ones. Pure."""

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from zoho_mcp.text import nearest


def texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts as a tuple; empty if it is neither."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        return ()
    parts = tuple(cast("list[Any]", found))
    return parts if all(isinstance(part, str) and part for part in parts) else ()


def is_plain(pattern: str) -> bool:
    """Whether the pattern matches only itself."""
    return not any(sign in pattern for sign in "*?[")


def takes_all_of(patterns: Collection[str], pattern: str) -> bool:
    """Whether one of `patterns` equals `pattern`, is `*`, or matches it if it is a plain name."""
    return pattern in patterns or "*" in patterns or (is_plain(pattern) and fits_one(pattern, patterns))


def fits_one(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns equals the name, which may contain wildcards itself, or matches it."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def guess(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: a suggestion, or empty."""
    near = nearest(word, known, 0.6)
    return f": did you mean {near}?" if near else ""


def guess_or_all(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: a suggestion, or else every known word."""
    return guess(word, known) or f": there is {', '.join(known)}."
