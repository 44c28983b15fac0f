"""Changes one table of a TOML text and leaves every other line as it is. Knows nothing of clients or files.

Only tables with a header of their own are found; the caller parses the result and compares, so that a text written in
another way is refused and never damaged.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, cast

_HEADER = re.compile(r"^[ \t]*\[\[?(?P<name>[^\[\]]+)\]\]?[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def read(text: str) -> dict[str, Any]:
    """What `text` says. Raises ValueError."""
    return tomllib.loads(text)


def words(text: str) -> list[str]:
    """The text without its spacing."""
    return text.split()


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as the table `[key.name]`: in the place of the old one, else at the end."""
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    table = _table(key, name, entry).replace("\n", end_of_line)
    places = _places(text, key, name)
    if places:
        start, end = places[0]
        for later in reversed(places[1:]):
            text = text[: later[0]] + text[later[1] :]
        return text[:start] + table + text[end:]
    if text and not text.endswith("\n"):
        text += end_of_line
    return text + (end_of_line if text.strip() else "") + table


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without the table `[key.name]`, its sub-tables, and the empty line before each."""
    for start, end in reversed(_places(text, key, name)):
        text = re.sub(r"(\A|\n)\r?\n\Z", r"\1", text[:start]) + text[end:]
    return (text,)


def _places(text: str, key: str, name: str) -> list[tuple[int, int]]:
    """Start and end of the table and its sub-tables; comments before the next header belong to that one."""
    headers = list(_HEADER.finditer(text))
    places: list[tuple[int, int]] = []
    for position, header in enumerate(headers):
        if _path(header["name"])[:2] == [key, name]:
            end = headers[position + 1].start() if position + 1 < len(headers) else len(text)
            places.append((header.start(), _without_tail(text, header.start(), end)))
    return places


def _without_tail(text: str, start: int, end: int) -> int:
    """`end`, less the empty and comment lines before it."""
    lines = text[start:end].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        end -= len(lines.pop())
    return end


def _path(header: str) -> list[str]:
    try:
        table: Any = tomllib.loads(f"[{header}]")
    except ValueError:
        return []
    path: list[str] = []
    while table:
        [(part, table)] = cast("dict[str, Any]", table).items()
        path.append(part)
    return path


def _table(key: str, name: str, entry: Mapping[str, Any]) -> str:
    lines = [f"{_key(part)} = {_value(value)}" for part, value in entry.items()]
    return "\n".join([f"[{_key(key)}.{_key(name)}]", *lines]) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        parts = (f"{_key(key)} = {_value(part)}" for key, part in cast("Mapping[str, object]", value).items())
        return "{ " + ", ".join(parts) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, cast("list[object]", value))) + "]"
    if isinstance(value, (str, bool, int, float)):
        return json.dumps(value, ensure_ascii=False)
    raise ValueError(f"a value of type {type(value).__name__} cannot be written again")
