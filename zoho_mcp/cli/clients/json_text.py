"""Changes one member of a JSON text and leaves every other character as it is. Knows nothing of clients or files.

Writing a parsed text again would lose comments, spacing and the spelling of numbers of a file that belongs to others.
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
"""What may stand behind a member on its line."""
_Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
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
    members: tuple[_Member, ...]

    def find(self, key: str) -> _Member | None:
        return next((member for member in self.members if member.key == key), None)


def read(text: str, *, comments: bool = False) -> dict[str, Any]:
    """The object that `text` is; with `comments`, also one with comments and trailing commas. Raises ValueError."""
    if not text.strip():
        return {}
    value: Any = json.loads("".join(_plain(text)) if comments else text)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return cast("dict[str, Any]", value)


def words(text: str) -> list[str]:
    """The text without its spacing: equal lists are the same text, laid out differently."""
    return [token[0] for token in _TOKEN.finditer(text) if token.lastgroup != "space"]


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as member `name` of the object `key`. Raises ValueError when `key` is no object."""
    if not text.strip():
        return json.dumps({key: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    root = _block(text, _first(text))
    container = root.find(key)
    if container is None:
        return _insert(text, root, key, {name: entry}, depth=1)
    if text[container.value] != "{":
        raise ValueError(f"{key} is not an object")
    block = _block(text, container.value)
    old = block.find(name)
    if old is None:
        return _insert(text, block, name, entry, depth=2)
    return _apply(text, [(old.value, old.end, _dump(entry, text, _indent_at(text, old.start)))])


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without member `name` of the object `key`; if that leaves `key` empty, also without `key`, that first."""
    root = _block(text, _first(text))
    container = root.find(key)
    block = _block(text, container.value) if container is not None and text[container.value] == "{" else None
    if container is None or block is None or block.find(name) is None:
        return (text,)
    without = _remove(text, block, name)
    if len(block.members) > 1:
        return (without,)
    return _remove(text, root, key), without


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
    members: list[_Member] = []
    depth, end = 0, start
    key: re.Match[str] | None = None
    value: int | None = None
    for token in _TOKEN.finditer(text, start):
        mark = token[0]
        if token.lastgroup in ("space", "comment"):
            continue
        if depth == 1 and mark in (",", "}"):
            if key is not None and value is not None:
                comma = token.start() if mark == "," else None
                members.append(_Member(json.loads(key[0]), key.start(), value, end, comma))
            key, value = None, None
            if mark == "}":
                return _Block(start, token.start(), tuple(members))
        elif depth == 1 and key is None:
            key = token
        elif depth == 1 and value is None and mark != ":":
            value = token.start()
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0)
        end = token.end()
    raise ValueError("a brace is not closed")


def _insert(text: str, block: _Block, key: str, value: Mapping[str, Any], *, depth: int) -> str:
    end_of_line = _end_of_line(text)
    inner = text[block.open + 1 : block.close]
    if block.members and "\n" not in inner:
        last = block.members[-1]
        return _apply(text, [(last.end, last.end, f", {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")])
    indent = _indent_at(text, block.members[0].start) if block.members else _unit(text) * depth
    member = f"{end_of_line}{indent}{json.dumps(key)}: {_dump(value, text, indent)}"
    if not block.members:
        tail = inner if inner.strip() else end_of_line + _indent_at(text, block.open)
        return _apply(text, [(block.open + 1, block.close, member + tail)])
    last = block.members[-1]
    if last.comma is None:
        place = _line_rest(text, last.end)
        return _apply(text, [(last.end, last.end, ","), (place, place, member)])
    place = _line_rest(text, last.comma + 1)
    return _apply(text, [(place, place, member + ",")])


def _remove(text: str, block: _Block, key: str) -> str:
    """Without the member, its comma (or, for the last one, the comma before) and the spacing before it."""
    position = next(index for index, member in enumerate(block.members) if member.key == key)
    member = block.members[position]
    begin = len(text[: member.start].rstrip())
    comma = member.comma if member.comma is not None or not position else block.members[position - 1].comma
    after = member.end if member.comma is None else member.comma + 1
    if "\n" in text[begin : member.start] and not re.match(r"[ \t]*\r?\n", text[after:]):
        # The line before may end in a comment, which what follows must not become part of.
        begin = member.start
    edits: list[_Edit] = [(begin, member.end, "")]
    if comma is not None:
        edits = sorted([*edits, (comma, comma + 1, "")])
    text = _apply(text, edits)
    rest = _block(text, block.open)
    inside = text[rest.open + 1 : rest.close]
    return text if inside.strip() else text[: rest.open + 1] + text[rest.close :]


def _apply(text: str, edits: list[_Edit]) -> str:
    """Edits in the order of the text, made from its end so that places stay right."""
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


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


def _line_rest(text: str, place: int) -> int:
    """Where the line of `place` ends, if nothing but a comment follows there; else `place`."""
    match = _REST.match(text, place)
    return match.end() if match else place
