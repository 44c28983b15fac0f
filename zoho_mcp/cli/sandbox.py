"""Serves the embedded Zoho on loopback and prints the settings that point a server at it."""

import shlex
import socket
import sys

import uvicorn

from zoho_mcp.cli.embedded import environment_for, open_app


def serve_sandbox(port: int, file: str | None) -> int:
    """Serve until interrupted. Port 0 takes any free one; 1 when the port is taken."""
    app = open_app(file)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as problem:
        print(f"zoho-invoice-mcp: port {port} cannot be used: {problem}. Choose another with --port.", file=sys.stderr)
        return 1
    for name, value in environment_for(f"http://127.0.0.1:{listener.getsockname()[1]}").items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listener])
    return 0
