"""Traces by OpenTelemetry, off unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector; its own variables say the rest.

The packages come with the extra `requirements/traces.in`. A trace tells routes, statements with placeholders, tasks and times;
parameters, bodies and addresses are not in it.
"""

from __future__ import annotations

import importlib
import logging
import os
from typing import Any

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
log = logging.getLogger(__name__)


def begin(role: str) -> bool:
    """Have this process traced, if a collector is named; true when it is."""
    if not os.environ.get(ENDPOINT):
        return False
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        exporting = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        api = importlib.import_module("opentelemetry.trace")
    except ImportError as error:
        log.warning("%s is set, but traces are off: %s", ENDPOINT, error)
        return False
    resource = resources.Resource.create(
        {"service.name": os.environ.get("OTEL_SERVICE_NAME", "releasetrain"), "service.role": role}
    )
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(exporting.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    api.set_tracer_provider(provider)
    _instrument()
    return True


def _instrument() -> None:
    def of(package: str, name: str) -> Any:
        return getattr(importlib.import_module(f"opentelemetry.instrumentation.{package}"), name)()

    of("django", "DjangoInstrumentor").instrument(response_hook=_without_addresses)
    of("psycopg2", "Psycopg2Instrumentor").instrument(skip_dep_check=True)
    of("redis", "RedisInstrumentor").instrument()
    of("celery", "CeleryInstrumentor").instrument()


# What a request's address is told by: it may hold the secret of a feed, and is an organization's in any case.
_ADDRESSES = ("http.url", "http.target", "url.full", "url.path", "url.query")


def _without_addresses(span: Any, request: Any, response: Any) -> None:
    if span is None or not span.is_recording():
        return
    match = getattr(request, "resolver_match", None)
    for name in _ADDRESSES:
        if name in (span.attributes or {}):
            span.set_attribute(name, match.route if match else "")
    span.set_attribute("request.id", getattr(request, "request_id", ""))
