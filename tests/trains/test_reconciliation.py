"""Pipelines' records against runtimes' sights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from trains.actions.deployments import record_deployment
from trains.actions.observations import record_observation
from trains.models import Environment, Service
from trains.queries.reconciliation import reconcile
from trains.rules.reconciliation import Recorded, Seen, gaps_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return T0 + hours * HOUR


def record(number: int, hours: float, version: str, minutes: float = 10) -> Recorded:
    return Recorded(number, at(hours), at(hours) + timedelta(minutes=minutes), "", version)


def sight(number: int, hours: float, version: str, started: float | None = None) -> Seen:
    return Seen(number, at(hours), at(started) if started is not None else None, "", version)


def kinds(recorded, seen, until: float = 100) -> list[str]:
    return [g.kind for g in gaps_of(recorded, seen, since=T0, until=at(until))]


@pytest.mark.parametrize(
    ("recorded", "seen", "expected"),
    [
        ([record(1, 1, "a")], [sight(1, 2, "a")], []),
        ([record(1, 1, "a")], [sight(1, 2, "a", started=1.1)], []),
        ([], [sight(1, 2, "a")], ["unrecorded"]),
        ([], [sight(1, 2, "a"), sight(2, 3, "a")], ["unrecorded"]),
        ([], [sight(1, 2, "a"), sight(2, 3, "b"), sight(3, 4, "a")], ["unrecorded"] * 3),
        ([record(1, 1, "a")], [sight(1, 2, "b")], ["missing", "unrecorded"]),
        ([record(1, 1, "a"), record(2, 5, "b")], [sight(1, 2, "a"), sight(2, 6, "a")], ["missing"]),
        ([record(1, 5, "a")], [sight(1, 2, "a"), sight(2, 6, "a")], ["early"]),
        ([record(1, 1, "a")], [sight(1, 4, "a", started=3)], ["late"]),
        ([record(1, 1, "a")], [], ["unobserved"]),
    ],
)
def test_each_gap_has_its_kind(recorded, seen, expected):
    assert kinds(recorded, seen) == expected


def test_a_deployment_of_this_minute_is_given_time():
    assert kinds([record(1, 1, "a")], [], until=1.5) == []


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True), st.integers(1, 5))
def test_a_runtime_that_sees_what_was_deployed_leaves_no_gap(hours, looks):
    hours = sorted(hours)
    recorded = [record(n, h, f"v{n}") for n, h in enumerate(hours)]
    seen = []
    for n, h in enumerate(hours):
        end = hours[n + 1] if n + 1 < len(hours) else h + 1
        step = (end - h - 0.3) / looks
        seen += [sight(100 * n + k, h + 0.2 + k * step, f"v{n}", started=h + 0.1) for k in range(looks)]
    assert kinds(recorded, seen, until=60) == []


@given(
    st.lists(st.tuples(st.floats(0, 50), st.sampled_from("abc")), max_size=8),
    st.lists(st.tuples(st.floats(0, 50), st.sampled_from("abc")), max_size=8),
)
def test_whatever_was_never_recorded_is_said(deployed, looked):
    recorded = [record(n, h, v) for n, (h, v) in enumerate(deployed)]
    seen = [sight(n, h, v) for n, (h, v) in enumerate(looked)]
    gaps = gaps_of(recorded, seen, since=T0, until=at(60))
    strange = {v for _, v in looked} - {v for _, v in deployed}
    assert {g.seen.version for g in gaps if g.kind == "unrecorded"} == strange


@pytest.mark.django_db
def test_the_page_and_rest_show_the_same_gaps(cast, api, in_northwind, django_assert_max_num_queries):
    robot = cast["service_account"]
    production = Environment.objects.create(name="seen-production", kind="production", rank=91)
    for n in range(3):
        service = Service.objects.create(name=f"seen-{n}")
        moment = now() - timedelta(days=2)
        record_deployment(
            robot,
            service=service,
            environment=production,
            status="succeeded",
            version="1.0.0",
            started_at=moment,
            finished_at=moment,
            source="ci",
            external_id=f"r{n}",
        )
        version = "1.0.0" if n else "0.9.0"
        record_observation(
            robot,
            service=service,
            environment=production,
            version=version,
            observed_at=moment + timedelta(hours=2),
            source="cluster",
        )
    with django_assert_max_num_queries(3):
        report = reconcile(now() - timedelta(days=7), now(), environments=[production])
    assert report.counts == {"unrecorded": 1, "missing": 1, "early": 0, "late": 0, "unobserved": 0}
    answer = api("auditor").get("/api/v1/orgs/northwind/reconciliation?environment=seen-production")
    assert answer.status_code == 200
    assert answer.json()["counts"] == report.counts and len(answer.json()["gaps"]) == 2
    for query in ("from=yesterday", "environment=nowhere", "from=2020-01-01T00:00:00Z"):
        assert api("auditor").get(f"/api/v1/orgs/northwind/reconciliation?{query}").status_code == 422, query
