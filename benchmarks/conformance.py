"""The official conformance suite against our HTTP server, for both eras of the protocol.

`python benchmarks/conformance.py` installs the suite and the Node.js it needs from npm into a temporary folder, serves
ours on the sandbox, and ends with status 1 when a scenario fails that is not in conformance.yaml, or passes
though it is. That file says why each of them cannot pass with any server but the suite's own.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("node@22", "@modelcontextprotocol/conformance@0.2.0-alpha.12")
REVISIONS = ("2025-11-25", "2026-07-28")
BASELINE = Path(__file__).with_suffix(".yaml")


@contextmanager
def serving(port: int = 8973) -> Generator[str]:
    """The address of a server of ours while this lasts."""
    command = [sys.executable, "-m", "zoho_mcp.cli.main", "--sandbox", "--http", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()  # it says where it serves
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def main() -> int:
    """Run it; the suite prints what it finds."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, *PACKAGES], check=True)
        modules = Path(folder) / "node_modules"
        suite = [modules / ".bin" / "node", modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"]
        failed = [
            revision
            for revision in REVISIONS
            if subprocess.run(
                [*suite, "server", "--url", url, "--requirements", revision, "--expected-failures", BASELINE],
                env={**os.environ, "NO_COLOR": "1"},
                cwd=folder,
                check=False,
            ).returncode
        ]
    print(f"{', '.join(failed) or 'nothing'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
