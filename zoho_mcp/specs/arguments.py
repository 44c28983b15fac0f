"""Normalises the arguments of a call, then checks them and reports every problem at once. Pure.

Clients fill in what a model left out with null or "", write 1 as 1.0, and send lists as JSON text. Only conversions
with one possible meaning are made; everything else is left for the checker to reject.
"""

import json
import math
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.specs.model import Catalog, FieldPath, Operation
from zoho_mcp.specs.problems import sentences, shown
from zoho_mcp.specs.schema import Json
from zoho_mcp.text import did_you_mean

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?", re.ASCII)
_SPACED = re.compile(r"^\s+|\s+$|\s+(?=%$)")
"""Spaces around a number and before its percent sign."""
_IDS = re.compile(r"\s*[0-9]+(\s*,\s*[0-9]+)*\s*", re.ASCII)
"""Comma-separated ids in place of a list."""
_OMITTED = object()


def normalize(operation: Operation, arguments: Mapping[str, Any]) -> Json:
    """The arguments without empty ones, each value converted to the type in the schema.

    null, "", [] and {} count as not given, as do null and "" inside lists: only `clear` empties a field. Names, and all
    texts of a read, are trimmed and composed (NFC): a client may send accents as separate characters, which no search
    would match. A list of texts may come as one comma-separated text.
    """
    found = _object(operation.input, arguments, reads=operation.effect == "read")
    return {name: part for name, part in found.items() if part not in ([], {}) or _may_be_empty(operation, name)}


def _may_be_empty(operation: Operation, name: str) -> bool:
    """Whether an empty list has a meaning: a payment that pays no invoice."""
    return name in operation.replaces and operation.replaces[name].kind == "allocations"


def _object(schema: Json, value: Mapping[str, Any], *, reads: bool = False) -> Json:
    properties: Json = schema.get("properties", {})
    composed = {name: _composed(part) if reads or _is_name(name) else part for name, part in value.items()}
    found = {name: _value(properties.get(name, {}), part, name) for name, part in composed.items()}
    return {
        name: part
        for name, part in found.items()
        if part is not _OMITTED and not (_is_zero(part) and _zero_is_unset(properties.get(name, {})))
    }


def _is_name(name: str) -> bool:
    return name == "name" or name.endswith("_name")


def _composed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _zero_is_unset(schema: Json) -> bool:
    """Whether 0 counts as not given: a page, an interval, an exchange rate. An amount of 0 does not."""
    return "x-unset-at-zero" in schema or (schema.get("type") == "integer" and schema.get("minimum", 0) >= 1)


def _value(schema: Json, value: Any, name: str = "") -> Any:
    if value is None or value == "":
        return _OMITTED
    kind = schema.get("type")
    if kind in ("array", "object") and isinstance(value, str):
        value = _parsed(value, list if kind == "array" else dict)
        if isinstance(value, str) and schema.get("items", {}).get("type") == "string" and value.strip()[:1] != "[":
            value = [part.strip() for part in value.split(",")]
    if isinstance(value, Mapping):
        return _object(schema, cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        parts = [_value(schema.get("items", {}), part) for part in cast("list[Any]", value)]
        return [part for part in parts if part is not _OMITTED and part != {}]
    if kind == "string" and _can_be_text(value) and name and not name.endswith("_id"):
        return str(value)
    return _scalar(schema, kind, value)


def _can_be_text(value: Any) -> bool:
    """Whether a number may stand for text. An id may not: clients round long numbers."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15


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
        case "string" if schema.get("format") == "date" and isinstance(value, str):
            return value.strip()
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


class ArgumentChecker:
    """Checks arguments against the operations of a catalog. Keeps one validator per operation."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._validator = lru_cache(maxsize=None)(self._new_validator)

    def _new_validator(self, name: str) -> "Validator":
        # Where this is installed, jsonschema spends a second on its URI grammar, which no format here needs.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # As importlib documents: import raises.
        from zoho_mcp.specs.validator import validator_for

        return validator_for(self._catalog.operations[name].input)

    def check(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Return if the normalised arguments fit the operation. Raises ArgumentsError with a sentence per problem."""
        problems = list(_invalid_values(arguments))
        for error in self._validator(operation.name).iter_errors(arguments):
            problems += sentences(self._catalog, operation, error)
        for group in operation.exclusive:
            given = [name for name in group if name in arguments]
            if len(given) > 1:
                problems.append(f"{' and '.join(given)} cannot be combined: give only one of {', '.join(group)}.")
        problems += [
            f"{name} goes into a header: plain letters, digits and signs only."
            for name in operation.http.headers
            if not (str(arguments.get(name, "")).isascii() and str(arguments.get(name, "")).isprintable())
        ]
        problems += [*_mixed_discounts(operation, arguments), *_wrong_clear(operation, arguments)]
        if problems:
            raise ArgumentsError(operation.name, sorted(set(problems)))


def _mixed_discounts(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Discounts on both levels, or with the wrong type: Zoho applies one level but shows both."""
    on_document, on_line = operation.discounts_in(arguments)
    if on_document and on_line:
        yield (
            "discount and line_items[].discount cannot be combined: Zoho would apply only one of them. Give the whole "
            "document's discount, or one for each line."
        )
    wanted = "item_level" if on_line else "entity_level"
    if (on_document or on_line) and not (on_document and on_line) and arguments.get("discount_type", wanted) != wanted:
        yield f"discount_type must be {wanted} here, or left out: that is where the discount is given."


def _wrong_clear(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Fields in `clear` that cannot be emptied, do not exist, or are set by the same call."""
    fields = arguments.get("clear")
    if not operation.clearable or not isinstance(fields, list):
        return
    for field in map(str, cast("list[object]", fields)):
        known, path = re.sub(r"\[\d+\]", "[]", field), FieldPath.parse(field)
        if not operation.can_clear(known):
            guess = did_you_mean(known, operation.clearable)
            yield f"clear: {shown(field)} cannot be emptied. {guess or 'These can: ' + ', '.join(operation.clearable)}"
        elif path.index is not None and not _elements(path, arguments):
            yield f"clear: {field} names nothing in {path.name}: give {path.name} too, with all that is to stay."
        elif _is_given(path, arguments):
            yield f"clear: {field} is given as well. Empty it or set it, not both."


def _elements(path: FieldPath, arguments: Mapping[str, Any]) -> list[object]:
    """The elements that a path selects in a list of the call."""
    given: object = arguments.get(path.name)
    parts = cast("list[object]", given) if isinstance(given, list) else []
    return [part for position, part in enumerate(parts) if path.chooses(position)]


def _is_given(path: FieldPath, arguments: Mapping[str, Any]) -> bool:
    """Whether the call also sets a field that it empties."""
    if path.index is not None:
        return any(isinstance(part, dict) and path.part in part for part in _elements(path, arguments))
    value: object = arguments.get(path.name)
    return (isinstance(value, dict) and path.part in value) if path.part else path.name in arguments


def _invalid_values(value: object, path: str = "") -> Iterator[str]:
    """Values that a JSON parser accepts nevertheless: lone surrogates, NaN and infinity."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            yield f"{path} contains an invalid character: write it again."
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{path} must be a number, not {value}."
    elif isinstance(value, dict):
        for name, part in cast("dict[str, object]", value).items():
            yield from _invalid_values(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, part in enumerate(cast("list[object]", value)):
            yield from _invalid_values(part, f"{path}[{number}]")
