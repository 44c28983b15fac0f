"""Who may import whom: the folder is the layer."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

import zoho_mcp

SPEC_VALUES = ("specs.schema", "specs.entry", "specs.model")
PACKAGE = Path(zoho_mcp.__file__).parent
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    # layer: (of ours, third party)
    "errors": (set(), set()),
    "private_files": (set(), {"anyio", "filelock"}),
    "times": (set(), set()),
    "text": (set(), set()),
    "settings": ({"errors", "private_files", "settings"}, {"pydantic", "keyring"}),
    "specs": ({"errors", "text", "specs"}, {"pydantic", "jsonschema"}),
    "telemetry": ({"errors", "settings", "telemetry"}, {"opentelemetry", "prometheus_client"}),
    "zoho": (
        {"errors", "private_files", "text", "times", "settings", "telemetry", *SPEC_VALUES, "zoho"},
        {"httpx", "anyio", "filelock", "pydantic"},
    ),
    "policy": ({"errors", "private_files", "text", "settings", *SPEC_VALUES, "policy"}, {"pydantic", "anyio"}),
    "audit": ({"errors", "private_files", "settings", *SPEC_VALUES, "audit"}, {"pydantic", "filelock"}),
    "pages": ({"errors", "pages"}, {"anyio", "h11", "markupsafe", "starlette", "uvicorn"}),
    "approval_page": ({"errors", "text", "policy", "pages", "approval_page"}, {"anyio", "markupsafe", "starlette"}),
    "server": (
        {
            "errors",
            "private_files",
            "text",
            "times",
            "settings",
            "specs",
            "zoho",
            "policy",
            "audit",
            "pages",
            "approval_page",
            "telemetry",
            "server",
        },
        {"mcp", "mcp_types", "anyio", "opentelemetry", "pydantic"},
    ),
    "replicas": (
        {"errors", "settings", "zoho", "policy", "server", "replicas"},
        {"anyio", "cryptography", "redis"},
    ),
    "http": (
        {
            "errors",
            "settings",
            "private_files",
            "zoho.oauth.pkce",
            "policy",
            "pages",
            "approval_page",
            "server",
            "http",
        },
        {"mcp", "mcp_types", "anyio", "httpx", "jwt", "markupsafe", "pydantic", "starlette", "uvicorn"},
    ),
    "connect": (
        {"errors", "private_files", "settings", "specs", "telemetry", "zoho", "pages", "server", "connect"},
        {"anyio", "httpx", "markupsafe", "mcp", "mcp_types", "pydantic", "starlette"},
    ),
    "sandbox": ({"sandbox"}, {"starlette"}),
}
MODULES_OF_THEIR_OWN = {"errors", "private_files", "text", "times"}
PURE = {
    "zoho/request.py": {"errors", "text", *SPEC_VALUES},
    "zoho/response.py": {"errors", "zoho.refusals", "zoho.request"},
    "zoho/refusals.py": {"errors", "text", "zoho.request"},
}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "no relative imports"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def allowed(name: str, ours: set[str], foreign: set[str]) -> bool:
    top, _, rest = name.partition(".")
    if top == "zoho_mcp":
        return rest == "__version__" or any(rest == own or rest.startswith(own + ".") for own in ours)
    return top in sys.stdlib_module_names or top in foreign


@pytest.mark.parametrize("module", [name for name in MODULES if name.split("/")[0].removesuffix(".py") in MAY_IMPORT])
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    ours, foreign = MAY_IMPORT[module.split("/")[0].removesuffix(".py")]
    assert [name for name in imports(PACKAGE / module) if not allowed(name, ours, foreign)] == []


@pytest.mark.parametrize("module", PURE)
def test_requests_and_payloads_are_made_without_any_library(module: str) -> None:
    assert [name for name in imports(PACKAGE / module) if not allowed(name, PURE[module], set())] == []


def test_only_settings_and_the_commands_read_the_environment() -> None:
    readers = [name for name in MODULES if "os.environ" in (PACKAGE / name).read_text(encoding="utf-8")]
    assert [name for name in readers if not name.startswith(("cli/", "settings/"))] == []


def test_the_table_in_contributing_is_this_one() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows: list[tuple[str, str]] = re.findall(r"^\| `zoho_mcp/(\w+)(?:/|\.py)` \|.*\| (.*) \|$", text, re.MULTILINE)
    said = {layer: set(ours.split(", ")) - {"nothing"} for layer, ours in rows if layer != "cli"}
    assert said == {layer: ours - {layer} for layer, (ours, _) in MAY_IMPORT.items()}


def test_every_folder_is_a_known_layer() -> None:
    assert {name.split("/")[0] for name in MODULES if "/" in name} == set(MAY_IMPORT) - MODULES_OF_THEIR_OWN | {"cli"}


def graph() -> dict[str, set[str]]:
    """Our modules and what of ours each imports, wherever in the file the import stands."""
    names = {path: path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in MODULES}
    known = set(names.values())
    found: dict[str, set[str]] = {}
    for path, name in names.items():
        imported = {one.removeprefix("zoho_mcp.") for one in imports(PACKAGE / path) if one.startswith("zoho_mcp.")}
        found[name] = {one if one in known else one.rpartition(".")[0] for one in imported} & known - {name}
    return found


def test_no_module_imports_itself_over_others() -> None:
    waiting = graph()
    while free := {name for name, imported in waiting.items() if not imported & waiting.keys()}:
        waiting = {name: imported for name, imported in waiting.items() if name not in free}
    assert {name: sorted(imported & waiting.keys()) for name, imported in waiting.items()} == {}
