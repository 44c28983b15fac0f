"""Short soaks: several processes, one request in ten failing; the books are what the callers were told."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parent.parent


SOAKS = {
    "mixed calls": ["soak.py", "--calls", "160", "--per-minute", "100000"],
    "bursts for one customer, with kills": ["soak_bursts.py", "--calls", "80", "--kill-every", "20"],
}


@pytest.mark.parametrize("soak", SOAKS)
def test_nothing_is_there_twice_and_nothing_is_lost(soak: str) -> None:
    name, *options = SOAKS[soak]
    command = [sys.executable, str(CHECKOUT / "benchmarks" / name), *options]
    command += ["--processes", "2", "--hurry", "0.1", "--seed", "7"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
