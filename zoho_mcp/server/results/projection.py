"""Selects and formats the fields shown of a record: our names, no empty fields, exact figures, long texts cut.

Rows of a list become a table, which names each column once: half the length of a list of objects.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from zoho_mcp.zoho.request import json_numbers

LONGEST_TEXT = 400
"""Characters of a text, unless its field was requested by name."""
SHORTENED = 300
"""Characters shown of a longer one, so that the rest is worth another call."""
Json = dict[str, Any]
Table = Mapping[str, Any]
"""`{"columns": [name, …], "rows": [[value, …], …]}`; a row has null in columns without a value."""


@dataclass(slots=True)
class FieldNode:
    """A field to show. `inner`: the fields inside it to show; empty: all. `unless_zero`: hidden if it is 0 or false."""

    inner: dict[str, "FieldNode"] = field(default_factory=dict[str, "FieldNode"])
    unless_zero: bool = False
    asked: bool = False
    """Whether it was requested by name, so that its texts are not cut."""


@lru_cache(maxsize=512)
def field_tree(usual: tuple[str, ...], extra: tuple[str, ...] = (), *, uncut: bool = False) -> Mapping[str, FieldNode]:
    """The fields by name: the usual ones in order, then those requested. Must not be modified: it is cached."""
    found: dict[str, FieldNode] = {}
    for path in usual:
        _add(found, path.removesuffix("?").split("."), FieldNode(unless_zero=path.endswith("?"), asked=uncut))
    for path in extra:
        _add(found, path.split("."), FieldNode(asked=True))
    return found


def _add(found: dict[str, FieldNode], path: Sequence[str], leaf: FieldNode) -> None:
    for name in path[:-1]:
        if name in found and not found[name].inner:
            return  # It is already shown as a whole.
        found = found.setdefault(name, FieldNode()).inner
    found[path[-1]] = leaf


def project(
    record: Mapping[str, Any], fields: Mapping[str, FieldNode], renames: Mapping[str, str], path: str = ""
) -> Json:
    """The selected fields of one of Zoho's records, with our names."""
    zoho_names = {own_name: name for name, own_name in renames.items() if name in record} if renames else {}
    shown: Json = {}
    for name, node in fields.items():
        value = record.get(zoho_names.get(name, name) if zoho_names else name)
        if isinstance(value, str) and len(value) <= LONGEST_TEXT:  # the common case, in thousands of rows
            if value:
                shown[name] = value
        elif isinstance(value, Decimal):
            if value or not node.unless_zero:
                shown[name] = json_numbers(value)
        elif value is not None and (value or not node.unless_zero):
            value = _inner(value, node, renames, f"{path}.{name}" if path else name)
            if value not in ([], {}):
                shown[name] = value
    return shown


def _inner(value: Any, node: FieldNode, renames: Mapping[str, str], path: str) -> Any:
    if node.inner:
        if isinstance(value, list):
            parts = [project(part, node.inner, renames, path) for part in _records(value)]
            return [part for part in parts if part]
        return project(cast(Json, value), node.inner, renames, path) if isinstance(value, dict) else value
    if isinstance(value, str):
        return value if node.asked else _cut(value, path)  # project keeps short ones
    if isinstance(value, list | dict):
        return _shortened(whole(value, renames), "" if node.asked else path)
    return value


def table(records: Sequence[Mapping[str, Any]], order: Sequence[str] = ()) -> dict[str, Any]:
    """The records as a table: first the columns in `order`, then any others. Columns without values are omitted."""
    present = dict.fromkeys(name for record in records for name in record)
    columns = [name for name in order if name in present] + [name for name in present if name not in order]
    return {"columns": columns, "rows": [[record.get(name) for name in columns] for record in records]}


def records(content: Table) -> list[dict[str, Any]]:
    """The records of a table, without empty values."""
    columns: Sequence[str] = content["columns"]
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in content["rows"]
    ]


def with_records(content: Mapping[str, Any]) -> dict[str, Any]:
    """A result with each of its tables as a list of records."""
    return {name: records(part) if _is_table(part) else part for name, part in content.items()}


def _is_table(part: Any) -> bool:
    return isinstance(part, dict) and set(part) == {"columns", "rows"}  # pyright: ignore[reportUnknownArgumentType] # JSON


def whole(value: Any, renames: Mapping[str, str]) -> Any:
    """A whole value, with our names and without empty fields."""
    if isinstance(value, list):
        return [whole(part, renames) for part in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        return {renames.get(key, key): whole(part, renames) for key, part in parts.items() if not is_empty(part)}
    return json_numbers(value) if isinstance(value, Decimal) else value


def is_empty(value: Any) -> bool:
    """Whether a field has no content. 0 and false are content."""
    return value is None or value in ("", [], {})


def unknown(
    requested: Collection[str], records: Sequence[Mapping[str, Any]], renames: Mapping[str, str], path: str = ""
) -> Iterator[str]:
    """Sentences on requested fields that no record has, with the fields that have content."""
    names = {renames.get(key, key) for record in records for key in record}
    parted = [field.partition(".") for field in requested if records]
    if missing := [f"{path}{name}" for name, _, _ in parted if name not in names]:
        filled = {renames.get(key, key) for record in records for key, part in record.items() if not is_empty(part)}
        yield f"unknown {', '.join(missing)}. Available: {', '.join(sorted(filled))}."
    for name, _, inner in parted:
        if inner and name in names:
            parts = [part for record in records for part in _records(record.get(name))]
            yield from unknown([inner], parts, renames, f"{path}{name}.")


def _records(value: Any) -> list[Json]:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [cast(Json, part) for part in values if isinstance(part, dict)]


def _shortened(value: Any, path: str) -> Any:
    if not path:
        return value
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else _cut(value, path)
    if isinstance(value, list):
        return [_shortened(part, path) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _shortened(part, f"{path}.{name}") for name, part in cast(Json, value).items()}
    return value


def _cut(text: str, path: str) -> str:
    rest = len(text) - SHORTENED
    return f'{text[:SHORTENED]}… [{rest} more characters: get them with fields ["{path}"]]'
