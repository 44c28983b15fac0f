"""Rows of a list as a table: each column is named once. Half the characters of a list of objects. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Table = Mapping[str, Any]
"""`{"columns": [name, …], "rows": [[value, …], …]}`; every row has a value for every column, null where it has none."""


def table(records: Sequence[Mapping[str, Any]], order: Sequence[str] = ()) -> dict[str, Any]:
    """The records as a table, its columns in `order`, then any others. A column without any value is left out."""
    present = dict.fromkeys(name for record in records for name in record)
    columns = [name for name in order if name in present] + [name for name in present if name not in order]
    return {"columns": columns, "rows": [[record.get(name) for name in columns] for record in records]}


def records(content: Table) -> list[dict[str, Any]]:
    """The records of a table, each with the columns in which it has a value."""
    columns: Sequence[str] = content["columns"]
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in content["rows"]
    ]


def with_records(content: Mapping[str, Any]) -> dict[str, Any]:
    """A result with each of its tables as a list of records."""
    return {name: records(part) if _is_table(part) else part for name, part in content.items()}


def _is_table(part: Any) -> bool:
    return isinstance(part, dict) and set(part) == {"columns", "rows"}  # pyright: ignore[reportUnknownArgumentType] # JSON
