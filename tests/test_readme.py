"""The README says what is so: its tables, its configuration examples, its commands."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import zoho_mcp
from zoho_mcp.settings import SETTINGS

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", CHECKOUT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_specs_and_settings() -> None:
    assert [f"<!-- {name} -->" in README for name in ("tools", "settings")] == [True, True]
    for page in (CHECKOUT / "README.md", CHECKOUT / "docs" / "coverage.md"):
        text = page.read_text(encoding="utf-8")
        assert tables().filled(text) == text, "run: .venv/bin/python docs/tables.py"


def test_the_configuration_examples_are_json_with_settings_that_exist() -> None:
    names = {setting.name for setting in SETTINGS}
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    assert len(examples) == 2
    for example in examples:
        assert set(example["mcpServers"]["zoho-invoice"].get("env", {})) <= names


def test_every_setting_that_is_named_exists() -> None:
    names = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"\bZOHO_[A-Z_]*[A-Z]\b", README)) <= names
