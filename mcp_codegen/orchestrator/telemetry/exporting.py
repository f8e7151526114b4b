"""Where spans and metrics go: by OTLP, to Azure Monitor, to Prometheus.

    OTEL_EXPORTER_OTLP_ENDPOINT, …_TRACES_ENDPOINT, …_METRICS_ENDPOINT   a collector; nothing is sent without one
    OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER                          `otlp` or `none`
    OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …         read by the SDK
    APPLICATIONINSIGHTS_CONNECTION_STRING                                Azure Monitor

What is asked for and not installed is said once; it stops no program. Nor does a collector that cannot be reached.
"""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_codegen.orchestrator.errors import UserError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter
    from prometheus_client import CollectorRegistry

AZURE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
FILE_VARIABLE = "ORCHESTRATOR_METRICS_FILE"
"""Names the file that a worker of the service writes its metrics to."""
FILE_SECONDS = 2.0
FLUSH_SECONDS = 5.0
"""How long a program that ends may be kept by what is still to be sent."""

Say = Callable[[str], None]


def _to_stderr(text: str) -> None:
    print(f"mcp-orchestrator: {text}", file=sys.stderr, flush=True)


@contextmanager
def exported(
    program: str, environ: Mapping[str, str] = os.environ, *, scraped: bool = False, say: Say = _to_stderr
) -> Iterator[CollectorRegistry | None]:
    """Send what is recorded as long as the block lasts, and the rest at its end.

    `scraped`: whether metrics are read by Prometheus too; then what it reads from is given, where it is installed.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield None
        return
    spans = list(_span_exporters(environ, say))
    readers = list(_readers(environ, say))
    registry = _prometheus(readers, say) if scraped or FILE_VARIABLE in environ else None
    closings = []
    if spans or readers:
        resource = _resource(program, environ)
        closings = [*_trace(spans, resource), *_measure(readers, resource)]
    stopped = threading.Event()
    if registry is not None and FILE_VARIABLE in environ:
        threading.Thread(target=_write, args=(Path(environ[FILE_VARIABLE]), registry, stopped), daemon=True).start()
    try:
        yield registry
    finally:
        stopped.set()
        _flush(closings)


def listen(registry: CollectorRegistry | None, host: str, port: int) -> None:
    """Answer Prometheus on a port of its own. Raises UserError."""
    if registry is None:
        raise UserError("--metrics-port needs packages that are not installed", hint=_remedy("orchestrator"))
    from prometheus_client import start_http_server  # noqa: PLC0415 - the extra

    try:
        start_http_server(port, host, registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"--metrics-port {port} cannot be listened on: {reason}", hint="give another") from error


def _wanted(signal: str, environ: Mapping[str, str], say: Say) -> bool:
    """Whether a signal, TRACES or METRICS, is to be sent by OTLP."""
    chosen = environ.get(f"OTEL_{signal}_EXPORTER", "").strip()
    names = {name.strip() for name in chosen.split(",") if name.strip()}
    if strange := names - {"otlp", "none"}:
        say(f"OTEL_{signal}_EXPORTER names {', '.join(sorted(strange))}, which is not there; there is otlp")
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return "otlp" in names or (not names and any(environ.get(name, "").strip() for name in endpoints))


def _span_exporters(environ: Mapping[str, str], say: Say) -> Iterator[SpanExporter]:
    if _wanted("TRACES", environ, say):
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - the extra
                OTLPSpanExporter,
            )

            yield OTLPSpanExporter()
        except ImportError:
            say(f"traces are to be sent, which needs a package that is not installed; {_remedy('telemetry')}")
    if azure := _azure(environ, say):
        yield azure.AzureMonitorTraceExporter(connection_string=environ[AZURE])


def _readers(environ: Mapping[str, str], say: Say) -> Iterator[MetricReader]:
    """What reads the metrics from time to time and sends them."""
    azure = _azure(environ, lambda _: None)  # the spans' exporter has told what is missing
    wanted = _wanted("METRICS", environ, say)
    if not azure and not wanted:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - the extra
            OTLPMetricExporter,
        )
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 - the same
    except ImportError:
        say(f"metrics are to be sent, which needs a package that is not installed; {_remedy('telemetry')}")
        return
    if wanted:
        yield PeriodicExportingMetricReader(OTLPMetricExporter())
    if azure:
        yield PeriodicExportingMetricReader(azure.AzureMonitorMetricExporter(connection_string=environ[AZURE]))


def _azure(environ: Mapping[str, str], say: Say) -> Any:  # noqa: ANN401 - a module that may not be there
    if not environ.get(AZURE, "").strip():
        return None
    try:
        from azure.monitor.opentelemetry import exporter  # noqa: PLC0415 - the extra
    except ImportError:
        say(f"{AZURE} is set, which needs a package that is not installed; {_remedy('azure')}")
        return None
    return exporter


def _prometheus(readers: list[MetricReader], say: Say) -> CollectorRegistry | None:
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - the extra
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - the same
    except ImportError:
        say(f"metrics for Prometheus need packages that are not installed; {_remedy('orchestrator')}")
        return None
    registry = CollectorRegistry()
    readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=registry))
    return registry


def _resource(program: str, environ: Mapping[str, str]) -> Resource:
    """Who speaks. A name in the environment wins."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - the extra

    known = {"service.version": version("mcp-codegen"), "service.instance.id": str(uuid.uuid4())}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        known["service.name"] = program
    return Resource.create(known)


def _trace(exporters: list[SpanExporter], resource: Resource) -> Iterator[Callable[[], object]]:
    if not exporters:
        return
    from opentelemetry import trace  # noqa: PLC0415 - only where spans are recorded
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield provider.shutdown


def _measure(readers: list[MetricReader], resource: Resource) -> Iterator[Callable[[], object]]:
    if not readers:
        return
    from opentelemetry import metrics  # noqa: PLC0415 - only where something is measured
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - the extra

    provider = MeterProvider(readers, resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    yield provider.shutdown


def _write(file: Path, registry: CollectorRegistry, stopped: threading.Event) -> None:
    """Write the metrics to a file, which is replaced at once, from time to time."""
    from prometheus_client import write_to_textfile  # noqa: PLC0415 - the extra

    while not stopped.wait(FILE_SECONDS):
        try:
            write_to_textfile(str(file), registry)
        except OSError:  # the service has ended and taken its folder with it
            return


def _flush(closings: list[Callable[[], object]]) -> None:
    """Send the rest; what a collector does not take in time is lost."""
    for closing in closings:
        thread = threading.Thread(target=closing, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)


def _remedy(extra: str) -> str:
    return f"pip install 'mcp-codegen[{extra}]'"
