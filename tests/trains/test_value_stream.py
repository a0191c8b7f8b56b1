"""Value streams: waiting and working per stage and handoff, from events in any order, recorded once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions import pipelines as acts
from trains.models import Pipeline, StageEvent
from trains.queries.value_stream import stream_of
from trains.rules.value_stream import Event, StageOf, value_stream

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
STAGES = [StageOf("build", "A"), StageOf("test", "A"), StageOf("deploy", "B")]
HOURS = st.lists(st.integers(0, 40), min_size=6, max_size=6)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def events_of(run: str, gaps: list[int]) -> list[Event]:
    """One run straight through: waits and works in turn."""
    at, found = START, [Event("build", run, "entered", START)]
    for stage, (wait, work) in zip(STAGES, zip(gaps[::2], gaps[1::2], strict=True), strict=True):
        at += hours(wait)
        found.append(Event(stage.id, run, "started", at))
        at += hours(work)
        found.append(Event(stage.id, run, "finished", at))
    return found


@given(st.lists(HOURS, min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_waiting_and_working_add_up_in_any_order_of_events(runs: list[list[int]], chance: Any) -> None:
    events = [e for n, gaps in enumerate(runs) for e in events_of(f"run{n}", gaps)]
    whole = sum((hours(sum(gaps)) for gaps in runs), timedelta(0))
    straight = value_stream(STAGES, events)
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert value_stream(STAGES, shuffled) == straight
    assert sum((s.waiting.total + s.working.total for s in straight.stages), timedelta(0)) == whole
    for place, each in enumerate(straight.stages):
        assert list(each.waiting.durations) == [hours(gaps[2 * place]) for gaps in runs]
        assert list(each.working.durations) == [hours(gaps[2 * place + 1]) for gaps in runs]
    assert [s.handoff for s in straight.stages] == [False, False, True]
    medians = [s.waiting.median for s in straight.stages]
    if straight.longest:
        assert max(medians) == medians[[s.id for s in STAGES].index(straight.longest)]


def test_a_skipped_stage_and_a_second_attempt_do_no_harm() -> None:
    events = [
        Event("build", "r", "started", START),
        Event("build", "r", "finished", START + hours(1)),
        Event("deploy", "r", "started", START + hours(5)),
        Event("deploy", "r", "started", START + hours(6)),
        Event("deploy", "r", "finished", START + hours(8)),
    ]
    found = value_stream(STAGES, events)
    assert found.stages[1].waiting.runs == 0
    assert found.stages[2].waiting.durations == (hours(4),)
    assert found.stages[2].working.durations == (hours(3),)
    assert found.longest == "deploy"
    assert found.efficiency == pytest.approx(4 / 8)
    assert value_stream(STAGES, []).longest is None


@pytest.fixture
def mapped(world: Any) -> Any:
    from trains.actions.teams import create_team

    world.platform = create_team(world.as_["rte"], train=world.train, code="PLT", name="Platform")
    world.pipeline = acts.create_pipeline(
        world.as_["rte"], service=world.ledger, stages=["Build:LED", "Test:LED", "Deploy:PLT"]
    )
    return world


def csv_of(base: datetime) -> str:
    lines = ["stage,run,event,at"]
    for n in range(3):
        run = base + timedelta(days=n)
        for stage, start, end in (("Build", 0, 1), ("Test", 2, 4), ("Deploy", 30, 31)):
            lines.append(f"{stage},5.{n}.0,started,{(run + hours(start)).isoformat()}")
            lines.append(f"{stage},5.{n}.0,finished,{(run + hours(end)).isoformat()}")
    return "\n".join(lines) + "\n"


@pytest.mark.django_db
def test_the_page_marks_the_longest_wait_and_the_handoff(
    mapped: Any, web: Any, api: Any, django_assert_max_num_queries: Any
) -> None:
    file = Upload("events.csv", csv_of(now().replace(microsecond=0) - timedelta(days=10)).encode())
    pipe = mapped.as_["release_manager"]
    run = acts.import_events(pipe, mapped.pipeline, file=file)
    assert (run.rows, run.created) == (18, 18)
    assert acts.import_events(pipe, mapped.pipeline, file=file).created == 0
    found = stream_of(mapped.pipeline)
    assert found.longest is not None
    assert found.longest.stage.name == "Deploy"
    assert found.longest.times.waiting.median == hours(26)
    assert [line.handoff for line in found.lines] == ["", "", "Ledger to Platform"]
    client = web("rte")
    client.get(f"/o/northwind/pipelines/{mapped.pipeline.pk}/")
    with django_assert_max_num_queries(45):
        text = client.get(f"/o/northwind/pipelines/{mapped.pipeline.pk}/").content.decode()
    assert "longest wait" in text
    assert "Ledger to Platform" in text
    address = "/api/v1/orgs/northwind/value-stream"
    said = api("rte").get(address, {"pipeline": str(mapped.pipeline.pk)}).json()
    assert said["longest_wait_before"] == "Deploy"
    assert said["stages"][2]["waiting"]["median_seconds"] == 26 * 3600
    assert api("rte").get(address, {"pipeline": "x"}).status_code == 422
    assert api("rte").get(address, {"pipeline": str(mapped.pipeline.pk), "days": "-1"}).status_code == 422


@pytest.mark.django_db
def test_events_are_posted_once_and_never_before_they_happen(mapped: Any, api: Any) -> None:
    stage = mapped.pipeline.stages.get(name="Build")
    body = {"stage": str(stage.pk), "run": "5.2.0", "kind": "started", "at": (now() - hours(2)).isoformat()}
    client = api("service_account")
    for _ in range(2):
        answer = client.post("/api/v1/orgs/northwind/stage-events/record", body, format="json")
        assert answer.status_code in (200, 201), answer.content
    assert StageEvent.objects.count() == 1
    late = client.post(
        "/api/v1/orgs/northwind/stage-events/record",
        {**body, "at": (now() + hours(2)).isoformat()},
        format="json",
    )
    assert late.status_code == 422


@pytest.mark.django_db
def test_stages_are_changed_without_losing_events(mapped: Any) -> None:
    rte = mapped.as_["rte"]
    build = mapped.pipeline.stages.get(name="Build")
    acts.record_stage_event(
        mapped.as_["service_account"], stage=build, run="1", kind=StageEvent.Kind.STARTED, at=now()
    )
    acts.set_stages(rte, mapped.pipeline, stages=["Deploy:PLT", "Build:LED"])
    standing = mapped.pipeline.stages.filter(retired_at__isnull=True).order_by("position")
    assert [(s.name, s.position) for s in standing] == [("Deploy", 1), ("Build", 2)]
    assert standing.get(name="Build").pk == build.pk
    assert build.events.count() == 1
    acts.set_stages(rte, mapped.pipeline, stages=["Test", "Build"])
    assert Pipeline.objects.get().stages.filter(retired_at__isnull=True).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("stages", [[], ["  "], ["Build:NONE"], ["Build", "Build"], ["x" * 90]])
def test_stages_that_cannot_be_are_refused_by_field(mapped: Any, stages: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        acts.set_stages(mapped.as_["rte"], mapped.pipeline, stages=stages)
    assert refused.value.refusals[0].field == "stages"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("Nowhere,1,started,2026-01-01T00:00:00Z", "Nowhere"),
        ("Build,1,paused,2026-01-01T00:00:00Z", "event"),
        ("Build,1,started,monday", "at"),
    ],
)
def test_one_bad_event_keeps_every_row_out(mapped: Any, row: str, named: str) -> None:
    file = Upload("e.csv", f"stage,run,event,at\nBuild,1,started,2026-01-01T00:00:00Z\n{row}\n".encode())
    with pytest.raises(Refused) as refused:
        acts.import_events(mapped.as_["release_manager"], mapped.pipeline, file=file)
    assert any(named in r.sentence for r in refused.value.refusals)
    assert not StageEvent.objects.exists()
