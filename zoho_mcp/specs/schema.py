"""The subset of JSON Schema that `input` may use, and the schemas published to clients."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]
ID_PATTERN = "^[0-9]+$"
"""The pattern for every argument whose name ends in `_id`."""
_UNPUBLISHED = frozenset({"format", "exclusiveMinimum", "minProperties"})
"""Keywords that some clients cannot read; only the checker uses them."""


class Frozen(BaseModel):
    """An immutable value read from JSON; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Schema(Frozen):
    """The subset of JSON Schema that `input` may use. Other keywords are errors: most clients cannot read them."""

    type: Literal["string", "number", "integer", "boolean", "array", "object"] | None = None
    ref: str = Field(default="", alias="$ref", pattern=r"^_shared\.json#/\$defs/\w+$")
    """A definition in _shared.json; keys beside it win."""
    description: str = ""
    properties: Mapping[str, "Schema"] = {}
    required: tuple[str, ...] = ()
    items: "Schema | None" = None
    enum: tuple[str, ...] = ()
    pattern: str = ""
    format: Literal["date", "email"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = Field(default=None, alias="exclusiveMinimum")
    min_length: int | None = Field(default=None, alias="minLength")
    max_length: int | None = Field(default=None, alias="maxLength")
    min_items: int | None = Field(default=None, alias="minItems")
    max_items: int | None = Field(default=None, alias="maxItems")
    min_properties: int | None = Field(default=None, alias="minProperties")
    needs: tuple[tuple[str, ...], ...] = Field(default=(), alias="x-needs")
    """For objects: groups of properties of which at least one is required. Checked here, not published."""
    edition: tuple[str, ...] = Field(default=(), alias="x-edition")
    """The editions that have this field; empty: all."""
    brief: bool = Field(default=False, alias="x-brief")
    """Publish only the description, not the contents."""
    terse: bool = Field(default=False, alias="x-terse")
    """For an object or a list of objects: publish only names and types of its fields."""
    unlisted: bool = Field(default=False, alias="x-unlisted")
    """Accepted but not published: it is set automatically, or hardly ever needed."""
    plain: bool = Field(default=False, alias="x-plain")
    """The name is self-explanatory: the description is not published."""
    without: Mapping[str, str] = Field(default={}, alias="x-without")
    """Tool to the description used where that tool is not offered."""
    default: str | float | bool | None = Field(default=None, alias="x-default")
    """Zoho's default: two calls that differ only in giving it are the same call."""
    unset_at_zero: bool = Field(default=False, alias="x-unset-at-zero")
    """For numbers: 0 counts as not given."""
    number: bool = Field(default=False, alias="x-number")
    """For strings: a number is accepted too and converted to its digits."""


def published(schema: Any) -> Any:
    """A schema in the dialect that every client reads: without `x-` keywords, `format` and the like.

    Dates are described as yyyy-mm-dd. Lower bounds of 0 or 1, descriptions of `x-plain` fields, the contents of
    `x-brief` fields and whole `x-unlisted` fields are omitted. Of `x-terse` fields, only names and types remain.
    """
    if isinstance(schema, list):
        return [published(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    whole = cast(Json, schema)
    parts = {key: part for key, part in whole.items() if not key.startswith("x-") and key not in _UNPUBLISHED}
    for key in ("minimum", "minItems", "minLength"):
        if parts.get(key, 2) < 2:
            del parts[key]
    if whole.get("format") == "date":
        parts["description"] = f"{whole.get('description', 'Day')}, yyyy-mm-dd"
    if "x-plain" in schema:
        parts.pop("description", None)
    if "x-brief" in schema:
        parts = {key: part for key, part in parts.items() if key not in ("properties", "required")}
        parts |= {"items": {"type": parts["items"]["type"]}} if "items" in parts else {}
    if "x-terse" in schema:
        parts |= {"items": _types(parts["items"])} if "items" in parts else _types(parts)
    properties = cast("Json | None", parts.pop("properties", None))
    result = {key: published(part) for key, part in parts.items()}
    if properties is not None:
        result["properties"] = {
            name: published(part) for name, part in properties.items() if not part.get("x-unlisted")
        }
    return result


def _types(schema: Json) -> Json:
    """The schema of an object, reduced to the names and types of its fields."""
    shown = {name: part for name, part in schema["properties"].items() if not part.get("x-unlisted")}
    inside = {name: {"type": part["type"]} for name, part in shown.items()}
    return {"type": schema["type"], "properties": inside}


def worded_for(schema: Any, offered: Collection[str]) -> Any:
    """The schema with descriptions that mention only the offered tools; see `x-without`."""
    if isinstance(schema, list):
        return [worded_for(part, offered) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts: Json = {key: worded_for(part, offered) for key, part in cast(Json, schema).items()}
    texts = parts.get("x-without")
    if isinstance(texts, dict):
        missing = [text for tool, text in cast(Json, texts).items() if tool not in offered]
        parts |= {"description": missing[0]} if missing else {}
    return parts
