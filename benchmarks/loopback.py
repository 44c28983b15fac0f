"""The sandbox in a process of its own, on loopback and without limits, for the benchmarks.

`python benchmarks/loopback.py FILE [FAULT…]` serves the books in FILE and prints the address.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import UNLIMITED


@contextmanager
def served(file: Path, *faults: str) -> Generator[Settings]:
    """Settings that point at the books in a file, served while this lasts; `faults` as of the sandbox."""
    command = [sys.executable, __file__, str(file), *faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield from_environment(environment_for(process.stdout.readline().strip()))
        finally:
            process.terminate()


def client_of(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> ZohoClient:
    """A client that nothing holds back: what is measured is not the waiting for Zoho's limits."""
    return ZohoClient(settings, transport=transport, limiter=Limiter(UNLIMITED, clock=time.time))


def main() -> None:
    import uvicorn

    from zoho_mcp.sandbox import limits
    from zoho_mcp.sandbox.app import create_app
    from zoho_mcp.sandbox.store import Store

    # Without the protocol's number asyncio does not switch Nagle's algorithm off, which costs some answers 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    app = create_app(Store.open(sys.argv[1]), limits=limits.UNLIMITED)
    app.state.faults.add(*sys.argv[2:])
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
