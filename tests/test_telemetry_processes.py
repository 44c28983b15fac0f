"""Telemetry of the real command: data for a collector and for Prometheus, and the output on stdout and stderr."""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

import anyio
import mcp_types as types
import pytest
from conftest import ERAS, Era, Person, call
from machine import COMMAND, free_port, plain
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from serving import INITIALIZE
from watching import get

from zoho_mcp.sandbox.credentials import CREDENTIALS

pytestmark = pytest.mark.processes

NAME, MAIL, AMOUNT = "Bartholomea Quux", "bq@private.example", 98765.43
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "100"}


@dataclass
class Collector:
    """Takes what OTLP brings over HTTP."""

    url: str
    bodies: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])

    def all(self, path: str) -> bytes:
        return b"".join(self.bodies.get(path, ()))

    def wait_for(self, path: str, word: bytes) -> None:
        until = time.monotonic() + 30
        while word not in self.all(path):
            assert time.monotonic() < until, (path, word)


@contextmanager
def collecting() -> Generator[Collector]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.bodies.setdefault(self.path, []).append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def started(log: TextIO, **environment: str) -> Any:
    """The command over stdio, its stderr in a file."""
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "--sandbox"], env={**plain(), "NO_PROXY": "*", **environment}
    )
    return stdio_client(server, errlog=log)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_collector_prometheus_and_log_get_what_they_need_and_nothing_private(era: Era, tmp_path: Path) -> None:
    person, port = Person(types.ElicitResult(action="decline"), reads=1.2), free_port()
    with (tmp_path / "log").open("w", encoding="utf-8") as errors, collecting() as collector, anyio.fail_after(90):
        server = started(
            errors, ZOHO_LOG="json", ZOHO_LOG_LEVEL="debug", ZOHO_METRICS=str(port),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_RESOURCE_ATTRIBUTES="team=billing", **QUICK,
        )  # fmt: skip
        async with Client(server, mode=era, elicitation_callback=person.elicit) as client:
            customer = await call(client, "create_customer", contact_name=NAME, contact_persons=[{"email": MAIL}])
            made = customer["customer"]["customer_id"]
            await call(client, "create_invoice", customer_id=made, line_items=[{"name": NAME, "rate": AMOUNT}])
            assert (await client.call_tool("delete_customer", {"customer_id": made})).is_error
            with pytest.raises(MCPError):
                await client.call_tool(NAME, {})
            _, scraped = get(port)
            await anyio.to_thread.run_sync(collector.wait_for, "/v1/traces", b"tools/call delete_customer")
            await anyio.to_thread.run_sync(collector.wait_for, "/v1/metrics", b"zoho.tool.duration")
    traces, measures = collector.all("/v1/traces"), collector.all("/v1/metrics")
    log = (tmp_path / "log").read_text(encoding="utf-8")
    for found in (b"POST /contacts", b"zoho.call", b"zoho-invoice-mcp", b"billing"):
        assert found in traces
    assert b"create_customer" in measures
    assert 'zoho_tool_duration_seconds_count{outcome="done",tool="create_customer"} 1.0' in scraped
    assert [json.loads(line)["tool"] for line in log.splitlines() if '"tool"' in line][:2] == [
        "create_customer",
        "create_invoice",
    ]
    secrets = (NAME, NAME.split()[0], MAIL, str(AMOUNT), str(made), CREDENTIALS.client_id, CREDENTIALS.client_secret,
               CREDENTIALS.refresh_token, CREDENTIALS.organization_id)  # fmt: skip
    everything = traces.decode("latin-1"), measures.decode("latin-1"), scraped, log
    assert [secret for secret in secrets if any(secret in text for text in everything)] == []


def test_on_stdio_nothing_but_the_protocol_goes_to_stdout() -> None:
    everything = {
        "ZOHO_LOG": "json", "ZOHO_LOG_LEVEL": "debug", "ZOHO_METRICS": str(free_port()),
        "OTEL_TRACES_EXPORTER": "console,otlp", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    }  # fmt: skip
    ended = subprocess.run(
        [*COMMAND, "--sandbox"], input=f"{json.dumps(INITIALIZE)}\nno json\n", capture_output=True, text=True,
        timeout=60, check=False, env={**plain(), **everything},
    )  # fmt: skip
    assert ended.returncode == 0
    assert {json.loads(line)["jsonrpc"] for line in ended.stdout.splitlines()} == {"2.0"}
    assert all(isinstance(json.loads(line), dict) for line in ended.stderr.splitlines())


def test_a_port_that_is_taken_is_a_warning_and_the_server_works() -> None:
    with collecting() as taken:
        port = taken.url.rpartition(":")[2]
        ended = subprocess.run(
            [*COMMAND, "--sandbox"], input="", capture_output=True, text=True, timeout=60, check=False,
            env={**plain(), "ZOHO_METRICS": port},
        )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "")
    assert f"127.0.0.1 port {port}" in ended.stderr


BLOCKED = """\
import sys
for name in {names}:
    sys.modules[name] = None
from zoho_mcp.cli.main import main
sys.exit(main(["--sandbox"]))
"""


def without(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command where some modules are not installed."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(names=names)], input="", capture_output=True, text=True, timeout=60,
        check=False, env={**plain(), **environment},
    )  # fmt: skip


def test_a_port_for_prometheus_without_its_extra_stops_the_start_and_says_what_to_install() -> None:
    ended = without("opentelemetry.exporter.prometheus", ZOHO_METRICS="9464")
    assert ended.returncode == 2
    assert "zoho-invoice-mcp[metrics]" in ended.stderr


def test_opentelemetry_variables_without_the_extra_do_not_stop_the_start() -> None:
    ended = without("opentelemetry.exporter.otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert ended.returncode == 0
    assert "zoho-invoice-mcp[otel]" in ended.stderr


def test_a_configuration_of_grpc_causes_a_warning() -> None:
    spoken = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert "http/protobuf only" in without("opentelemetry.exporter.otlp", **spoken).stderr


def test_telemetry_that_is_off_loads_nothing() -> None:
    code = (
        "import sys, zoho_mcp.telemetry.setup as setup; from zoho_mcp.settings import Settings;"
        "setup.set_up(Settings('', '', ''), {});"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', "
        "'prometheus_client'))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=plain())
    assert ended.stdout.strip() == "[]"
