"""Checks for authors of entries: portable schemas, descriptions and sizes. Used by `check` and the tests."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json

_COMBINATORS = frozenset({"oneOf", "anyOf", "allOf", "not", "if", "enum"})
BYTES_PER_TOKEN = 4.4
"""Measured on this server's own tools/list with OpenAI's o200k vocabulary; other models differ a little."""
LARGEST_TOOL = 2_400
"""Bytes of name, description and input schema as compact JSON. All sizes are measured this way."""
TOOLSET_SIZE, TOOLSET_SIZE_PER_TOOL = 5_000, 500
"""Bytes of a toolset: a fixed part, for forms with many fields, and a part per tool."""
DEFAULT_SIZE_PER_TOOL = 670
"""Average bytes of a default tool: 72 of them are just under 11,000 tokens."""


def tool_size(operation: Operation) -> int:
    """Bytes of a tool in tools/list: name, description and input schema as compact JSON."""
    tool = {"name": operation.name, "description": operation.description, "inputSchema": operation.published_input}
    return len(json.dumps(tool, separators=(",", ":"), ensure_ascii=False).encode())


def check_entry(operation: Operation, *, sized: bool = True) -> list[str]:
    """Problems with the schemas, descriptions and size of an entry, a clause for each."""
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
    """Problems between entries, in the plain edition, a sentence for each."""
    problems = [
        f"{operation.toolset}.json: {operation.name}: {problem}"
        for operation in catalog.operations.values()
        for problem in (*_mentions_of_extra_tools(operation, catalog), *_bad_selections(operation, catalog))
    ]
    return [*problems, *_over_budget(catalog)]


def _mentions_of_extra_tools(operation: Operation, catalog: Catalog) -> Iterator[str]:
    """Mentions of tools in other extra toolsets, which may not be offered together with this one."""
    extra = catalog.extra.keys() - {operation.toolset}
    others = {name for name, one in catalog.operations.items() if one.toolset in extra}
    worded = operation.worded_for(catalog.operations.keys() - others)
    words = set(re.findall(r"\w+", json.dumps([worded.description, worded.published_input])))
    for name in sorted(words & others):
        yield f"it names {name}, which may not be offered: say it in other words, or give other words in x-without."


def _bad_selections(operation: Operation, catalog: Catalog) -> Iterator[str]:
    """Reads that do not select fields, and changes whose result shows nothing of the record."""
    answer = operation.answer
    whole = answer.key and not (answer.columns or answer.fields or operation.handler)
    if operation.effect == "read" and whole and operation.toolset not in catalog.extra:
        yield (
            f"name what people read of the record, in answer.fields or under {answer.key} in `fields` of _shared.json. "
            "Only records of extra toolsets may be shown whole."
        )
    changed = [reader for name in operation.input.get("required", ()) if (reader := catalog.reader_of(name))]
    shown = answer.key or operation.after.read
    if operation.effect != "read" and changed and not shown:
        yield f"its result says nothing of the record: name {changed[0].name} in after.read."


def _over_budget(catalog: Catalog) -> Iterator[str]:
    """Toolsets that exceed their budget, and the default tools if they do."""
    for toolset in catalog.toolsets:
        sizes = [tool_size(tool) for tool in catalog.operations.values() if tool.toolset == toolset]
        if (size := sum(sizes)) > (most := TOOLSET_SIZE + len(sizes) * TOOLSET_SIZE_PER_TOOL):
            yield f"{toolset}.json costs {size} bytes in tools/list, at most {most}: shorten descriptions."
    sizes = [tool_size(tool) for tool in catalog.operations.values() if tool.toolset not in catalog.extra]
    if (size := sum(sizes)) > (most := len(sizes) * DEFAULT_SIZE_PER_TOOL):
        yield (
            f"The default tools cost {size} bytes in tools/list, at most {most}: shorten descriptions, mark rare "
            "arguments x-unlisted, or make the toolset extra."
        )


@cache
def _schema_problem(text: str) -> str:
    """Why a text is not a valid JSON Schema, or empty. Cached: a check takes milliseconds, and editions share most."""
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
    """Features of a published schema that some clients cannot read: every node needs exactly one type."""
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
