"""Traces reach a collector when one is named, tell nothing private, and cost nothing otherwise."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from releasetrain.embedded.fingerprint import ROOT

_PROGRAM = """
import django
from releasetrain.wsgi import application
from django.test import Client
answer = Client().get("/readyz?token=wholly-private", headers={"X-Request-ID": "build-4711"})
assert answer.status_code == 200, answer.content
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """What speaks OTLP over HTTP, as far as a sender sees."""
    received: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_a_request_is_traced_down_to_its_statements_without_its_address(
    committed_db: Any, collector: tuple[str, list[bytes]]
) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="traces are an extra: requirements/traces.in")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    address, received = collector
    environment = committed_db.environment() | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
        "ALLOWED_HOSTS": "testserver",
    }
    subprocess.run([sys.executable, "-W", "ignore", "-c", _PROGRAM], cwd=ROOT, env=environment, check=True)
    spans = [
        span
        for message in received
        for resource in ExportTraceServiceRequest.FromString(message).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    names = {span.name for span in spans}
    assert any("readyz" in name for name in names), names
    assert "SELECT" in names
    assert b"build-4711" in b"".join(received)
    assert b"wholly-private" not in b"".join(received)


def test_without_a_collector_nothing_is_imported_or_sent() -> None:
    program = (
        "import sys; from releasetrain import tracing; assert not tracing.begin('web');"
        " assert not any(m.startswith('opentelemetry') for m in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
