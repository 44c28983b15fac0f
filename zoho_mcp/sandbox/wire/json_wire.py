"""JSON with exact numbers: a fraction is a Decimal here and a plain number on the wire, never a float."""

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii as quote
from typing import Any, NoReturn, TypeAlias, cast

Record: TypeAlias = dict[str, Any]


def dump(value: object) -> str:
    """Write a value as compact JSON; a Decimal keeps its digits."""
    if isinstance(value, str):
        return quote(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        return "{" + ",".join([f"{quote(key)}:{dump(part)}" for key, part in pairs.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([dump(part) for part in cast("list[object]", value)]) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")


def load(text: str | bytes) -> Any:
    """Read JSON. Raises ValueError for invalid JSON, including NaN and Infinity."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not JSON") from error


def as_record(value: object) -> Record | None:
    """The value itself when it is a JSON object, else None."""
    return cast("Record", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """The value itself when it is a JSON array, else None."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
