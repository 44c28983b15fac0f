"""The repository's own files agree with each other and with the code."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def pins() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return {canonicalize_name(found[1]): found[2] for line in text.splitlines() if (found := LINE.match(line))}


def test_every_dependency_has_an_upper_bound_and_a_tested_version_within_it() -> None:
    project, tested = PROJECT["project"], pins()
    needed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, needed):
        bounded = any(one.operator in ("<", "==", "~=") for one in requirement.specifier)
        assert bounded or requirement.name == "tzdata", requirement
        assert tested[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_every_manifest_says_the_same_version() -> None:
    versions: dict[str, str] = runpy.run_path(str(ROOT / ".github" / "check_version.py"))["versions"]()
    assert set(versions) >= {"pyproject.toml", "zoho_mcp/__init__.py", "server.json"}
    assert len(set(versions.values())) == 1, versions


def test_alerts_are_about_measures_and_outcomes_that_exist() -> None:
    """The measures as docs/observability.md lists them, which other tests hold against the code."""
    alerts = (ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    measures = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\bzoho_\w+", alerts)}
    assert measures
    assert [name for name in measures if f"`{name}`" not in page] == []
    assert [name for name in re.findall(r'outcome="(\w+)"', alerts) if f"`{name}`" not in page] == []


def test_pages_named_for_machines_exist() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("llms.txt", "AGENTS.md"))
    named = re.findall(r"/blob/main/([\w./-]+)|\]\((?!https?:)([\w./-]+)\)", text)
    assert named
    assert [path for pair in named for path in pair if path and not (ROOT / path).exists()] == []
