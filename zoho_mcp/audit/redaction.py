"""The arguments of a call as the audit file has them: ids, amounts, dates, fixed words; no personal data."""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

REDACTED = "(redacted)"
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,6})?%?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_AMOUNTS = frozenset({"discount", "rate", "amount", "quantity"})
"""Arguments whose text is recorded if it is a figure."""
_PRIVATE = frozenset({"value", "phone", "mobile", "fax", "zip"})
"""Arguments that are never recorded, not even as a number."""


def redacted(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with `REDACTED` for private values. `schema` identifies dates and fixed words."""
    parts: Mapping[str, Any] = schema.get("properties", {})
    return {name: _value(name, value, parts.get(name, {})) for name, value in arguments.items()}


def _value(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return redacted(cast("Mapping[str, Any]", value), schema)
    if isinstance(value, list):
        return [_value(name, part, schema.get("items", {})) for part in cast("list[Any]", value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return REDACTED if name in _PRIVATE else value
    return str(value) if _may_be_kept(name, str(value), schema) else REDACTED


def _may_be_kept(name: str, text: str, schema: Mapping[str, Any]) -> bool:
    if name.endswith(("_id", "_ids")) or name == "contact_persons":
        return text.isdecimal()
    if schema.get("format") == "date":
        return _DATE.fullmatch(text) is not None
    return text in schema.get("enum", ()) or (name in _AMOUNTS and _AMOUNT.fullmatch(text) is not None)
