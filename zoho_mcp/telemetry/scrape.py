"""Serves the measures to Prometheus, on a port of its own and in threads of its own: it answers also when nothing else
does. Imported when it is switched on.
"""

import ipaddress
import logging
import socket
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

PATH = "/metrics"
_logger = logging.getLogger(__name__)
_PATIENCE = 5.0
"""Seconds for a client to send its request."""


class ScrapePort(ThreadingTCPServer):
    """Binds on creation; raises OSError if the port is not available. Port 0: any free one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.turn = Lock()
        super().__init__((host, port), _Answer)
        self.port: int = self.server_address[1]
        Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Disconnects and timeouts are not logged; any other failure is one log line."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _logger.exception("Prometheus could not be answered")

    def is_ours(self, host: str) -> bool:
        """Whether a request is for this port, by its Host. A page that had its name led here names another."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in (self.host.lower(), "localhost"):
            return True
        address = _address(name)
        bound = _address(self.host)
        # Over a network, scrapers use any of the machine's addresses; a host name could be DNS rebinding.
        return address is not None and (address.is_loopback or bound is None or not bound.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class _Answer(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server: ScrapePort  # pyright: ignore[reportIncompatibleVariableOverride] # made by nobody else

    def do_GET(self) -> None:
        hosts = self.headers.get_all("host", [])
        if len(hosts) != 1 or not self.server.is_ours(hosts[0]):
            self._say(403, b"This address is not served under that host name.\n")
        elif self.path.partition("?")[0] != PATH:
            self._say(404, f"There is only {PATH} here.\n".encode())
        else:
            with self.server.turn:  # what collects them is not made for two at once
                text = generate_latest(REGISTRY)
            self._say(200, text, CONTENT_TYPE_LATEST)

    def _say(self, status: int, text: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(text)

    def version_string(self) -> str:
        return "zoho-invoice-mcp"

    def log_message(self, format: str, *args: object) -> None:
        """Nobody needs a line a scrape, and what a stranger asked for does not belong into the log."""
