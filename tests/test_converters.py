"""Every tool of every product and edition through the converters of three widely used clients.

No tool, argument or type may be lost, with several organisations either.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from zoho_mcp.server.tools.offered import for_organizations
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import EDITIONS
from zoho_mcp.specs.check import not_portable
from zoho_mcp.specs.load import load

Schema = Mapping[str, Any]
SEVERAL = from_environment({"ZOHO_ORGANIZATION_ID": "1,2"}, account=False)
CATALOGS = {
    f"{product}-{edition or 'none'}": (product, edition)
    for product in ("invoice", "books")
    for edition in ("", *EDITIONS)
}


def tools(product: str, edition: str) -> dict[str, dict[str, Any]]:
    operations = for_organizations(load(product, edition), SEVERAL).operations
    return {name: operation.published_input for name, operation in operations.items()}


def untyped(schema: Schema, path: str = "") -> Iterator[str]:
    """Where a JSON schema leaves open what a value is."""
    if not any(key in schema for key in ("type", "anyOf", "$ref")):
        yield path
    for name, part in schema.get("properties", {}).items():
        yield from untyped(part, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from untyped(schema["items"], path + "[]")


@pytest.mark.parametrize("catalog", CATALOGS)
def test_every_published_schema_is_portable(catalog: str) -> None:
    found = {name: not_portable(schema) for name, schema in tools(*CATALOGS[catalog]).items()}
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.converters
@pytest.mark.parametrize("catalog", CATALOGS)
def test_google_genai_converts_every_tool(catalog: str) -> None:
    types = pytest.importorskip("google.genai.types", reason="google-genai is not installed", exc_type=ImportError)
    for name, schema in tools(*CATALOGS[catalog]).items():
        found = types.Schema.from_json_schema(json_schema=types.JSONSchema.model_validate(schema))
        properties: dict[str, Any] = found.properties or {}
        assert set(properties) == set(schema["properties"]), name
        assert [key for key, part in properties.items() if not part.type] == [], name


@pytest.mark.converters
@pytest.mark.parametrize("catalog", CATALOGS)
def test_openai_agents_makes_every_tool_strict(catalog: str) -> None:
    strict = pytest.importorskip("agents.strict_schema", reason="openai-agents is not installed", exc_type=ImportError)
    for name, schema in tools(*CATALOGS[catalog]).items():
        found = strict.ensure_strict_json_schema(dict(schema))
        assert set(found["required"]) == set(schema["properties"]), name
        assert list(untyped(found)) == [], name


@pytest.mark.converters
@pytest.mark.parametrize("catalog", CATALOGS)
def test_pydantic_ai_converts_every_tool(catalog: str) -> None:
    profiles = pytest.importorskip("pydantic_ai.profiles.openai", reason="pydantic-ai is not installed",
                                   exc_type=ImportError)  # fmt: skip
    for name, schema in tools(*CATALOGS[catalog]).items():
        found = profiles.OpenAIJsonSchemaTransformer(schema, strict=True).walk()
        assert set(found["properties"]) == set(schema["properties"]), name
        assert list(untyped(found)) == [], name
