"""Serves metrics to Prometheus from its own port and threads, so that it responds even if the server hangs.

Imported only if metrics are switched on.
"""

import ipaddress
import logging
import socket
import sys
from socketserver import ThreadingTCPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

from prometheus_client import MetricsHandler

PATH = "/metrics"
_logger = logging.getLogger(__name__)
_REQUEST_TIMEOUT = 5.0
"""Seconds for a client to send its request."""


class MetricsServer(ThreadingTCPServer):
    """Listens from its creation. Port 0 means any free port. Raises OSError if the port is not available."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.collecting = Lock()
        super().__init__((host, port), _Handler)
        self.port: int = self.server_address[1]
        Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log errors, except for clients that disconnect or are too slow."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _logger.exception("A request for the metrics failed")

    def is_own_name(self, host: str) -> bool:
        """Whether a Host header names this machine by an address; other names may be DNS rebinding by a web page."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in (self.host.lower(), "localhost"):
            return True
        address, bound = _address(name), _address(self.host)
        # Scrapers on the network may use any of the machine's addresses.
        return address is not None and (address.is_loopback or bound is None or not bound.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class _Handler(MetricsHandler):
    timeout = _REQUEST_TIMEOUT
    server: MetricsServer  # pyright: ignore[reportIncompatibleVariableOverride] # the only server that uses it

    def do_GET(self) -> None:
        hosts = self.headers.get_all("host", [])
        if len(hosts) != 1 or not self.server.is_own_name(hosts[0]):
            self.send_error(403)
        elif self.path.partition("?")[0] != PATH:
            self.send_error(404)
        else:
            with self.server.collecting:  # Two collections at once would mix up OpenTelemetry's reader.
                super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def version_string(self) -> str:
        return "zoho-invoice-mcp"
