"""What runtimes report, and what pipelines say of their runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.observations import record_observation, record_observations, record_pipeline_run
from trains.models import Environment, PipelineRun, RuntimeObservation, Service

pytestmark = pytest.mark.django_db
DIGEST = "sha256:" + "d" * 64


@pytest.fixture
def ledger(in_northwind):
    return Service.objects.create(name="observed-ledger")


@pytest.fixture
def production(in_northwind):
    return Environment.objects.create(name="observed-production", kind="production", rank=90)


def refusal(call, actor, **params) -> str:
    with pytest.raises(Refused) as caught:
        call(actor, **params)
    return caught.value.refusals[0].code


def test_the_same_sight_within_an_hour_is_one_row_and_a_change_is_another(cast, ledger, production):
    robot = cast["service_account"]
    at = now() - timedelta(hours=3)

    def see(minutes: int, version: str) -> RuntimeObservation:
        return record_observation(
            robot,
            service=ledger,
            environment=production,
            version=version,
            observed_at=at + timedelta(minutes=minutes),
            source="cluster-1",
        )

    first = see(0, "1.0.0")
    assert see(1, "1.0.0") == first
    assert see(2, "1.1.0") != first
    assert see(3, "1.0.0") != first
    assert see(70, "1.0.0").observed_at == at + timedelta(minutes=70)
    assert RuntimeObservation.objects.filter(service=ledger).count() == 4


def test_what_cannot_have_been_seen_is_refused(cast, ledger, production):
    robot = cast["service_account"]
    known = {"actor": robot, "service": ledger, "environment": production}
    later = now() + timedelta(hours=1)
    assert refusal(record_observation, **known, version="1", observed_at=later) == "observation.future"
    assert refusal(record_observation, **known) == "observation.empty"
    assert refusal(record_observation, **known, digest="latest") == "artifact.digest"
    assert refusal(record_observation, **known, version="1", started_at=later) == "observation.started"


def test_a_batch_is_taken_whole_or_not_at_all(cast, ledger, production):
    robot = cast["service_account"]
    good = {"service": ledger.name, "version": "2.0.0", "instances": 3, "started_at": "2026-01-01T00:00:00Z"}
    for bad in ({"service": "nowhere", "version": "1"}, {"service": ledger.name}, "x", {**good, "more": 1}):
        with pytest.raises(Refused):
            record_observations(robot, environment=production, running=[good, bad], source="c")
    assert not RuntimeObservation.objects.filter(service=ledger).exists()
    said = record_observations(robot, environment=production, running=[good], source="c")
    assert said == {"observed": 1, "recorded": 1, "unchanged": 0}
    said = record_observations(robot, environment=production, running=[good], source="c")
    assert said == {"observed": 1, "recorded": 0, "unchanged": 1}


def test_a_run_is_recorded_once_and_never_told_differently(cast, ledger):
    robot = cast["service_account"]
    told = {
        "service": ledger,
        "source": "ci",
        "external_id": "4711",
        "definition_digest": "sha256:" + "1" * 64,
        "commit": "c" * 40,
        "builder": "https://ci.example/runner",
        "digest": DIGEST,
        "version": "3.0.0",
    }
    run = record_pipeline_run(robot, **told)
    assert run.artifact.digest == DIGEST and run.artifact.commit == "c" * 40
    assert record_pipeline_run(robot, **told) == run
    assert PipelineRun.objects.filter(service=ledger).count() == 1
    for name, value in (
        ("definition_digest", "sha256:" + "2" * 64),
        ("commit", "d" * 40),
        ("builder", "another"),
        ("digest", "sha256:" + "e" * 64),
    ):
        code = refusal(record_pipeline_run, actor=robot, **{**told, name: value})
        assert code == "pipeline_run.disagrees", name


def test_rest_reports_what_runs(api, ledger, production):
    client = api("service_account")
    answer = client.post(
        "/api/v1/orgs/northwind/runtime-observations/record",
        {"service": ledger.name, "environment": production.name, "version": "4.0.0"},
        format="json",
    )
    assert answer.status_code == 201, answer.content
    answer = client.post(
        "/api/v1/orgs/northwind/runtime-observations/record_all",
        {"environment": production.name, "running": [{"service": ledger.name, "version": "4.0.0"}]},
        format="json",
    )
    assert answer.status_code in (200, 201) and "unchanged" in str(answer.json()), answer.content
