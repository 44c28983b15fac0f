"""Adds or removes one member of a JSON text and leaves every other character as it is. Knows nothing of apps or files.

By hand, because the libraries that write JSON lay the whole file out again and drop its comments, which VS Code, Zed
and others allow. A new member comes first, so no other line changes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<mark>[{}\[\]:,])|(?P<word>[^\s{}\[\]:,"/]+|.)""",
    re.DOTALL,
)
_REST = re.compile(r"(?:[ \t]|/\*(?:(?!\*/)[^\r\n])*\*/)*(?://[^\r\n]*)?(?=\r?\n)")
"""What may stand behind a brace on its line."""


@dataclass(frozen=True, slots=True)
class _Member:
    start: int
    value: int
    end: int
    comma: int | None
    """Where the comma behind it is."""


@dataclass(frozen=True, slots=True)
class _Block:
    """An object in the text, between its braces."""

    open: int
    close: int
    members: dict[str, _Member]


def read(text: str, *, comments: bool = False) -> dict[str, Any]:
    """The object that `text` is; with `comments`, also one with comments and trailing commas. Raises ValueError."""
    if not text.strip():
        return {}
    value: Any = json.loads("".join(_plain(text)) if comments else text)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return cast("dict[str, Any]", value)


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as member `name` of the object `key`. Raises ValueError when `key` is no object."""
    if not text.strip():
        return json.dumps({key: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    root = _block(text, _first(text))
    if key not in root.members:
        return _insert(text, root, key, {name: entry}, depth=1)
    block = _block(text, root.members[key].value)
    old = block.members.get(name)
    if old is None:
        return _insert(text, block, name, entry, depth=2)
    return text[: old.value] + _dump(entry, text, _indent_at(text, old.start)) + text[old.end :]


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without member `name` of the object `key`; if that leaves `key` empty, also without `key`, that first."""
    root = _block(text, _first(text))
    block = _block(text, root.members[key].value)
    without = _remove(text, block, name)
    return (without,) if len(block.members) > 1 else (_remove(text, root, key), without)


def _plain(text: str) -> Iterator[str]:
    """The text's parts without comments, and without commas before a closing bracket."""
    held = ""
    for token in _TOKEN.finditer(text):
        if token.lastgroup in ("space", "comment"):
            yield " "
        elif token[0] == ",":
            yield held
            held = ","
        else:
            yield ("" if token[0] in "}]" else held) + token[0]
            held = ""
    yield held


def _first(text: str) -> int:
    return next(token.start() for token in _TOKEN.finditer(text) if token[0] == "{")


def _block(text: str, start: int) -> _Block:
    """The object at `start`. Raises ValueError when there is none."""
    members: dict[str, _Member] = {}
    depth, end = 0, start
    key: re.Match[str] | None = None
    value: int | None = None
    for token in _TOKEN.finditer(text, start if text[start] == "{" else len(text)):
        mark = token[0]
        if token.lastgroup in ("space", "comment"):
            continue
        if depth == 1 and mark in (",", "}"):
            if key is not None and value is not None:
                if json.loads(key[0]) in members:
                    raise ValueError(f"{key[0]} is there twice")
                members[json.loads(key[0])] = _Member(key.start(), value, end, token.start() if mark == "," else None)
            key, value = None, None
            if mark == "}":
                return _Block(start, token.start(), members)
        elif depth == 1 and key is None:
            key = token
        elif depth == 1 and value is None and mark != ":":
            value = token.start()
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0)
        end = token.end()
    raise ValueError("it is not an object")


def _insert(text: str, block: _Block, key: str, value: Mapping[str, Any], *, depth: int) -> str:
    """With a new first member, on the line of the others if they have only one."""
    place, inner = block.open + 1, text[block.open + 1 : block.close]
    if block.members and "\n" not in inner:
        member = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}, "
        return text[:place] + member + text[place:]
    first = next(iter(block.members.values()), None)
    indent = _indent_at(text, first.start) if first else _unit(text) * depth
    member = f"{_end_of_line(text)}{indent}{json.dumps(key)}: {_dump(value, text, indent)}"
    if first:
        # Behind a comment on the line of the brace, which would otherwise move to the new member.
        rest = _REST.match(text, place)
        place = rest.end() if rest else place
        return text[:place] + member + "," + text[place:]
    tail = inner if inner.strip() else _end_of_line(text) + _indent_at(text, block.open)
    return text[:place] + member + tail + text[block.close :]


def _remove(text: str, block: _Block, key: str) -> str:
    """Without the member, its comma (or, for the last one, the comma before) and the spacing before it."""
    names = list(block.members)
    member, position = block.members[key], names.index(key)
    comma = member.comma
    if comma is None and position:
        comma = block.members[names[position - 1]].comma
    begin = len(text[: member.start].rstrip())
    after = member.end if member.comma is None else member.comma + 1
    if "\n" in text[begin : member.start] and not re.match(r"[ \t]*\r?\n", text[after:]):
        # The line before may end in a comment, which what follows must not become part of.
        begin = member.start
    cuts = [(begin, member.end), *([(comma, comma + 1)] if comma is not None else [])]
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    rest = _block(text, block.open)
    inside = text[rest.open + 1 : rest.close]
    return text if inside.strip() else text[: rest.open + 1] + text[rest.close :]


def _dump(value: Mapping[str, Any], text: str, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return (_end_of_line(text) + indent).join(lines)


def _end_of_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str) -> str:
    """One step of indentation: that of the first member that has a line of its own."""
    found = re.search(r"\{\s*?\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _indent_at(text: str, place: int) -> str:
    """The spacing that the line of `place` begins with."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip())]
