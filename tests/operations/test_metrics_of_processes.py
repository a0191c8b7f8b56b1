"""Several web processes of a host, scraped by a real Prometheus: whichever answers, it tells the counts of all."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.up import web_command
from tests.testbed.processes import Process

TOKEN = "a token of the operators"
PROMETHEUS = shutil.which("prometheus")
COUNT = 'sum(releasetrain_http_request_seconds_count{route="healthz"})'


def _status(port: int) -> int:
    """A request on a connection of its own, so that any process may get it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _answered(log: Path) -> Counter[int]:
    """How many of the requests each process answered, by the log."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return Counter(line["process"] for line in lines if line.get("route") == "healthz")


def _until(ready: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while not (found := ready()):
        assert time.monotonic() < deadline, what
        time.sleep(0.3)
    return found


@pytest.mark.skipif(not PROMETHEUS, reason="needs Prometheus: apt-get install prometheus")
def test_prometheus_sees_the_requests_of_every_process_also_of_one_that_died(
    committed_db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, own = free_port(), free_port()
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    command = web_command("127.0.0.1", port)
    environment = {
        **committed_db.environment(),
        "METRICS_TOKEN": TOKEN,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counts"),
    }
    log = tmp_path / "web.log"
    web = Process(
        [*command[:-1], "--respawn-failed-workers", command[-1]],
        environment,
        log,
        lambda _: _status(port) == 200,
    )
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: installation
    authorization: {{credentials_file: {tmp_path / "token"}}}
    static_configs: [{{targets: ["localhost:{port}"]}}]
"""
    )
    assert PROMETHEUS
    scraper = [
        PROMETHEUS,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]

    def seen() -> float:
        address = f"http://127.0.0.1:{own}/api/v1/query?query={urllib.parse.quote(COUNT)}"
        try:
            with urllib.request.urlopen(address, timeout=5) as said:
                found = json.loads(said.read())["data"]["result"]
        except (OSError, ValueError):
            return 0.0
        return float(found[0]["value"][1]) if found else 0.0

    web.start()
    with (tmp_path / "prometheus.log").open("wb") as output:
        server = subprocess.Popen(scraper, stdout=output, stderr=output)
    try:

        def both_answered() -> bool:
            assert all(_status(port) == 200 for _ in range(10))
            return len(_answered(log)) == 2

        _until(both_answered, "both processes answer")
        before = sum(_answered(log).values())
        _until(lambda: seen() == before, "Prometheus sees the requests of both, each once")
        (victim, its_own), *_ = _answered(log).most_common()
        assert 0 < its_own < before
        os.kill(victim, signal.SIGKILL)
        _until(lambda: _status(port) == 200 and len(_answered(log)) == 3, "another process took its place")
        after = sum(_answered(log).values())
        assert after > before
        _until(lambda: seen() == after, "what the dead process counted still counts")
    finally:
        server.terminate()
        server.wait(timeout=15)
        web.stop()
