"""The JSON Schema validator for arguments: stricter than the standard about values that Zoho would misread.

Apart from `arguments`, because importing jsonschema is slow and must not delay the start.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType] # its stub has no types

from zoho_mcp.specs.schema import ID_PATTERN, Json

_formats = FormatChecker(formats=())


@_formats.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII)) and bool(date.fromisoformat(value))


@_formats.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value))


def _needs_one_of_each(_: Validator, groups: list[list[str]], value: object, __: object) -> Iterator[ValidationError]:
    for names in groups if isinstance(value, dict) else ():
        if not any(name in cast(Json, value) for name in names):
            yield ValidationError(f"needs {' or '.join(names)}")


_Validator: Callable[..., Validator] = cast(
    "Callable[..., Validator]",
    extend(Draft202012Validator, validators={"x-needs": _needs_one_of_each}),
)


def validator_for(schema: Json) -> Validator:
    """A validator for a tool's input schema."""
    return _Validator(_strict(schema), format_checker=_formats)


def _strict(schema: Any, name: str = "") -> Any:
    """The schema used for checking: objects are closed (Zoho would ignore unknown fields), ids are digits."""
    if isinstance(schema, list):
        return [_strict(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts: Json = {key: _strict(value) for key, value in cast(Json, schema).items() if key != "properties"}
    if name.endswith("_id") and parts.get("type") == "string":
        parts["pattern"] = ID_PATTERN
    if "pattern" in parts:
        # `$` of Python's re also matches before a final newline; an id with one could reach another endpoint.
        parts["pattern"] = parts["pattern"].removesuffix("$") + r"\Z"
    if "properties" in schema:
        named = cast(Json, schema["properties"])
        parts["properties"] = {inner: _strict(part, inner) for inner, part in named.items()}
        parts.setdefault("additionalProperties", False)
    return parts
