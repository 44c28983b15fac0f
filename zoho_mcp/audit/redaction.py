"""What of a call's arguments may be recorded: ids, amounts, dates, numbers, states; nothing about people, no texts."""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

REDACTED = "(redacted)"
_ADDRESS = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+")
_NUMBERS = frozenset({
    "invoice_number", "estimate_number", "creditnote_number", "payment_number", "reference_number", "currency_code",
    "payment_mode", "refund_mode", "discount", "status",
})  # fmt: skip
"""Texts that are recorded although their schema does not say that they hold no words of people."""
_PRIVATE = frozenset({"value", "phone", "mobile", "fax", "zip"})
"""Never recorded, not even as a number."""
_LONGEST = 60
_SHORTEST_SECRET = 4


def redacted(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without private values. `schema` tells dates and fixed words from texts."""
    parts: Mapping[str, Any] = schema.get("properties", {})
    return {name: _value(name, value, parts.get(name, {})) for name, value in arguments.items()}


def without_private(message: str, arguments: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """A message without e-mail addresses and without what was left out of `kept`."""
    for text in sorted(_left_out(arguments, kept), key=len, reverse=True):
        message = message.replace(text, REDACTED)
    return _ADDRESS.sub(REDACTED, message)


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
    if "@" in text or len(text) > _LONGEST or name in _PRIVATE:
        return False
    is_id = name.endswith(("_id", "_ids")) or name == "contact_persons"
    if is_id:
        return text.isdecimal()
    return "enum" in schema or schema.get("format") == "date" or name in _NUMBERS


def _left_out(value: Any, kept: Any) -> set[str]:
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        return set[str]().union(*(_left_out(part, kept[name]) for name, part in parts.items()))
    if isinstance(value, list):
        pairs = zip(cast("list[Any]", value), kept, strict=True)
        return set[str]().union(*(_left_out(part, other) for part, other in pairs))
    return {value} if kept == REDACTED and isinstance(value, str) and len(value) >= _SHORTEST_SECRET else set()
