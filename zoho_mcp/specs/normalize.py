"""Reads arguments as their client meant them, before anything checks, compares or asks about them. Pure.

Clients fill what a model left out with null or "", write 1 as 1.0, and send lists as JSON text. Only readings with one
exact meaning are made; everything else is left for the checker to refuse.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.specs.model import Json, Operation

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?", re.ASCII)
_SPACED = re.compile(r"^\s+|\s+$|\s+(?=%$)")
"""Blanks around a figure and before its percent sign."""
_IDS = re.compile(r"\s*[0-9]+(\s*,\s*[0-9]+)*\s*", re.ASCII)
"""Ids separated by commas, in place of a list of them."""
_OMITTED = object()


def normalize(operation: Operation, arguments: Mapping[str, Any]) -> Json:
    """The arguments without those that say nothing, each value as the type that the schema has for it.

    null is "not given" everywhere, also inside lists. "" is "not given" for everything but text, and for text too
    except in a read: it never empties a field, which is what `clear` is for. Names, and all texts of a read, are
    composed (NFC) and trimmed: a client may send letters and their accents apart, which no search would find.
    """
    return _object(operation.input, arguments, reads=operation.effect == "read")


def _object(schema: Json, value: Mapping[str, Any], *, reads: bool = False) -> Json:
    known: Json = schema.get("properties", {})
    composed = {name: _composed(part) if reads or _is_name(name) else part for name, part in value.items()}
    found = {name: _value(known.get(name, {}), part) for name, part in composed.items()}
    return {
        name: part
        for name, part in found.items()
        if part is not _OMITTED and not (reads and part == 0 and _needs_one(known.get(name, {})))
    }


def _is_name(name: str) -> bool:
    return name == "name" or name.endswith("_name")


def _composed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _needs_one(schema: Json) -> bool:
    """Whether 0 can only be a client's filling: a page, a number of rows."""
    return schema.get("type") == "integer" and schema.get("minimum", 0) >= 1


def _value(schema: Json, value: Any) -> Any:
    if value is None or value == "":
        return _OMITTED
    kind = schema.get("type")
    if kind in ("array", "object") and isinstance(value, str):
        value = _parsed(value, list if kind == "array" else dict)
    if isinstance(value, Mapping):
        return _object(schema, cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        parts = [_value(schema.get("items", {}), part) for part in cast("list[Any]", value)]
        return [part for part in parts if part is not _OMITTED]
    return _scalar(schema, kind, value)


def _scalar(schema: Json, kind: Any, value: Any) -> Any:
    match kind:
        case "integer" | "number" if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return _number(Decimal(value.strip()), kind, value)
        case "integer" if isinstance(value, float) and value.is_integer():
            return int(value)
        case "boolean" if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        case "string" if "x-number" in schema and isinstance(value, int | float) and not isinstance(value, bool):
            return format(Decimal(str(value)), "f")
        case "string" if "enum" in schema and isinstance(value, str):
            return {option.casefold(): option for option in schema["enum"]}.get(value.strip().casefold(), value)
        case "string" if "x-number" in schema and isinstance(value, str):
            figure = _SPACED.sub("", value)
            return f"0{figure}" if figure.startswith(".") else figure
        case _:
            return value


def _number(number: Decimal, kind: str, written: str) -> Any:
    if number == number.to_integral_value():
        return int(number)
    near = float(number)
    return near if kind == "number" and Decimal(repr(near)) == number else written


def _parsed(text: str, wanted: type) -> Any:
    if wanted is list and _IDS.fullmatch(text):
        return re.split(r"\s*,\s*", text.strip())
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, wanted) else text
