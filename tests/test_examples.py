"""Each example in an environment of its own, with the libraries that its first lines name; no model is needed."""

import json
import os
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.server.tools.offered import offered
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load

pytestmark = [
    pytest.mark.converters,
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
    pytest.mark.skipif(find_spec("agents") is None, reason="only with the libraries of the converters group"),
]
FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("with_*.py"))
OFFERED = offered(load(), from_environment({"ZOHO_SANDBOX": "true"}, account=False))


def run(name: str, home: Path, answer: str = "") -> tuple[dict[str, Any], str]:
    """What the example printed, and what it said on stderr."""
    uv, scripts = shutil.which("uv"), sysconfig.get_path("scripts")
    assert uv is not None
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZOHO_", "XDG_", "CLAUDE"))}
    done = subprocess.run(
        [uv, "run", "--quiet", "--no-project", "--script", str(FOLDER / name)],
        env=kept | {"PATH": scripts + os.pathsep + kept["PATH"], "HOME": str(home), "UV_CACHE_DIR": cache},
        cwd=home, input=answer, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.index("{") :]), done.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_connects_lists_every_tool_and_calls_one(name: str, tmp_path: Path) -> None:
    found, said = run(name, tmp_path, "no\nno\n")
    assert found["tools"] >= len(OFFERED)
    if "draft" in found:
        assert found["draft"] in said, "the person was not asked"
    elif "result" in found:
        result = json.loads(found["result"]) if isinstance(found["result"], str) else found["result"]
        assert "currencies" in result
    else:
        assert found["status"] == "connected"
