"""Rules that matter to the author of an entry: portable schemas, descriptions and sizes. For `check` and the tests."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json

_COMBINATORS = frozenset({"oneOf", "anyOf", "allOf", "not", "if", "enum"})
BYTES_PER_TOKEN = 4.4
"""Measured on this server's own tools/list with OpenAI's o200k vocabulary; other models differ a little."""
LARGEST_TOOL = 2_400
"""Bytes of name, description and input schema as compact JSON. All sizes are counted like this."""
TOOLSET_SIZE, TOOLSET_SIZE_PER_TOOL = 5_000, 500
"""Bytes of a toolset: what a form with many fields takes, and more for each tool."""
DEFAULT_SIZE_PER_TOOL = 670
"""Bytes of the tools that are offered by default, on average: 72 of them are just under 11,000 tokens."""


def tool_size(operation: Operation) -> int:
    """Bytes that the tool costs in tools/list: name, description and input schema as compact JSON."""
    tool = {"name": operation.name, "description": operation.description, "inputSchema": operation.published_input}
    return len(json.dumps(tool, separators=(",", ":"), ensure_ascii=False).encode())


def check_entry(operation: Operation, *, sized: bool = True) -> list[str]:
    """What is wrong with one entry's schemas, descriptions and size; a clause for each problem."""
    schemas = (operation.input, operation.output)
    problems = [problem for schema in schemas if (problem := _schema_problem(json.dumps(schema)))]
    if operation.input.get("type") != "object":
        problems.append("the input is an object")
    problems += [
        f"no {key} at the top of the input: some hosts refuse it" for key in _COMBINATORS & set(operation.input)
    ]
    problems += [f"{path} has no description" for path in _undescribed(operation.input, "")]
    problems += not_portable(operation.published_input)
    if sized and (size := tool_size(operation)) > LARGEST_TOOL:
        problems.append(f"costs {size} bytes in tools/list, at most {LARGEST_TOOL}")
    return problems


def check_catalog(catalog: Catalog) -> list[str]:
    """What is wrong with toolsets as a whole, in the plain edition; a sentence for each problem."""
    usual = [one for one in catalog.operations.values() if one.toolset not in catalog.extra]
    problems = [
        f"{one.toolset}.json: {one.name}: name what people read of the record, in answer.fields or under "
        f"{one.answer.key} in `fields` of _shared.json. Only records of extra toolsets may be shown whole."
        for one in usual
        if one.effect == "read" and one.answer.key and not (one.answer.columns or one.answer.fields or one.handler)
    ]
    for toolset in catalog.toolsets:
        sizes = [tool_size(one) for one in catalog.operations.values() if one.toolset == toolset]
        if (size := sum(sizes)) > (most := TOOLSET_SIZE + len(sizes) * TOOLSET_SIZE_PER_TOOL):
            problems.append(f"{toolset}.json costs {size} bytes in tools/list, at most {most}: shorten descriptions.")
    if (size := sum(map(tool_size, usual))) > (most := len(usual) * DEFAULT_SIZE_PER_TOOL):
        problems.append(
            f"The default tools cost {size} bytes in tools/list, at most {most}: shorten descriptions, mark rare "
            "arguments x-unlisted, or make the toolset extra."
        )
    return problems


@cache
def _schema_problem(text: str) -> str:
    """What is wrong with a schema; empty if nothing. Most are the same in every edition, and one takes milliseconds."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(text))
    except SchemaError as problem:
        return f"not a JSON Schema: {problem.message}"
    return ""


_PORTABLE = frozenset({
    "type", "description", "properties", "required", "items", "enum", "pattern", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems",
})  # fmt: skip


def not_portable(schema: Json, path: str = "the input") -> list[str]:
    """What in a published schema some client cannot read: every node has one type, an object is described by names."""
    problems = [f"{path}: {key} is not read by every client" for key in schema.keys() - _PORTABLE]
    if not isinstance(schema.get("type"), str):
        problems.append(f"{path} needs exactly one type")
    for name, part in cast(Json, schema.get("properties", {})).items():
        problems += not_portable(part, f"{path}.{name}")
    if isinstance(items := schema.get("items"), dict):
        problems += not_portable(cast(Json, items), path + "[]")
    elif schema.get("type") == "array":
        problems.append(f"{path} does not say what its items are")
    return problems


def _properties(schema: Json, path: str) -> Iterator[tuple[str, str, Json]]:
    for name, part in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else str(name)
        yield name, inner, part
        yield from _properties(part, inner)
    items: Any = schema.get("items")
    if isinstance(items, dict):
        yield from _properties(cast(Json, items), path + "[]")


def _undescribed(schema: Json, path: str) -> list[str]:
    return [inner for _, inner, part in _properties(schema, path) if not part.get("description")]
