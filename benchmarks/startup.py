"""Start to first answer, and peak memory: a bare SDK server, ours with a real account's settings, ours with --sandbox.

`python benchmarks/startup.py [runs]`. The three take turns, so that what else the machine does hits them alike.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ACCOUNT = {"ZOHO_CLIENT_ID": "1000.X", "ZOHO_CLIENT_SECRET": "x", "ZOHO_REFRESH_TOKEN": "1000.x"}
SERVERS: dict[str, tuple[list[str], dict[str, str]]] = {
    "bare SDK server": ([sys.executable, str(HERE / "bare_server.py")], {}),
    "zoho-invoice-mcp": ([sys.executable, "-m", "zoho_mcp.cli.main"], ACCOUNT),
    "zoho-invoice-mcp --sandbox": ([sys.executable, "-m", "zoho_mcp.cli.main", "--sandbox"], {}),
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def start(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Seconds to the answer of initialize, seconds to that of tools/list, and peak memory in MB (Linux only)."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")}
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=plain | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        json.loads(process.stdout.readline())["result"]
        first = time.perf_counter() - began
        process.stdin.write(json.dumps(INITIALIZED) + "\n" + json.dumps(LIST) + "\n")
        process.stdin.flush()
        json.loads(process.stdout.readline())["result"]
        listed = time.perf_counter() - began
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        process.stdin.close()
    return first, listed, peak


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in SERVERS}
    for _ in range(runs):
        for name, (command, environment) in SERVERS.items():
            measured[name].append(start(command, environment))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in measured.items()
    }
    bare = medians["bare SDK server"]
    print(f"{runs} runs each, medians    initialize        tools/list        peak memory")
    for name, row in medians.items():
        ratios = [value / base for value, base in zip(row, bare, strict=True)]
        print(
            f"{name:28} {row[0]:.3f} s ({ratios[0]:.2f}x)   {row[1]:.3f} s ({ratios[1]:.2f}x)   "
            f"{row[2]:.1f} MB ({ratios[2]:.2f}x)"
        )


if __name__ == "__main__":
    main()
