"""Series pulled from a real Prometheus server, which scrapes us in turn; what a server may not do to us."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from releasetrain.embedded.addresses import free_port
from releasetrain.exchange.pulling import pull
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.canary import analyse, create_config
from trains.actions.series_sources import create_source, edit_source, pause_source, resume_source, take_in
from trains.models import Series, SeriesSource, Service
from trains.queries import series as reading
from trains.rules.prometheus import PrometheusError, answer, period

BINARY = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    BINARY is None, reason="prometheus is not installed: apt-get install prometheus (Debian) runs this test"
)


def refused(call, *given, **named):
    with pytest.raises(Refused) as caught:
        call(*given, **named)
    return caught.value.refusals[0]


class TestAnswers:
    def test_what_is_no_number_is_left_out(self):
        rows = [
            {"metric": {"__name__": "x", "pod": "a"}, "values": [[1700000000, "1.5"], [1700000060, "NaN"]]}
        ]
        (found,) = answer({"status": "success", "data": {"resultType": "matrix", "result": rows}})
        assert found.labels == {"pod": "a"}
        assert found.points == [(datetime.fromtimestamp(1700000000, UTC), 1.5)]

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            {"status": "error", "error": "parse error"},
            {"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}},
            {"status": "success", "data": {"resultType": "matrix", "result": "x"}},
            {
                "status": "success",
                "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [["x", 1]]}]},
            },
            {"status": "success", "data": {"resultType": "matrix", "result": [{}] * 501}},
        ],
    )
    def test_what_cannot_be_read_is_said(self, body):
        with pytest.raises(PrometheusError):
            answer(body)

    def test_the_next_question_begins_after_the_last_point_and_asks_no_more_than_is_answered(self):
        at = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
        start, end = period(None, at, 60, timedelta(hours=6))
        assert (start.minute, end) == (0, datetime(2026, 11, 21, 12, tzinfo=UTC))
        assert period(end, at, 60, timedelta(hours=6))[0] == end + timedelta(minutes=1)
        start, end = period(at - timedelta(days=300), at, 60, timedelta(hours=6))
        assert (end - start) == timedelta(seconds=60) * 10_999


@pytest.mark.django_db
class TestSources:
    @pytest.fixture
    def owner(self, cast, in_northwind):
        return cast["owner"]

    def ask(self, actor, **given):
        said = {"name": "up_ratio", "address": "https://prometheus.example", "expression": "avg(up)", **given}
        return create_source(actor, **said)

    def test_what_cannot_be_asked_is_refused(self, owner, cast):
        for given, field in (
            ({"name": "a b"}, "name"),
            ({"address": "ftp://prometheus.example"}, "address"),
            ({"address": "https://user:word@prometheus.example"}, "address"),
            ({"address": "https://prometheus.example/?x=1"}, "address"),
            ({"address": "https://:9"}, "address"),
            ({"expression": " "}, "expression"),
        ):
            assert refused(self.ask, owner, **given).field == field
        source = self.ask(owner)
        assert refused(self.ask, owner).field == "expression"
        assert refused(self.ask, cast["executive"]).status == 403
        source = pause_source(owner, source)
        assert refused(pause_source, owner, source).code == "series_source.paused"
        source = resume_source(owner, source)
        assert refused(resume_source, owner, source).code == "series_source.running"
        assert edit_source(owner, source, step_seconds=30).step_seconds == 30

    def test_nobody_but_the_platform_takes_answers_in(self, owner):
        assert refused(take_in, owner, answers=[]).code == "series.pulled"

    def test_what_is_not_public_is_not_asked_and_the_source_says_so(self, owner, settings, northwind):
        settings.WEBHOOK_ALLOWED_NETWORKS = []
        source = self.ask(owner, address="https://169.254.169.254")
        assert pull(northwind.pk) == 0
        source.refresh_from_db()
        assert "not a public address" in source.last_error
        assert not Series.objects.filter(source=source).exists()


def _wait(address: str, ready) -> None:
    until = time.monotonic() + 25
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=2) as said:
                if ready(json.loads(said.read() or b"{}")):
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    pytest.fail(f"{address} did not become ready")


def _history(folder: Path) -> None:
    """An hour of two tracks of a service, as a block of Prometheus's own storage."""
    lines = ["# TYPE demo_errors gauge"]
    end = int(time.time()) // 60 * 60 - 60
    for track, level in (("baseline", 1.0), ("canary", 4.0)):
        lines += [
            f'demo_errors{{track="{track}"}} {level + 0.1 * math.sin(i)} {end - 60 * (60 - i)}'
            for i in range(61)
        ]
    text = folder / "history.txt"
    text.write_text("\n".join(lines) + "\n# EOF\n")
    promtool = shutil.which("promtool")
    assert promtool
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@needs_prometheus
def test_a_real_server_is_asked_and_asks_us(live_app, northwind, cast, token, settings, tmp_path):
    """What it holds becomes series that a canary is judged by; what we show it scrapes and answers."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    _history(tmp_path)
    port = free_port()
    host = live_app.url.removeprefix("http://")
    (tmp_path / "token").write_text(token("service_account"))
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: releases
    metrics_path: /api/v1/orgs/northwind/prometheus
    authorization: {{credentials_file: {tmp_path / "token"}}}
    static_configs: [{{targets: ["{host}"]}}]
"""
    )
    command = [
        str(BINARY),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        scraped = f"{address}/api/v1/query?query=releasetrain_series"
        _wait(scraped, lambda said: bool(said.get("data", {}).get("result")))
        with tenant_scope(northwind.pk, Actor.system(northwind.pk, "test")):
            service = Service.objects.create(name="pulled-service")
            owner = cast["owner"]
            source = create_source(
                owner, name="demo_errors", address=address, expression="demo_errors", service=service
            )
            broken = create_source(owner, name="broken", address=address, expression="sum(", service=service)
        assert pull(northwind.pk) >= 100
        assert pull(northwind.pk) == 0
        with tenant_scope(northwind.pk, Actor.system(northwind.pk, "test")):
            assert SeriesSource.objects.get(pk=source.pk).last_error == ""
            assert "parse error" in SeriesSource.objects.get(pk=broken.pk).last_error
            hour = (now() - timedelta(minutes=70), now())
            found = reading.values(service, ["demo_errors"], *hour, labels={"track": "canary"})
            assert 3.8 < min(reading.numbers(found["demo_errors"])) < 4.2
            config = create_config(
                cast["release_manager"],
                name="Pulled",
                metrics=[{"name": "demo_errors", "direction": "increase"}],
            )
            analysis = analyse(
                cast["service_account"],
                config=config,
                service=service,
                canary_labels={"track": "canary"},
                baseline_labels={"track": "baseline"},
                start=hour[0],
                end=hour[1],
            )
            assert (analysis.verdict, analysis.advice) == ("fail", "rollback")
    finally:
        server.terminate()
        server.wait(timeout=15)
