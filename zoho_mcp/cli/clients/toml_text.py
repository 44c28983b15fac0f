"""Changes one table of a TOML text; comments, order and spacing of the rest stay. Knows nothing of apps or files.

The caller reads the result and compares, so that a text that tomlkit does not change as meant is refused.
"""

import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable


def read(text: str) -> dict[str, Any]:
    """What `text` says. Raises ValueError."""
    return tomllib.loads(text)


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as the table `[key.name]`; what it says already keeps its layout. Raises ValueError."""
    if text and not text.endswith("\n"):
        text += "\r\n" if "\r\n" in text else "\n"
    return _edited(text, lambda document: _put(document, key, name, entry))


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without the table `[key.name]`; if that leaves `key` empty, also without `key`. Raises ValueError."""

    tail: list[str] = []

    def remove(document: MutableMapping[str, Any]) -> None:
        tail.extend(_comments_after(document[key][name]))
        del document[key][name]
        if not document[key]:
            del document[key]

    after = _edited(text, remove)
    if tail:
        # tomlkit counts comments before the next table to this one; they belong to the next.
        same = next((at for at, (one, other) in enumerate(zip(text, after, strict=False)) if one != other), len(after))
        place = after.rfind("\n", 0, same) + 1
        comments = "".join(tail)
        after = after[:place] + (comments.replace("\n", "\r\n") if "\r\n" in text else comments) + after[place:]
    return (after,)


def _comments_after(table: Any) -> list[str]:
    """The comment lines that follow the last value of a table."""
    lines: list[str] = table.as_string().splitlines(keepends=True)
    found: list[str] = []
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        found.insert(0, lines.pop())
    while found and not found[0].strip():
        found.pop(0)
    return found


def _put(document: MutableMapping[str, Any], key: str, name: str, entry: Mapping[str, Any]) -> None:
    if key not in document:
        document[key] = tomlkit.table(is_super_table=True)
    servers = cast("MutableMapping[str, Any]", document[key])
    if name not in servers:
        servers[name] = tomlkit.inline_table() if isinstance(servers, InlineTable) else tomlkit.table()
    server = cast("MutableMapping[str, Any]", servers[name])
    for part, value in entry.items():
        if part not in server or server[part] != value:
            server[part] = _inline(value)


def _inline(value: Any) -> Any:
    """A mapping on one line: as a table of its own it would have to stand behind the other values."""
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    for name, part in cast("Mapping[str, Any]", value).items():
        table[name] = part
    return table


def _edited(text: str, edit: Callable[[MutableMapping[str, Any]], None]) -> str:
    """The text after an edit of its document; where every line ends as on Windows, the new ones do too."""
    windows = 0 < text.count("\n") == text.count("\r\n")
    try:
        document = tomlkit.parse(text.replace("\r\n", "\n") if windows else text)
        edit(document)
    except (TOMLKitError, TypeError, KeyError) as problem:
        raise ValueError(str(problem)) from problem
    found = tomlkit.dumps(document)
    return found.replace("\n", "\r\n") if windows else found
