"""How fast a settled gate answers, beside a bare view with one SELECT under the same server."""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.evaluating import work_off
from governance.models import Evaluation
from releasetrain.embedded.addresses import free_port
from tests.governance.gateway import digest_of, junit
from tests.testbed.processes import Process, _answers

ROUNDS, SECONDS, CLIENTS = 5, 1.5, 2
PATH = "/api/v1/orgs/northwind/gates/evaluate"


@pytest.fixture
def server(committed_db: Any, tmp_path: Path) -> Iterator[int]:
    """Granian as an installation runs it, with the bare view beside the product."""
    port = free_port()
    starter = tmp_path / "yardstick_wsgi.py"
    starter.write_text(
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'releasetrain.settings')\n"
        "from django.conf import settings\nsettings.ROOT_URLCONF = 'tests.governance.bare_view'\n"
        "settings.API_REQUESTS_PER_MINUTE = 10**9\n"
        "from releasetrain.wsgi import application\n"
    )
    root = Path(__file__).resolve().parents[2]
    environment = committed_db.environment() | {"PYTHONPATH": f"{tmp_path}:{root}", "LOG_LEVEL": "WARNING"}
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"),
        *("--blocking-threads", "4", "--port", str(port), "yardstick_wsgi:application"),
    ]
    process = Process(command, environment, tmp_path / "web.log", lambda _: _answers(port))
    process.start()
    yield port
    process.stop()


def per_second(port: int, path: str, body: bytes, headers: dict[str, str]) -> float:
    """Answers a second from a few clients that each keep their connection."""
    counts = [0] * CLIENTS
    stop = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while time.monotonic() < stop:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200, content
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


@pytest.mark.timeout(240)
def test_asking_a_settled_gate_costs_at_most_twice_a_bare_select(
    server: int, gateway: Any, token: Any, api: Any
) -> None:
    gateway.post(junit(3))
    question = {"environment": "production", "digest": digest_of("1.0.0")}
    pipeline = api("service_account")
    pipeline.post(PATH, question)
    with gateway.scope("auditor"):
        evaluation = Evaluation.objects.get()
    work_off(gateway.cast.organization.pk, evaluation.pk)
    assert pipeline.post(PATH, question).status_code == 200
    json_headers = {"Content-Type": "application/json", "Host": "localhost"}
    asking = (
        PATH,
        json.dumps(question).encode(),
        {**json_headers, "Authorization": f"Bearer {token('service_account')}"},
    )
    bare = ("/bare", b'{"slug": "northwind"}', json_headers)
    for each in (asking, bare):
        per_second(server, *each)
    # Turn by turn, so that whatever else the machine does meets both.
    figures = [(per_second(server, *asking), per_second(server, *bare)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in figures)
    asked, plain = (statistics.median(column) for column in zip(*figures, strict=True))
    print(f"settled gate {asked:.0f}/s, bare view {plain:.0f}/s, ratio {ratio:.2f}")
    assert ratio >= 0.5
