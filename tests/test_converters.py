"""Every tool through the converters of three widely used clients; none may be lost or stay untyped."""

from typing import Any

import pytest

from zoho_mcp.specs.load import load

pytestmark = pytest.mark.converters
TOOLS: dict[str, dict[str, Any]] = {
    name: operation.published_input
    for product in ("invoice", "books")
    for name, operation in load(product).operations.items()
}


@pytest.mark.parametrize("name", TOOLS)
def test_google_genai_converts_the_schema(name: str) -> None:
    types = pytest.importorskip("google.genai.types", reason="google-genai is not installed", exc_type=ImportError)
    found = types.Schema.from_json_schema(json_schema=types.JSONSchema.model_validate(TOOLS[name]))
    assert set(found.properties or {}) == set(TOOLS[name]["properties"])


@pytest.mark.parametrize("name", TOOLS)
def test_openai_agents_makes_the_schema_strict(name: str) -> None:
    strict = pytest.importorskip("agents.strict_schema", reason="openai-agents is not installed", exc_type=ImportError)
    found = strict.ensure_strict_json_schema(dict(TOOLS[name]))
    assert set(found["required"]) == set(TOOLS[name]["properties"])


@pytest.mark.parametrize("name", TOOLS)
def test_pydantic_ai_converts_the_schema(name: str) -> None:
    profiles = pytest.importorskip("pydantic_ai.profiles.openai", reason="pydantic-ai is not installed",
                                   exc_type=ImportError)  # fmt: skip
    found = profiles.OpenAIJsonSchemaTransformer(TOOLS[name], strict=True).walk()
    assert set(found["properties"]) == set(TOOLS[name]["properties"])
