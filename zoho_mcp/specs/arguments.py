"""Checks a call's arguments against its operation: every problem at once, with its path and what would be right."""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.specs.model import Catalog, FieldPath, Operation
from zoho_mcp.specs.schema import ID_PATTERN, Json
from zoho_mcp.text import did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

_KINDS = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
          "array": "a list", "object": "an object"}  # fmt: skip

_NEAR = 0.6
"""How alike a word and a choice must be to be suggested: a wrong suggestion is worse than none."""
_HALF = re.compile("[\ud800-\udfff]")


class ArgumentChecker:
    """Checks arguments for the operations of one catalog; keeps one validator per operation."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._validator = lru_cache(maxsize=None)(self._new_validator)

    def _new_validator(self, name: str) -> "Validator":
        # jsonschema reads a grammar of URIs, for a second, wherever this is installed. No format here needs it.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # As importlib documents: import raises.
        from zoho_mcp.specs.validator import validator_for

        return validator_for(self._catalog.operations[name].input)

    def check(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Raise ArgumentsError naming every problem, or return."""
        problems = list(_broken(arguments))
        for error in self._validator(operation.name).iter_errors(arguments):
            problems += self._sentences(operation, error)
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

    def _sentences(self, operation: Operation, error: "ValidationError") -> list[str]:
        path = _path(error)
        if error.validator == "required":
            return [f"{_join(path, name)} is missing{_about(error, name)}." for name in _missing(error)]
        if error.validator == "additionalProperties":
            return [self._unknown(operation, path, name, error) for name in _unexpected(error)]
        if error.validator == "x-needs":
            return [f"{path} {error.message}."]
        if error.validator == "enum":
            return [f"{path} {self._choices(error)}"]
        return [f"{path or 'the arguments'} {_what_is_right(error)}"]

    def _choices(self, error: "ValidationError") -> str:
        """What a closed choice offers, and which of it was probably meant."""
        options = [str(option) for option in cast("list[object]", error.validator_value)]
        given = str(error.instance)
        meant = [word for word in self._catalog.synonyms.get(given.strip().casefold(), ()) if word in options]
        guess = f"Did you mean {meant[0]}?" if meant else did_you_mean(given, options, _NEAR)
        return f"must be one of {', '.join(options)}, not {_shown(error.instance)}. {guess}".rstrip()

    def _unknown(self, operation: Operation, path: str, name: str, error: "ValidationError") -> str:
        where = _join(path, name)
        plain = re.sub(r"\[\d+\]", "[]", where)
        if editions := operation.hidden.get(plain):
            return (
                f"{where} exists only in the {' and '.join(editions)} edition: "
                f"set ZOHO_EDITION={editions[0]} where this server is configured, if that is the organisation's."
            )
        known = list(cast(Json, error.schema).get("properties", {}))
        advice = operation.hints.get(plain)
        if advice is None and (general := self._catalog.hints.get(name)) in known:
            advice = f"use {general}"
        if advice is None and (near := get_close_matches(name, known, 1, 0.7)):
            advice = f"did you mean {near[0]}?"
        if advice is None:
            advice = f"the arguments are {', '.join(known)}" if known else "this tool takes no arguments"
        return f"Unknown argument {where}: {advice.rstrip('.')}{'' if advice.endswith('?') else '.'}"


