"""Values from a request body, checked one by one. An invalid one raises Zoho's error; null counts as not sent."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from zoho_mcp.sandbox.times import parse_day
from zoho_mcp.sandbox.wire import json_wire
from zoho_mcp.sandbox.wire.errors import invalid_value, too_long
from zoho_mcp.sandbox.wire.json_wire import Record

# Zoho's names of fields in its messages, where they differ from the keys.
WORDS = {"payment_terms": "Payment Terms"}
Reader: TypeAlias = Callable[[Record, str, Any], Any]
"""Reads the value of a key from a body, else returns the default."""
Fields: TypeAlias = Mapping[str, tuple[Reader, object]]
"""The fields that a body can set: how each is read, and its value in a new record."""
LARGEST = Decimal(10) ** 12
MOST_DECIMALS = 12


def text(body: Record, key: str, default: str = "", limit: int | None = None) -> str:
    """A text; numbers are accepted as written, as in the form-based API."""
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise invalid_value(_word(key))
    written = str(value)
    if limit is not None and len(written) > limit:
        raise too_long(_word(key), limit)
    return written


def number(body: Record, key: str, default: Decimal | None = None) -> Decimal:
    """An amount, as a number or as digits in a string; required without a default."""
    value = body.get(key)
    if value is None or value == "":
        if default is None:
            raise invalid_value(_word(key))
        return default
    return as_number(value, key)


def as_number(value: object, key: str) -> Decimal:
    """The value as an exact number; `key` names it in the error."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise invalid_value(_word(key))
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise invalid_value(_word(key)) from None
    if not amount.is_finite() or abs(amount) >= LARGEST or amount != round(amount, MOST_DECIMALS):
        raise invalid_value(_word(key))
    return amount


def whole(body: Record, key: str, default: int) -> int:
    """A whole number of at least 0."""
    amount = number(body, key, Decimal(default))
    if amount != amount.to_integral_value() or amount < 0:
        raise invalid_value(_word(key))
    return int(amount)


def flag(body: Record, key: str, default: bool) -> bool:
    """A boolean, also as "true" or "false"."""
    value = body.get(key)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise invalid_value(_word(key))


def day(body: Record, key: str, default: str) -> str:
    """A yyyy-mm-dd date."""
    value = body.get(key)
    if value is None or value == "":
        return default
    if not isinstance(value, str) or parse_day(value) is None:
        raise invalid_value(_word(key))
    return value


def optional_day(body: Record, key: str, default: str) -> str:
    """A yyyy-mm-dd date that an empty text removes (unverified)."""
    return day(body, key, "" if body.get(key) == "" else default)


def choice(body: Record, key: str, allowed: Collection[str], default: str) -> str:
    """One of the allowed words."""
    value = text(body, key)
    if not value:
        return default
    if value not in allowed:
        raise invalid_value(_word(key))
    return value


def record(body: Record, key: str) -> Record | None:
    """An object, None when not sent."""
    value = body.get(key)
    if value is None or value == "":
        return None
    parsed = json_wire.as_record(value)
    if parsed is None:
        raise invalid_value(_word(key))
    return parsed


def records(body: Record, key: str) -> list[Record] | None:
    """A list of objects, None when not sent."""
    value = body.get(key)
    if value is None or value == "":
        return None
    parsed = [json_wire.as_record(part) for part in json_wire.as_list(value) or [value]] if value != [] else []
    if json_wire.as_list(value) is None or None in parsed:
        raise invalid_value(_word(key))
    return [part for part in parsed if part is not None]


def texts(body: Record, key: str) -> list[str] | None:
    """A list of texts, None when not sent; numbers are accepted as written."""
    value = body.get(key)
    if value is None or value == "":
        return None
    parsed = json_wire.as_list(value)
    if parsed is None or not all(isinstance(part, (str, int)) for part in parsed):
        raise invalid_value(_word(key))
    return [str(part) for part in parsed]


def limited(limit: int | None) -> Reader:
    """Reads a text of at most this many characters."""
    return lambda body, key, default: text(body, key, str(default), limit)


def one_of(*allowed: str) -> Reader:
    """Reads one of these words."""
    return lambda body, key, default: choice(body, key, allowed, default)


def text_fields(**limits: int | None) -> Fields:
    """Texts with their maximum length (None: no limit), empty in a new record."""
    return {key: (limited(limit), "") for key, limit in limits.items()}


def custom_fields(body: Record, key: str, default: list[Record]) -> list[Record]:
    """Custom fields as stored: named by id, index, api_name or label."""
    sent = records(body, key)
    if sent is None:
        return default
    fields: list[Record] = []
    for index, part in enumerate(sent, 1):
        label = text(part, "label")
        fields.append(
            {
                "customfield_id": text(part, "customfield_id"),
                "index": whole(part, "index", index),
                "label": label,
                "api_name": text(part, "api_name") or (f"cf_{label.lower().replace(' ', '_')}" if label else ""),
                "data_type": text(part, "data_type", "string"),
                "value": part.get("value", ""),
            }
        )
    return fields


def custom_field_hash(fields: list[Record]) -> Record:
    """Custom fields as one object by api_name, which Zoho adds to records."""
    return {str(part["api_name"]): part["value"] for part in fields if part["api_name"]}


def _word(key: str) -> str:
    return WORDS.get(key, key)
