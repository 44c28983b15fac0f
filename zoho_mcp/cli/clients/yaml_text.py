"""Adds or removes one entry of a YAML text: goose's file, which goose itself writes without comments.

ruamel.yaml, of the extra `goose`, keeps comments and order; spacing becomes its own. Knows nothing of apps or files.
"""

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any, Literal, cast


def read(text: str) -> dict[str, Any]:
    """The mapping that `text` is. Raises ValueError."""
    return _mapping("safe", text)


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as member `name` of the mapping `key`. Raises ValueError."""

    def add(document: Any) -> None:
        servers = document.get(key)
        if not servers:
            document[key] = {name: dict(entry)}
        elif name not in servers:
            # First: the comments below the last entry would become part of it.
            servers.insert(0, name, dict(entry))
        else:
            old = servers[name]
            old.update({part: value for part, value in entry.items() if part not in old or old[part] != value})

    if text.removeprefix("\ufeff") and not read(text):
        # The library would drop what is nothing but comments.
        return text.rstrip("\r\n") + "\n" + _edited("", add)
    return _edited(text, add)


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without member `name` of the mapping `key`; if that leaves `key` empty, also without `key`, that first."""
    if len(read(text)[key]) > 1:
        return (_edited(text, lambda document: document[key].pop(name)),)
    return _edited(text, lambda document: document.pop(key)), _edited(text, lambda document: document.update({key: {}}))


def _edited(text: str, edit: Callable[[Any], object]) -> str:
    mark, end = "\ufeff" * text.startswith("\ufeff"), "\r\n" if "\r\n" in text else "\n"
    document = _mapping("rt", text.replace("\r\n", "\n"))
    edit(document)
    written = StringIO()
    _yaml("rt").dump(document, written)
    return mark + written.getvalue().replace("\n", end)


def _mapping(kind: Literal["rt", "safe"], text: str) -> dict[str, Any]:
    yaml = _yaml(kind)
    from ruamel.yaml.error import YAMLError

    try:
        value: Any = yaml.load(text.removeprefix("\ufeff"))
    except YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())) from problem
    if not isinstance(value, dict | None):
        raise ValueError("it is not a mapping")
    return cast("dict[str, Any]", {} if value is None else value)


def _yaml(kind: Literal["rt", "safe"]) -> Any:
    try:
        from ruamel.yaml import YAML
    except ImportError as problem:
        raise ValueError("ruamel.yaml is not installed: pip install 'zoho-invoice-mcp[goose]'") from problem
    found = YAML(typ=kind, pure=True)
    found.preserve_quotes = True
    found.width = 10_000
    return found
