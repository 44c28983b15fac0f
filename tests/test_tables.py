"""Lists as tables: the same records, at half the characters, and no value in another's column."""

from typing import Any

import pytest
from conftest import Zoho

from zoho_mcp.server.results.projection import records, table
from zoho_mcp.server.results.result import compact_json, rows
from zoho_mcp.specs.load import load

LISTS = tuple(
    name
    for name, one in load().operations.items()
    if one.effect == "read" and one.answer.columns and not one.handler and not one.input.get("required")
)


def test_a_key_missing_in_one_row_shifts_nothing() -> None:
    found: list[dict[str, Any]] = [{"a": 1, "c": 3}, {"b": "x", "c": 0}, {"a": False, "d": [1]}]
    made = table(found, ["c", "b", "a"])
    assert made["columns"] == ["c", "b", "a", "d"]
    assert {len(row) for row in made["rows"]} == {4}
    assert records(made) == [{name: record[name] for name in made["columns"] if name in record} for record in found]
    assert records(table([])) == []


@pytest.mark.anyio
@pytest.mark.parametrize("tool", LISTS)
async def test_a_list_gives_back_the_records_and_has_at_most_160_characters_a_row(zoho: Zoho, tool: str) -> None:
    server, operation = zoho.server(toolsets=("all",)), load().operations[tool]
    arguments = {"per_page": 50} if "per_page" in operation.input["properties"] else {}
    async with zoho.client(toolsets=("all",)) as client, server.lifespan(server) as app:
        answer = (await client.call_tool(tool, arguments)).structured_content
        envelope = await app.api.run(tool, arguments)
    own = answer[operation.tool_answer_key]
    expected = rows(operation, envelope[operation.answer.key])
    for given, record in zip(records(own), expected, strict=True):
        assert {name: given[name] for name in record} == record
    assert sum(len(compact_json(row)) + 1 for row in own["rows"]) <= 160 * len(own["rows"])
