"""How much a server over HTTP carries, beside the least there can be: a bare SDK server with the same request to Zoho.

`python benchmarks/http_load.py [calls] [clients] [endure]`: so many calls (5000) of so many clients (64) to each, in
turns, against one sandbox that takes 20 ms to answer; then, if asked for, so many further calls to ours alone,
with its memory at a twentieth, the middle and the end. Linux only: memory is read in /proc.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from loopback import served

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo.organization import seed
from zoho_mcp.sandbox.store import Store
from zoho_mcp.settings import Settings

LATENCY = 0.02
ROUNDS = 10
_ROOT = Path(__file__).parent.parent


@dataclass
class Load:
    """A server, the call that is made to it, and what came of that."""

    name: str
    port: int
    pid: int
    request: bytes
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds of a processor that the server took."""
    took: list[float] = field(default_factory=list[float])
    errors: int = 0


def request_of(port: int, tool: str, arguments: dict[str, object]) -> bytes:
    """A whole tools/call of MCP 2026-07-28 over HTTP."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n"
        f"mcp-name: {tool}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def client(load: Load, calls: int) -> None:
    """One connection that makes its calls one after the other. By hand: a client must cost less than a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    try:
        for _ in range(calls):
            began = time.perf_counter()
            writer.write(load.request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            load.took.append(time.perf_counter() - began)
            if not head.startswith(b"http/1.1 200") or b"INV-" not in body or b'"isError":true' in body:
                load.errors += 1
    except (OSError, asyncio.IncompleteReadError, IndexError):
        load.errors += 1
    finally:
        writer.close()


async def burden(load: Load, calls: int, clients: int) -> None:
    """So many calls, spread over so many clients at once."""
    began, busy = time.perf_counter(), processor(load.pid)
    await asyncio.gather(*(client(load, calls // clients + (place < calls % clients)) for place in range(clients)))
    load.seconds += time.perf_counter() - began
    load.busy += processor(load.pid) - busy


def report(loads: list[Load], calls: int, clients: int) -> None:
    print(f"{calls} calls of {clients} clients     calls/s   p50 ms   p99 ms   errors   CPU ms a call   MB")
    for load in loads:
        cuts = statistics.quantiles(load.took, n=100)
        print(
            f"{load.name:28} {len(load.took) / load.seconds:8.0f} {cuts[49] * 1000:8.1f} {cuts[98] * 1000:8.1f} "
            f"{load.errors:8} {load.busy / len(load.took) * 1000:15.2f} {resident(load.pid):4.0f}"
        )
    bare, ours = (len(load.took) / load.seconds for load in loads)
    print(f"ours carries {ours / bare:.2f} of the bare server's calls")


def processor(pid: int) -> float:
    """Seconds of a processor that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """What a process has in memory, in MB."""
    return int(Path(f"/proc/{pid}/status").read_text(encoding="ascii").split("VmRSS:")[1].split()[0]) / 1024


async def endure(ours: Load, calls: int, clients: int) -> None:
    marks: list[float] = []
    done = 0
    for until in (calls // 20, calls // 2, calls):
        await burden(ours, until - done, clients)
        done = until
        marks.append(resident(ours.pid))
    shown = ", ".join(f"{mark:.1f}" for mark in marks)
    print(f"{calls:,} more: memory after a twentieth, after half, at the end: {shown} MB; {ours.errors} errors")


@contextmanager
def running(command: list[str], settings: Settings, port: int) -> Generator[int]:
    """A server in a process of its own, once it listens; its process id."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")},
        "PYTHONPATH": str(_ROOT), "XDG_STATE_HOME": tempfile.gettempdir(), "ZOHO_PLAN": "unlimited",
        "ZOHO_API_URL": settings.api_url, "ZOHO_ACCOUNTS_URL": settings.accounts_url,
        "ZOHO_CLIENT_ID": settings.client_id, "ZOHO_CLIENT_SECRET": settings.client_secret.get_secret_value(),
        "ZOHO_REFRESH_TOKEN": settings.refresh_token.get_secret_value(),
        "ZOHO_ORGANIZATION_ID": settings.organization_id,
        **{name: value for name, value in os.environ.items() if name in ("ZOHO_METRICS", "ZOHO_LOG", "ZOHO_LOG_LEVEL")},
    }  # fmt: skip
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 20
            while not _listens(port):
                assert time.monotonic() < until, f"nothing listens on {port}"
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def measure(loads: list[Load], calls: int, clients: int) -> None:
    for load in loads:
        await burden(load, 200, clients)
        load.took.clear()
        load.seconds = load.busy = 0.0
    for _ in range(ROUNDS):
        for load in loads:
            await burden(load, calls // ROUNDS, clients)
    report(loads, calls, clients)


async def measured(loads: list[Load], calls: int, clients: int, more: int) -> None:
    await measure(loads, calls, clients)
    if more:
        await endure(loads[1], more, clients)


def main() -> None:
    calls, clients, more = [*map(int, sys.argv[1:]), *(5000, 64, 0)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "books.db"
        store = Store.open(file)
        seed(store, today=date(2026, 6, 15))
        invoice = store.books(CREDENTIALS.organization_id).all("invoice")[0]["invoice_id"]
        store.close()
        settings = stack.enter_context(served(file, f"GET /invoices/*:delay={LATENCY}:*"))
        ports = free_port(), free_port()
        commands = (
            [sys.executable, str(Path(__file__).with_name("bare_http.py")), str(ports[0])],
            [sys.executable, "-m", "zoho_mcp.cli.main", "--http", f"127.0.0.1:{ports[1]}"],
        )
        pids = [stack.enter_context(running(*pair)) for pair in zip(commands, (settings,) * 2, ports, strict=True)]
        loads = [
            Load(name, port, pid, request_of(port, "get_invoice", {"invoice_id": invoice}))
            for name, port, pid in zip(("bare SDK server", "zoho-invoice-mcp --http"), ports, pids, strict=True)
        ]
        asyncio.run(measured(loads, calls, clients, more))


if __name__ == "__main__":
    main()
