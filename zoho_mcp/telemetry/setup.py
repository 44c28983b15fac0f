"""Switches on what was asked for: the log, the port for Prometheus, and OpenTelemetry's export. Once per process."""

import importlib.util
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoho_mcp import __version__
from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.values import bracketed
from zoho_mcp.telemetry.logging import write_log

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

_logger = logging.getLogger(__name__)


def set_up(settings: Settings, environment: Mapping[str, str]) -> None:
    """Begin to show what happens, as the settings and OpenTelemetry's own variables say.

    Raises SettingsError when ZOHO_METRICS is set and what serves it is not installed. OpenTelemetry's variables are
    often meant for other programs, so what they lack is a warning. So is a port that is taken: invoicing goes on.
    """
    write_log(settings.log, settings.log_level)
    spans, measures = _exported(environment, "TRACES"), _exported(environment, "METRICS")
    if (spans or measures) and not _installed("opentelemetry.exporter.otlp.proto.http"):
        _logger.warning("OTEL_… variables are set, and nothing is exported: install zoho-invoice-mcp[otel] for that")
        spans = measures = False
    readers = [*_port(settings.metrics), *(_pushed() if measures else ())]
    if readers:
        _measure(readers)
    if spans:
        _trace()


def _exported(environment: Mapping[str, str], signal: str) -> bool:
    """Whether a signal is to be sent, over the one protocol that is spoken here."""

    def said(name: str) -> str:
        return environment.get(name, "").strip()

    exporters = said(f"OTEL_{signal}_EXPORTER").lower()
    named = said("OTEL_EXPORTER_OTLP_ENDPOINT") or said(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    asked = "otlp" in exporters.split(",") or (not exporters and bool(named))
    if not asked or said("OTEL_SDK_DISABLED").lower() == "true":
        return False
    protocol = said(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or said("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        _logger.warning("%s are not exported: OTLP is sent over http/protobuf only", signal.lower())
    return protocol == "http/protobuf"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _port(address: tuple[str, int] | None) -> "list[MetricReader]":
    """The reader behind the port for Prometheus, which is open then."""
    if address is None:
        return []
    if not _installed("opentelemetry.exporter.prometheus"):
        raise SettingsError(
            "ZOHO_METRICS is set, and what serves measures to Prometheus is not installed.",
            "Run: pip install 'zoho-invoice-mcp[metrics]' (or unset ZOHO_METRICS).",
        )
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    from zoho_mcp.telemetry.scrape import PATH, ScrapePort

    try:
        port = ScrapePort(*address)
    except OSError as problem:
        _logger.warning("no measures are served: %s port %d: %s", *address, problem.strerror or problem)
        return []
    _logger.info("measures are served at http://%s:%d%s", bracketed(port.host), port.port, PATH)
    return [PrometheusMetricReader(scope_info_enabled=False)]


def _pushed() -> "list[MetricReader]":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return [PeriodicExportingMetricReader(OTLPMetricExporter())]


def _measure(readers: "list[MetricReader]") -> None:
    from opentelemetry.metrics import set_meter_provider
    from opentelemetry.sdk.metrics import MeterProvider

    set_meter_provider(MeterProvider(readers, _resource()))


def _trace() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_tracer_provider

    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    set_tracer_provider(provider)


def _resource() -> "Resource":
    """What is measured; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    own = Resource({"service.name": "zoho-invoice-mcp", "service.version": __version__})
    return own.merge(OTELResourceDetector().detect())
