"""For a container's health check, `python -m zoho_mcp.cli.serve.healthy`: exit status 0 while the server answers."""

import os
import sys
import urllib.request

from zoho_mcp.http.settings import address
from zoho_mcp.settings.values import bracketed


def healthy(served: str) -> bool:
    """Whether /healthz answers at the HOST:PORT that is served; true over stdio (empty)."""
    if not served.strip():
        return True
    host, port = address(served.strip())
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, bracketed(host))
    # Not through a proxy that the environment names.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{reached}:{port}/healthz", timeout=4) as answer:
            return answer.status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not healthy(os.environ.get("ZOHO_HTTP", "")))
