"""A short soak: several processes, one request in ten failing; the books are what the callers were told."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parent.parent


def test_nothing_is_there_twice_and_nothing_is_lost() -> None:
    command = [sys.executable, str(CHECKOUT / "benchmarks" / "soak.py"), "--calls", "160", "--processes", "2"]
    command += ["--hurry", "0.1", "--per-minute", "100000", "--seed", "7"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
