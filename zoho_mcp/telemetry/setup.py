"""Sets up the log, the Prometheus port and OpenTelemetry's export. Called once per process."""

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
    """Start the log, metrics and traces that the settings and OpenTelemetry's variables configure.

    Missing packages for OpenTelemetry's variables only cause a warning, because the variables are often meant for other
    programs. So does a port in use. Raises SettingsError if ZOHO_METRICS is set but its packages are not installed.
    """
    write_log(settings.log, settings.log_level)
    traces, metrics = _is_exported(environment, "TRACES"), _is_exported(environment, "METRICS")
    if (traces or metrics) and not _installed("opentelemetry.exporter.otlp.proto.http"):
        _logger.warning("OTEL_… variables are set, but nothing is exported. To export, install zoho-invoice-mcp[otel]")
        traces = metrics = False
    readers = [*_scraped(settings.metrics), *(_pushed() if metrics else ())]
    if readers:
        _set_up_metrics(readers)
    if traces:
        _set_up_traces()


def _is_exported(environment: Mapping[str, str], signal: str) -> bool:
    """Whether a signal is to be exported: configured, and over http/protobuf, the only protocol supported here."""

    def value(name: str) -> str:
        return environment.get(name, "").strip()

    exporters = value(f"OTEL_{signal}_EXPORTER").lower()
    named = value("OTEL_EXPORTER_OTLP_ENDPOINT") or value(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    is_configured = "otlp" in exporters.split(",") or (not exporters and bool(named))
    if not is_configured or value("OTEL_SDK_DISABLED").lower() == "true":
        return False
    protocol = value(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or value("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        _logger.warning("%s are not exported: OTLP is sent over http/protobuf only", signal.lower())
    return protocol == "http/protobuf"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _scraped(address: tuple[str, int] | None) -> "list[MetricReader]":
    """The reader for Prometheus, with its port opened."""
    if address is None:
        return []
    if not _installed("opentelemetry.exporter.prometheus"):
        raise SettingsError(
            "ZOHO_METRICS is set, but the packages that serve metrics to Prometheus are not installed.",
            "Run: pip install 'zoho-invoice-mcp[metrics]' (or unset ZOHO_METRICS).",
        )
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    from zoho_mcp.telemetry.scrape import PATH, MetricsServer

    try:
        server = MetricsServer(*address)
    except OSError as problem:
        _logger.warning("no metrics are served: %s port %d: %s", *address, problem.strerror or problem)
        return []
    _logger.info("metrics are served at http://%s:%d%s", bracketed(server.host), server.port, PATH)
    return [PrometheusMetricReader(scope_info_enabled=False)]


def _pushed() -> "list[MetricReader]":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return [PeriodicExportingMetricReader(OTLPMetricExporter())]


def _set_up_metrics(readers: "list[MetricReader]") -> None:
    from opentelemetry.metrics import set_meter_provider
    from opentelemetry.sdk.metrics import MeterProvider

    set_meter_provider(MeterProvider(readers, _resource()))


def _set_up_traces() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_tracer_provider

    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    set_tracer_provider(provider)


def _resource() -> "Resource":
    """This server's identity in OpenTelemetry. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    own = Resource({"service.name": "zoho-invoice-mcp", "service.version": __version__})
    return own.merge(OTELResourceDetector().detect())