def _mixed_discounts(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Zoho counts the discounts of one level only and shows the others all the same."""
    whole, single = operation.discounts_in(arguments)
    if whole and single:
        yield (
            "discount and line_items[].discount cannot be combined: Zoho would apply only one of them. Give the whole "
            "document's discount, or one for each line."
        )
    wanted = "item_level" if single else "entity_level"
    if (whole or single) and not (whole and single) and arguments.get("discount_type", wanted) != wanted:
        yield f"discount_type must be {wanted} here, or left out: that is where the discount is given."


def _wrong_clear(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    fields = arguments.get("clear")
    if not operation.clearable or not isinstance(fields, list):
        return
    for field in map(str, cast("list[object]", fields)):
        known, path = re.sub(r"\[\d+\]", "[]", field), FieldPath.parse(field)
        if not operation.can_clear(known):
            guess = did_you_mean(known, operation.clearable)
            yield f"clear: {_shown(field)} cannot be emptied. {guess or 'These can: ' + ', '.join(operation.clearable)}"
        elif path.index is not None and not _elements(path, arguments):
            yield f"clear: {field} names nothing in {path.name}: give {path.name} too, with all that is to stay."
        elif _is_given(path, arguments):
            yield f"clear: {field} is given as well. Empty it or set it, not both."


def _elements(path: FieldPath, arguments: Mapping[str, Any]) -> list[object]:
    """The elements of a list of the call that a path chooses."""
    given: object = arguments.get(path.name)
    parts = cast("list[object]", given) if isinstance(given, list) else []
    return [part for position, part in enumerate(parts) if path.chooses(position)]


def _is_given(path: FieldPath, arguments: Mapping[str, Any]) -> bool:
    """Whether the call sets a field that it empties as well."""
    if path.index is not None:
        return any(isinstance(part, dict) and path.part in part for part in _elements(path, arguments))
    value: object = arguments.get(path.name)
    return (isinstance(value, dict) and path.part in value) if path.part else path.name in arguments


def _broken(value: object, path: str = "") -> Iterator[str]:
    """What a JSON parser lets through: one half of a surrogate pair, NaN and infinity."""
    if isinstance(value, str):
        if not value.isascii() and _HALF.search(value):
            yield f"{path} contains an invalid character: write it again."
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{path} must be a number, not {value}."
    elif isinstance(value, dict):
        for name, part in cast("dict[str, object]", value).items():
            yield from _broken(part, _join(path, name))
    elif isinstance(value, list):
        for number, part in enumerate(cast("list[object]", value)):
            yield from _broken(part, f"{path}[{number}]")


def _path(error: "ValidationError") -> str:
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _missing(error: "ValidationError") -> list[str]:
    # One error per missing name, which stands quoted at the start of jsonschema's message.
    return [name for name in cast("list[str]", error.validator_value) if error.message.startswith(f"{name!r} ")]


def _unexpected(error: "ValidationError") -> list[str]:
    known = cast(Json, error.schema).get("properties", {})
    return [name for name in cast(Json, error.instance) if name not in known]


def _about(error: "ValidationError", name: str) -> str:
    description = cast(Json, error.schema).get("properties", {}).get(name, {}).get("description", "")
    # A description follows the name of its argument; in brackets, it needs no capital.
    lower = description[:1].lower() + description[1:] if not description[1:2].isupper() else description
    return f" ({lower.rstrip('.')})" if description else ""


def _what_is_right(error: "ValidationError") -> str:
    value, wanted, schema = error.instance, cast(Any, error.validator_value), cast(Json, error.schema)
    shown = _shown(value)
    match error.validator:
        case "type":
            return f"must be {_kind(wanted)}, not {shown}{_how_to_write(wanted, value, schema)}."
        case "pattern" if wanted == ID_PATTERN:
            return f"must be a Zoho id, digits only, not {shown}: look it up first."
        case "pattern":
            return f"must look like {schema.get('description', wanted)}, not {shown}."
        case "format" if wanted == "date":
            return f"must be a valid date, written yyyy-mm-dd, not {shown}."
        case "format":
            return f"must be one e-mail address, not {shown}."
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
            return f"must be {wanted} or more, not {shown}."
        case "exclusiveMinimum":
            return f"must be more than {wanted}, not {shown}."
        case "maximum":
            return f"must be {wanted} or less, not {shown}."
        case _:
            return f"is wrong: {error.message}."


def _kind(wanted: str | list[str]) -> str:
    return " or ".join(_KINDS[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _how_to_write(wanted: str | list[str], value: object, schema: Json) -> str:
    if wanted == "string" and isinstance(value, int) and not isinstance(value, bool):
        return f': put it in quotes, "{value}"'
    if isinstance(value, str) and wanted in ("number", "integer") and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        return f": write {value} without quotes"
    if wanted == "array":
        return ": put it in [ ]"
    return f": {schema['description'].rstrip('.')}" if schema.get("description") else ""


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, dict | list) else ("a list" if isinstance(value, list) else "an object")
    return text if len(text) <= 60 else text[:57] + "…"
