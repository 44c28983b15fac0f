"""A server's telemetry as tests read it: spans, the metrics of Prometheus, the log as JSON lines."""

import io
import json
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_tracer_provider
from prometheus_client.parser import text_string_to_metric_families

from zoho_mcp.telemetry.calls import DAYS
from zoho_mcp.telemetry.logging import OURS, JsonLines
from zoho_mcp.telemetry.scrape import MetricsServer

Labels = frozenset[tuple[str, str]]


@cache
def _provider() -> TracerProvider:
    """OpenTelemetry's providers, which cannot be replaced within a process."""
    provider = TracerProvider()
    set_tracer_provider(provider)
    set_meter_provider(MeterProvider([PrometheusMetricReader(scope_info_enabled=False)]))
    return provider


@dataclass
class Watch:
    """Filled while a server runs in this process."""

    exporter: InMemorySpanExporter
    port: int
    lines: io.StringIO = field(default_factory=io.StringIO)
    before: dict[tuple[str, Labels], float] = field(default_factory=dict[tuple[str, Labels], float])

    def spans(self, start: str = "") -> list[ReadableSpan]:
        """The server's spans, without those of the client in the same process."""
        return [
            span for span in self.exporter.get_finished_spans() if _is_servers(span) and span.name.startswith(start)
        ]

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]

    def scraped(self) -> str:
        status, text = get(self.port)
        assert status == 200
        return text

    def samples(self) -> dict[tuple[str, Labels], float]:
        families = text_string_to_metric_families(self.scraped())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith("zoho_")
        }

    def counted(self, name: str, **labels: str) -> float:
        """The growth of a sample since the test began."""
        key = name, frozenset(labels.items())
        return self.samples().get(key, 0.0) - self.before.get(key, 0.0)


def _is_servers(span: ReadableSpan) -> bool:
    ours = span.instrumentation_scope is not None and span.instrumentation_scope.name == "zoho_mcp"
    return ours or span.name.startswith("MCP send elicitation")


def get(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    """A request to the port for Prometheus: status and text."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def watching() -> Generator[Watch]:
    """All telemetry is on, with the log at debug level. Data of earlier tests does not show."""
    DAYS.clear()
    exporter, port = InMemorySpanExporter(), MetricsServer("127.0.0.1", 0)
    _provider().add_span_processor(SimpleSpanProcessor(exporter))
    watch = Watch(exporter, port.port)
    watch.before = watch.samples()
    handler, logger = logging.StreamHandler(watch.lines), logging.getLogger(OURS)
    handler.setFormatter(JsonLines())
    level = logger.level
    logging.getLogger().addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield watch
    finally:
        logger.setLevel(level)
        logging.getLogger().removeHandler(handler)
        exporter.shutdown()
        port.close()


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}
