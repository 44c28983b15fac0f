"""The README says what is so: its tables, its configuration examples, its commands."""

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import anyio
import anyio.to_thread
import pytest

import zoho_mcp
from zoho_mcp.cli.main import parser
from zoho_mcp.settings.variables import DATA_CENTRES, SETTINGS

pytestmark = pytest.mark.processes

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Where dataclasses, and the other scripts, look for it.
    spec.loader.exec_module(module)
    return module


def test_the_configuration_examples_are_json_with_settings_that_exist() -> None:
    names = {setting.name for setting in SETTINGS}
    guide = (CHECKOUT / "docs" / "clients.md").read_text(encoding="utf-8")
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", guide, re.DOTALL)]
    assert len(examples) == 2
    for example in examples:
        assert set(example["mcpServers"]["zoho-invoice"].get("env", {})) <= names


def test_every_setting_that_is_named_exists() -> None:
    names = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"\bZOHO_[A-Z_]*[A-Z]\b", README)) <= names


def test_the_pictures_are_there_and_small() -> None:
    shown = re.findall(r'src="([^"]+)"', README)
    assert shown == ["docs/pictures/tour.svg"]
    for path in (CHECKOUT / "docs" / "pictures").iterdir():
        assert 4_000 < path.stat().st_size < 150_000


@pytest.mark.anyio
@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="the script needs a pseudo-terminal")
async def test_what_the_pictures_show_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    tour, pictures = script("tour"), script("pictures")
    with anyio.fail_after(60):
        seen = await pictures.session(tmp_path)
    assert seen.status == "void"
    assert seen.figures.number in seen.page
    assert tour.drawing(seen.figures) == tour.TOUR.read_text(encoding="utf-8"), "run: .venv/bin/python docs/tour.py"
    assert "✓" in await anyio.to_thread.run_sync(pictures.doctor, tmp_path)


def test_every_command_of_the_commands_table_and_every_command_there_is_stand_in_it() -> None:
    reference = (CHECKOUT / "docs" / "reference.md").read_text(encoding="utf-8")
    table = reference.partition("## Commands")[2].partition("##")[0]
    commands = re.findall(r"^    (\w+) ", parser().format_help(), re.MULTILINE)
    assert "doctor" in commands
    assert [name for name in commands if not re.search(rf"`(zoho-invoice-mcp )?{name}[` ]", table)] == []


def test_the_guide_to_accounts_has_every_data_centre_and_only_settings_and_options_that_exist() -> None:
    guide = (CHECKOUT / "docs" / "account.md").read_text(encoding="utf-8")
    for name, centre in DATA_CENTRES.items():
        assert f"| {centre.accounts.removeprefix('https://')} | `{name}` |" in guide
    assert set(re.findall(r"\bZOHO_[A-Z_]*[A-Z]\b", guide)) <= {setting.name for setting in SETTINGS}
    for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL):
        for line in str(block).splitlines():
            _, command, rest = line.partition("zoho-invoice-mcp")
            if command:
                # Exits, and so fails the test, when an option does not exist.
                parser().parse_args(shlex.split(rest))
