"""Sends spans and metrics by OTLP, where OpenTelemetry's own variables say; nothing is sent without them.

They are read from the environment alone, not from `.env`: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and their kin.
"""

from __future__ import annotations

import os
import sys

from opentelemetry import metrics, trace

ENDPOINTS = {
    "TRACES": ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    "METRICS": ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
}


def export(name: str, version: str) -> None:
    """Have this process's spans and metrics sent, unless it does so already. What cannot be is said on stderr."""
    signals = {signal for signal in ENDPOINTS if _is_wanted(signal)}
    if not signals or not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - the same
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 - the same
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - the same
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the same
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same
    except ImportError:
        print("OpenTelemetry is configured and not installed: it is in the extra [telemetry].", file=sys.stderr)
        return
    known = {"service.version": version}
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        known["service.name"] = name
    resource = Resource.create(known)
    if "TRACES" in signals:
        spans = TracerProvider(resource=resource)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(spans)
    if "METRICS" in signals:
        metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource))


def _is_wanted(signal: str) -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip()
    names = {each.strip() for each in chosen.split(",")} - {""}
    return "otlp" in names or (not names and any(os.environ.get(name, "").strip() for name in ENDPOINTS[signal]))
