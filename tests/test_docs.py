"""The pages in docs/ say what is so: commands run, messages and settings exist, links lead somewhere."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

import zoho_mcp
from zoho_mcp.cli.clients.apps import CLIENTS, Machine
from zoho_mcp.settings.variables import SETTINGS

pytestmark = pytest.mark.processes

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md")))
    if path.name not in ("AGENTS.md", "llms-install.md")  # For programs; no pages of the site.
}
PLAIN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("ZOHO_", "XDG_", "CLAUDE_", "CODEX_", "GEMINI_"))
}


SHELLS = [shell for shell in ("zsh", "bash") if shutil.which(shell)]


def blocks(page: str, language: str = "sh") -> list[str]:
    """Blocks of code in a page, also those inside a list, without their indentation."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block).strip() for block in found]


def runnable(*pages: str) -> list[str]:
    """The commands that are marked to be run, in order."""
    marked = (re.findall(r"^ *<!-- run -->\n( *```sh\n.*?^ *```$)", page, re.DOTALL | re.MULTILINE) for page in pages)
    return [block for found in marked for one in found for block in blocks(one)]


def messages() -> list[str]:
    return re.findall(r"^### `(.+)`$", PAGES["troubleshooting.md"], re.MULTILINE)


@cache
def texts() -> str:
    """Every string of the package; the parts of an f-string one by one, as they are written."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (CHECKOUT / "zoho_mcp").rglob("*.py"))
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join(value for value in constants if isinstance(value, str))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home with every chat app's folder, and the command on the PATH."""
    shim = tmp_path / "bin" / "zoho-invoice-mcp"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m zoho_mcp.cli.main "$@"\n')
    shim.chmod(0o755)
    home = tmp_path / "home"
    for client in CLIENTS.values():
        client.file(Machine(sys.platform, home, {})).parent.mkdir(parents=True, exist_ok=True)
    (home / ".claude").mkdir(exist_ok=True)
    path = f"{shim.parent}{os.pathsep}{PLAIN['PATH']}"
    return PLAIN | {"HOME": str(home), "PYTHONPATH": str(CHECKOUT), "PATH": path}


def run(shell: list[str], command: str, environment: dict[str, str], folder: Path) -> None:
    result = subprocess.run(
        [*shell, command],
        cwd=folder, env=environment, input="y\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, command + "\n" + result.stdout + result.stderr


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a shell")
@pytest.mark.parametrize("shell", SHELLS)
def test_the_commands_of_the_readme_run_as_written(shell: str, tmp_path: Path, environment: dict[str, str]) -> None:
    arguments = [shell, "-fc"] if shell == "zsh" else [shell, "-c"]
    for command in runnable(PAGES["README.md"]):
        run(arguments, command, environment, tmp_path)
    for command in blocks(PAGES["README.md"]):
        if command.startswith("make "):
            run(arguments, command.replace("make ", "make --dry-run "), environment, CHECKOUT)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a shell")
def test_the_commands_of_the_other_pages_run_one_after_the_other_as_written(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    commands = runnable(*(page for name, page in PAGES.items() if name != "README.md"))
    assert len(commands) >= 10
    for command in commands:
        run(["/bin/sh", "-c"], command, environment, tmp_path)


@pytest.mark.processes
def test_the_site_builds_without_a_warning_and_has_every_page(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    result = subprocess.run(
        command, cwd=CHECKOUT, env=PLAIN | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    for name in PAGES:
        page = "" if name == "README.md" else name.removesuffix(".md")
        assert (tmp_path / page / "index.html").exists()


@pytest.mark.parametrize("page", PAGES)
def test_a_block_is_one_command_without_a_comment(page: str) -> None:
    for block in blocks(PAGES[page]) + blocks(PAGES[page], "powershell"):
        assert " #" not in block
        assert not block.startswith("#")
        assert len(block.replace("\\\n", "").splitlines()) == 1, block


@pytest.mark.skipif(not SHELLS, reason="there is no zsh and no bash")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(PAGES[page])])
def test_a_block_can_be_read_by_the_shells(page: str) -> None:
    for shell in SHELLS:
        for block in blocks(PAGES[page]):
            subprocess.run([shell, "-n"], input=block, text=True, check=True, timeout=20)


@pytest.mark.parametrize("message", messages())
def test_a_message_that_is_explained_is_one_the_product_says(message: str) -> None:
    parts = [part.strip() for part in re.split("\u2039[^\u203a]*\u203a", message)]
    long = [part for part in parts if len(part) > 4]
    assert long
    assert [part for part in parts if part not in texts()] == []


def test_the_files_of_the_clients_are_those_the_code_uses() -> None:
    for client in CLIENTS.values():
        for platform in ("darwin", "win32", "linux"):
            path = str(PurePosixPath(client.file(Machine(platform, Path("~"), {}))))
            if platform == "win32":
                path = path.replace("~/AppData/Roaming", "%APPDATA%").replace("/", "\\")
            assert f"`{path}`" in PAGES["clients.md"], f"{client.name} on {platform}: {path}"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_explains_a_message_twice(page: str) -> None:
    headings = (line for line in PAGES[page].splitlines() if line.startswith("### `"))
    without_names = [re.sub("\u2039[^\u203a]*\u203a", "…", heading) for heading in headings]
    assert [line for line, count in Counter(without_names).items() if count > 1] == []


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_are_named_exist(page: str) -> None:
    names = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"\bZOHO_[A-Z_]*[A-Z]\b", PAGES[page])) <= names


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    folder = CHECKOUT if (CHECKOUT / page).exists() else CHECKOUT / "docs"
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGES[page]):
        path, _, anchor = target.partition("#")
        assert (folder / path).exists(), target
        text = (folder / path).read_text(encoding="utf-8") if path.endswith(".md") else PAGES[page]
        titles = {
            re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        assert not anchor or anchor in titles, target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    if page == "CHANGELOG.md":
        return
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|json|md))`", PAGES[page])
    folders = [CHECKOUT / part for part in (".", "zoho_mcp", "tests", "docs")]
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []
