"""Describes problems with arguments, and what would be right, as sentences."""

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import ID_PATTERN, Json
from zoho_mcp.text import did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_KINDS = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
          "array": "a list", "object": "an object"}  # fmt: skip
_NEAR = 0.6
"""Similarity needed for a suggestion: a wrong one is worse than none."""


def sentences(catalog: Catalog, operation: Operation, error: "ValidationError") -> list[str]:
    """One sentence for each problem: a missing name, an unknown one, or an invalid value."""
    path = _path(error)
    if error.validator == "required":
        return [f"{_joined(path, name)} is missing{_description(error, name)}." for name in _missing(error)]
    if error.validator == "additionalProperties":
        return [_unknown(catalog, operation, path, name, error) for name in _unexpected(error)]
    if error.validator == "x-needs":
        return [f"{path} {error.message}."]
    if error.validator == "enum":
        return [f"{path} {_choices(catalog, error)}"]
    return [f"{path or 'the arguments'} {_expectation(error)}"]


def _choices(catalog: Catalog, error: "ValidationError") -> str:
    """The options of a closed choice, with a suggestion."""
    options = [str(option) for option in cast("list[object]", error.validator_value)]
    given = str(error.instance)
    meant = [word for word in catalog.synonyms.get(given.strip().casefold(), ()) if word in options]
    guess = f"Did you mean {meant[0]}?" if meant else did_you_mean(given, options, _NEAR)
    return f"must be one of {', '.join(options)}, not {shown(error.instance)}. {guess}".rstrip()


def _unknown(catalog: Catalog, operation: Operation, path: str, name: str, error: "ValidationError") -> str:
    where = _joined(path, name)
    plain = re.sub(r"\[\d+\]", "[]", where)
    if editions := operation.hidden.get(plain):
        return (
            f"{where} exists only in the {' and '.join(editions)} edition: "
            f"set ZOHO_EDITION={editions[0]} where this server is configured, if that is the organisation's."
        )
    names = list(cast(Json, error.schema).get("properties", {}))
    advice = operation.hints.get(plain)
    if advice is None and (general := catalog.hints.get(name)) in names:
        advice = f"use {general}"
    if advice is None and (near := get_close_matches(name, names, 1, 0.7)):
        advice = f"did you mean {near[0]}?"
    if advice is None:
        advice = f"the arguments are {', '.join(names)}" if names else "this tool takes no arguments"
    return f"Unknown argument {where}: {advice.rstrip('.')}{'' if advice.endswith('?') else '.'}"


def _path(error: "ValidationError") -> str:
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _missing(error: "ValidationError") -> list[str]:
    # jsonschema reports one error per missing name, quoted at the start of the message.
    return [name for name in cast("list[str]", error.validator_value) if error.message.startswith(f"{name!r} ")]


def _unexpected(error: "ValidationError") -> list[str]:
    properties = cast(Json, error.schema).get("properties", {})
    return [name for name in cast(Json, error.instance) if name not in properties]


def _description(error: "ValidationError", name: str) -> str:
    description = cast(Json, error.schema).get("properties", {}).get(name, {}).get("description", "")
    # In brackets after the argument's name, a description needs no capital.
    lower = description[:1].lower() + description[1:] if not description[1:2].isupper() else description
    return f" ({lower.rstrip('.')})" if description else ""


def _expectation(error: "ValidationError") -> str:
    value, wanted, schema = error.instance, cast(Any, error.validator_value), cast(Json, error.schema)
    given = shown(value)
    match error.validator:
        case "type":
            return f"must be {_kind(wanted)}, not {given}{_advice(wanted, value, schema)}."
        case "pattern" if wanted.startswith(ID_PATTERN.removesuffix("$")):
            return f"must be a Zoho id, digits only, not {given}: look it up first."
        case "pattern":
            pattern = wanted.removesuffix(r"\Z")
            return f"must look like {schema.get('description', pattern)}, not {given}."
        case "format" if wanted == "date":
            return f"must be a valid date, written yyyy-mm-dd, not {given}."
        case "format":
            return f"must be one e-mail address, not {given}."
        case "minProperties":
            return "need at least one field to change. To empty a field, name it in clear."
        case "minItems":
            return f"needs at least {wanted} {'entry' if wanted == 1 else 'entries'}."
        case "maxItems":
            return f"takes at most {wanted} entries."
        case "minLength":
            return "must not be empty."
        case "maxLength":
            return f"takes at most {wanted} characters, not {len(cast(str, value))}."
        case "minimum":
            return f"must be {wanted} or more, not {given}."
        case "exclusiveMinimum":
            return f"must be more than {wanted}, not {given}."
        case "maximum":
            return f"must be {wanted} or less, not {given}."
        case _:
            return f"is wrong: {error.message}."


def _kind(wanted: str | list[str]) -> str:
    return " or ".join(_KINDS[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _advice(wanted: str | list[str], value: object, schema: Json) -> str:
    if wanted == "string" and isinstance(value, int) and not isinstance(value, bool):
        return f': put it in quotes, "{value}"'
    if isinstance(value, str) and wanted in ("number", "integer") and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        return f": write {value} without quotes"
    if wanted == "array":
        return ": put it in [ ]"
    return f" ({schema['description'].rstrip('.')})" if schema.get("description") else ""


def shown(value: object) -> str:
    """A wrong value for a message: at most 60 characters; a list or an object only by its type."""
    text = repr(value) if not isinstance(value, dict | list) else ("a list" if isinstance(value, list) else "an object")
    return text if len(text) <= 60 else text[:57] + "…"
