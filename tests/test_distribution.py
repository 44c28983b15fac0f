"""What is uploaded: an sdist that makes the wheel, and both work in an empty environment."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
from collections.abc import Sequence
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import call
from mcp import Client, StdioServerParameters

import zoho_mcp
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.profiles import Profiles, token_folder

pytestmark = pytest.mark.processes

CHECKOUT = Path(zoho_mcp.__file__).parent.parent
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("ZOHO_", "PYTHON"))}


def done(command: Sequence[str | Path], cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, env=PLAIN, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment into which nothing but our sdist was installed, with what it asks for."""
    folder = tmp_path_factory.mktemp("distribution")
    venv.create(folder / "builder", with_pip=True)
    venv.create(folder / "user")
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    needed = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    done([folder / "builder" / scripts / "pip", "install", "--quiet", *needed], folder)
    done([folder / "builder" / scripts / "hatchling", "build", "-t", "sdist", "-d", folder / "dist"], CHECKOUT)
    [sdist] = (folder / "dist").glob("*.tar.gz")
    pip = [folder / "builder" / scripts / "pip", "--python", folder / "user"]
    done([*pip, "install", "--quiet", "--no-compile", sdist], folder)
    return folder / "user" / scripts


def installed(empty: Path) -> Distribution:
    [info] = empty.parent.rglob("zoho_invoice_mcp-*.dist-info")
    return PathDistribution(info)


def test_the_metadata_says_what_people_look_for(empty: Path) -> None:
    metadata: Any = installed(empty).metadata
    assert (metadata["Name"], metadata["Version"]) == ("zoho-invoice-mcp", zoho_mcp.__version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    assert "mcp-name: io.github.zoho-invoice-mcp/zoho-invoice-mcp" in str(metadata.get_payload())
    shown = re.findall(r'(?:src="|\]\()([^)"]+)', str(metadata.get_payload()))
    assert any("/raw/HEAD/docs/pictures/" in address for address in shown)
    assert [address for address in shown if not address.startswith(("https://", "#"))] == []
    assert any(one.startswith("mcp<3,>=2.3") for one in metadata.get_all("Requires-Dist"))


def test_a_plain_installation_stays_small(empty: Path) -> None:
    names = {path.name.partition("-")[0] for path in empty.parent.rglob("*.dist-info")} - {"pip", "setuptools"}
    assert len(names) < 40, sorted(names)


def test_the_sdist_holds_what_the_tests_of_a_packager_need(empty: Path) -> None:
    [sdist] = (empty.parent.parent / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ["tool_specs/invoices.json", "tests/conftest.py", "bundle/icon.png", "docs/registry.py"]
    files = ["server.json", "LICENSE", "SECURITY.md", "Makefile", "CHANGELOG.md", "Dockerfile", "compose.yaml"]
    assert [name for name in [*wanted, *files] if name not in names] == []


def test_every_file_of_the_package_is_installed(empty: Path) -> None:
    [place] = empty.parent.rglob("site-packages/zoho_mcp")
    for folder, there in (("zoho_mcp", place), ("tool_specs", place / "tool_specs")):
        files = [path.relative_to(CHECKOUT / folder) for path in (CHECKOUT / folder).rglob("*.*") if path.is_file()]
        assert [path for path in files if path.suffix != ".pyc" and not (there / path).exists()] == []


def test_the_command_starts_lists_and_runs_the_demo(empty: Path, tmp_path: Path) -> None:
    command = empty / "zoho-invoice-mcp"
    assert done([command, "--version"], tmp_path) == f"zoho-invoice-mcp {zoho_mcp.__version__}\n"
    assert "no problems" in done([command, "check"], tmp_path)
    assert "create_invoice" in done([command, "tools"], tmp_path)
    told = done([command, "demo"], tmp_path)
    [pdf] = (tmp_path / "demo-output").glob("*.pdf")
    assert pdf.name in told
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert str(command) in done([command, "install", "--print", "--sandbox"], tmp_path)


@pytest.mark.anyio
async def test_it_answers_over_stdio(empty: Path, tmp_path: Path) -> None:
    server = StdioServerParameters(command=str(empty / "zoho-invoice-mcp"), args=["--sandbox"], env=PLAIN, cwd=tmp_path)
    with anyio.fail_after(60):
        async with Client(server) as client:
            assert (await client.list_tools()).tools
            assert (await call(client, "list_invoices"))["invoices"]


def test_everything_a_container_keeps_is_in_its_volume() -> None:
    """Read, not run: a root file system that is read-only takes nothing else."""
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    variables = dict(re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))
    [volume] = re.findall(r"^VOLUME (\S+)$", text, re.MULTILINE)
    settings = from_environment(variables, account=False)
    profiles, tokens = Profiles.of(variables).folder, token_folder(variables)
    for path in (settings.audit_file, settings.limits_file, settings.users_policy_file, profiles, tokens):
        assert Path(str(path)).is_relative_to(volume), path
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for name in line.split()]
    allowed = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [name for name in copied if not (CHECKOUT / name).exists() or f"!{name}" not in allowed] == []
