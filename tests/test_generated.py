"""What `docs/tables.py` writes, is written: the tables of the docs and the schema of the spec files."""

import json
import runpy
from pathlib import Path

import pytest

from zoho_mcp.specs.load import specs_folder

DOCS = Path(__file__).parent.parent / "docs"
OUTDATED = "run: .venv/bin/python docs/tables.py"
TABLES = runpy.run_path(str(DOCS / "tables.py"))


@pytest.mark.parametrize("page", ["reference", "coverage"])
def test_the_tables_are_those_of_the_specs_and_settings(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert "<!-- end -->" in text
    assert TABLES["filled"](text) == text, OUTDATED


def test_the_schema_of_spec_files_is_that_of_the_code_and_describes_its_keys() -> None:
    written = json.loads((specs_folder() / "_schema.json").read_text(encoding="utf-8"))
    assert written == TABLES["spec_schema"](), OUTDATED
    properties = {name: part["properties"] for name, part in written["$defs"].items()}
    assert properties["Http"]["account"]["description"]
    assert properties["Schema"]["x-default"]["description"]
