"""The five delivery metrics: hand-computed cases, edges of periods and zones, a plain second computation."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules.shares import wilson
from metrics.rules.definitions import DEFINITIONS, Metric
from metrics.rules.dora import (
    ChangeInDeployment,
    Deployment,
    DeploymentLog,
    FailureLink,
    LeadStart,
    LinkKind,
    LinkStatus,
    Outcome,
    Purpose,
    RecoveryStart,
    Scope,
    change_fail_rate,
    change_lead_time,
    deployment_frequency,
    deployment_rework_rate,
    failed_deployment_recovery_time,
    five_metrics,
)
from metrics.rules.dora_grid import dora_grid
from metrics.rules.periods import Bucket, Period, slots
from metrics.rules.samples import percentiles, wording

HOUR = 3600
JANUARY = Period(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))


def at(day: float, month: int = 1) -> datetime:
    return datetime(2024, month, 1, tzinfo=UTC) + timedelta(days=day - 1)


def deployed(name: str, day: float, **fields) -> Deployment:
    return Deployment(name, fields.pop("service", "shop"), at(day), **fields)


def left_out(measure) -> dict[str, tuple[str, ...]]:
    return {each.reason: each.ids for each in measure.excluded}


@pytest.fixture
def log() -> DeploymentLog:
    return DeploymentLog(
        [
            deployed("before", 1 - 1e-6),
            deployed("d1", 1),
            deployed("d2", 2),
            deployed("d3", 9, outcome=Outcome.ROLLED_BACK),
            deployed("d4", 10, purpose=Purpose.ROLLBACK, rework=True),
            deployed("stage", 11, production=False),
            deployed("stopped", 12, outcome=Outcome.ABORTED),
            Deployment("running", "shop", None, outcome=Outcome.RUNNING),
            deployed("d5", 31.5, purpose=Purpose.EMERGENCY, service="pay"),
            Deployment("after", "shop", JANUARY.end),
        ]
    )


LINKS = [
    FailureLink("l1", "d1", "inc1", started_at=at(1.5), restored_at=at(2)),
    FailureLink("l2", "d1", "inc2", started_at=at(1.25), restored_at=at(1.75)),
    FailureLink("l3", "d2", "inc2", restored_at=at(2.25)),
    FailureLink("l4", "d3", "inc3"),
    FailureLink("l5", "d4", "inc3", kind=LinkKind.RECOVERED_BY),
    FailureLink("l6", "d5", "inc4", status=LinkStatus.DISPUTED),
    FailureLink("l7", "d5", "inc5", status=LinkStatus.PROPOSED),
    FailureLink("l8", "d5", "inc6", kind=LinkKind.CONTRIBUTED),
    FailureLink("l9", "gone", "inc7"),
]


def test_frequency_counts_finished_production_deployments_inside_the_half_open_period(log):
    measure = deployment_frequency(log, JANUARY)
    assert measure.used == ("d1", "d2", "d3", "d4", "d5")
    assert measure.value == pytest.approx(5 / 31)
    assert measure.counts == {"deployments": 5, "days_with_deployments": 5, "days": 31}
    assert left_out(measure) == {
        "not_production": ("stage",),
        "aborted": ("stopped",),
        "unfinished": ("running",),
    }
    assert [each.count for each in measure.series] == [2, 2, 0, 0, 1]
    assert [each.slot.complete for each in measure.series] == [True] * 4 + [False]
    assert measure.figures["median_per_week"] == 1.0
    assert "5" not in measure.sample[:5]
    assert measure.sample.startswith("Small sample: 5 deployments")


def test_fail_rate_counts_a_deployment_once_and_a_failure_for_each_cause(log):
    measure = change_fail_rate(log, LINKS, JANUARY)
    assert measure.used == ("d1", "d2", "d3")
    assert measure.value == pytest.approx(3 / 5)
    assert left_out(measure)["disputed"] == ("l6",)
    assert left_out(measure)["proposed"] == ("l7",)
    assert left_out(measure)["contributed"] == ("l8",)
    assert left_out(measure)["no_deployment"] == ("l9",)


def test_recovery_spans_all_failures_of_a_deployment_and_lists_the_unrestored(log):
    measure = failed_deployment_recovery_time(log, LINKS, JANUARY)
    assert measure.used == ("d1", "d2")
    # d1: from day 1.25 to day 2; d2 has no start of its own, so from its deployment on day 2.
    assert measure.value == pytest.approx((0.75 + 0.25) / 2 * 24 * HOUR)
    assert left_out(measure)["not_restored"] == ("d3",)
    from_deployment = failed_deployment_recovery_time(log, LINKS, JANUARY, start=RecoveryStart.DEPLOYED)
    assert from_deployment.value == pytest.approx((1 + 0.25) / 2 * 24 * HOUR)


def test_rework_counts_marked_deployments_and_accepted_recoveries(log):
    links = [*LINKS, FailureLink("l10", "d5", "inc3", kind=LinkKind.RECOVERED_BY)]
    measure = deployment_rework_rate(log, links, JANUARY)
    assert measure.used == ("d4", "d5")
    assert measure.value == pytest.approx(2 / 5)


def test_a_planned_rollback_is_neither_a_failure_nor_rework():
    log = DeploymentLog([deployed("a", 2), deployed("b", 3, purpose=Purpose.ROLLBACK)])
    assert change_fail_rate(log, [], JANUARY).value == 0.0
    assert deployment_rework_rate(log, [], JANUARY).value == 0.0


def test_lead_time_takes_the_first_deployment_of_a_change_to_each_service():
    log = DeploymentLog(
        [
            deployed("d0", 0.5),
            deployed("d1", 5),
            deployed("d2", 6),
            deployed("d3", 7, service="pay"),
            deployed("stage", 4, production=False),
        ]
    )
    changes = [
        ChangeInDeployment("even", "d1", committed_at=at(4), merged_at=at(4.5)),
        ChangeInDeployment("even", "d2", committed_at=at(4)),
        ChangeInDeployment("even", "d3", committed_at=at(4)),
        ChangeInDeployment("old", "d0", committed_at=at(0.25)),
        ChangeInDeployment("old", "d1", committed_at=at(0.25)),
        ChangeInDeployment("staged", "stage", committed_at=at(3)),
        ChangeInDeployment("blank", "d2"),
        ChangeInDeployment("later", "d2", committed_at=at(6.5)),
        ChangeInDeployment("lost", "nowhere", committed_at=at(1)),
    ]
    measure = change_lead_time(log, changes, JANUARY)
    assert measure.used == ("even", "even")
    assert measure.value == pytest.approx((1 + 3) / 2 * 24 * HOUR), "the median of two is their mean"
    assert left_out(measure) == {
        "deployed_before": ("even", "old"),
        "no_start": ("blank",),
        "negative": ("later",),
        "no_deployment": ("lost",),
    }
    merged = change_lead_time(log, changes, JANUARY, start=LeadStart.MERGED)
    assert merged.value == pytest.approx(12 * HOUR)
    assert measure.basis == "from committed"


def test_purposes_are_separable_and_said_to_be_left_out(log):
    measure = deployment_frequency(log, JANUARY, scope=Scope(purposes=frozenset({Purpose.EMERGENCY})))
    assert measure.used == ("d5",)
    assert left_out(measure)["purpose"] == ("d1", "d2", "d3", "d4")
    assert deployment_frequency(log, JANUARY, scope=Scope(services=frozenset({"pay"}))).used == ("d5",)


def test_young_deployments_wait_before_they_count_as_good(log):
    measure = change_fail_rate(log, LINKS, JANUARY, as_of=at(32), observation=timedelta(days=3))
    assert left_out(measure)["observing"] == ("d5",)
    assert measure.counts == {"failed": 3, "deployments": 4}


def test_nothing_recorded_gives_no_value_and_nothing_deployed_gives_zero(log):
    empty = five_metrics(DeploymentLog([]), [], [], JANUARY)
    assert {metric: measure.value for metric, measure in empty.items()} == dict.fromkeys(Metric)
    assert all(measure.sample.startswith("No ") for measure in empty.values())
    march = Period(at(1, 3), at(1, 4))
    quiet = five_metrics(log, [], [], march)
    assert quiet[Metric.DEPLOYMENT_FREQUENCY].value == 0.0
    assert quiet[Metric.CHANGE_FAIL_RATE].value is None


def test_every_measure_carries_its_definition_and_version(log):
    for metric, measure in five_metrics(log, [], LINKS, JANUARY).items():
        assert measure.definition is DEFINITIONS[metric]
        assert measure.definition.version >= 1


@pytest.mark.parametrize("naive", ["deployment", "change", "link", "period"])
def test_times_without_a_zone_are_refused(naive):
    moment = datetime(2024, 1, 2)
    log = DeploymentLog([Deployment("d", "s", moment if naive == "deployment" else at(2))])
    changes = [ChangeInDeployment("c", "d", committed_at=moment if naive == "change" else at(1))]
    links = [FailureLink("l", "d", "f", restored_at=moment if naive == "link" else at(3))]
    with pytest.raises(ValueError, match="time zone"):
        five_metrics(log, changes, links, Period(moment, at(9)) if naive == "period" else JANUARY)


def test_two_deployments_with_one_id_are_refused():
    with pytest.raises(ValueError, match="id of its own"):
        DeploymentLog([deployed("a", 1), deployed("a", 2)])


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", 31), ("Asia/Tokyo", 1), ("America/New_York", 30)],
)
def test_a_deployment_belongs_to_the_local_day(zone, day):
    moment = datetime(2024, 3, 31, 2 if zone == "America/New_York" else 20, tzinfo=UTC)
    period = Period(datetime(2024, 3, 20, tzinfo=UTC), datetime(2024, 4, 10, tzinfo=UTC))
    log = DeploymentLog([Deployment("d", "s", moment)])
    series = deployment_frequency(log, period, bucket=Bucket.DAY, zone=zone).series
    (hit,) = [each.slot for each in series if each.count]
    assert hit.day.day == day


def test_days_across_clock_changes_have_their_own_length():
    period = Period(datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 4, 1, 22, tzinfo=UTC))
    hours = [(s.end - s.start).total_seconds() / HOUR for s in slots(period, Bucket.DAY, "Europe/Berlin")]
    assert hours == [23, 24]
    autumn = Period(datetime(2024, 10, 26, 22, tzinfo=UTC), datetime(2024, 10, 27, 23, tzinfo=UTC))
    assert [(s.end - s.start).total_seconds() / HOUR for s in slots(autumn, Bucket.DAY, "Europe/Berlin")] == [
        25
    ]
    # Midnight of this day does not exist there: the day begins when the clock jumps.
    gap = Period(datetime(2024, 9, 7, tzinfo=UTC), datetime(2024, 9, 9, tzinfo=UTC))
    found = slots(gap, Bucket.DAY, "America/Santiago")
    assert all(a.end == b.start and a.start < a.end for a, b in pairwise(found))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 90 * 24),
    st.sampled_from(list(Bucket)),
    st.sampled_from(["UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "America/Havana"]),
)
def test_slots_join_without_gap_and_cover_the_period(start, hours, bucket, zone):
    period = Period(start, start + timedelta(hours=hours))
    found = slots(period, bucket, zone)
    assert found[0].start <= period.start
    assert found[-1].end >= period.end
    assert all(a.end == b.start for a, b in pairwise(found))
    assert sum(slot.complete for slot in found) >= len(found) - 2


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_percentiles_are_exact(values):
    found = percentiles(values)
    assert found[50] == pytest.approx(statistics.median(values))
    if len(values) > 1:
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        assert [found[p] for p in (75, 90, 95)] == pytest.approx([cuts[74], cuts[89], cuts[94]])


def test_intervals_say_how_little_a_clean_row_proves():
    for runs, upper in ((20, 0.161), (35, 0.099), (73, 0.05)):
        assert wilson(0, runs)[1] == pytest.approx(upper, abs=5e-4)
    assert wilson(0, 0) is None
    assert wording(3, "changes") == "Computed from 3 changes only: read the rows, not the figure."
    assert wording(20, "changes") == ""


deployments = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 60 * 24),
        st.booleans(),
        st.sampled_from(list(Outcome)),
        st.booleans(),
    ),
    max_size=40,
)


@given(
    deployments, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 72), st.integers(0, 12)), max_size=30)
)
def test_single_metrics_grid_and_a_plain_loop_agree(rows, changed):
    items = [
        Deployment(str(i), s, at(0) + timedelta(hours=h), production=p, outcome=o, rework=r)
        for i, (s, h, p, o, r) in enumerate(rows)
    ]
    log = DeploymentLog(items)
    changes = [
        ChangeInDeployment(f"c{c}", str(d), committed_at=at(0) + timedelta(hours=h)) for d, h, c in changed
    ]
    links = [
        FailureLink(f"l{i}", str(d), "f", restored_at=at(0) + timedelta(hours=h + 24 * c))
        for i, (d, h, c) in enumerate(changed)
    ]
    gone = (Outcome.ABORTED, Outcome.RUNNING)
    good = [d for d in items if d.production and d.outcome not in gone and d.finished_at in JANUARY]
    measures = five_metrics(log, changes, links, JANUARY)
    assert measures[Metric.DEPLOYMENT_FREQUENCY].counts["deployments"] == len(good)
    linked = {link.deployment_id for link in links}
    failed = [d for d in good if d.outcome in (Outcome.FAILED, Outcome.ROLLED_BACK) or d.id in linked]
    assert measures[Metric.CHANGE_FAIL_RATE].counts["failed"] == len(failed)

    first: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    by_id = {d.id: d for d in items if d.production and d.outcome not in gone}
    for change in changes:
        if (d := by_id.get(change.deployment_id)) is not None:
            key = (d.service, change.change_id)
            if key not in first or d.finished_at < first[key][0]:
                first[key] = (d.finished_at, change.committed_at)
    times = [
        (end - start).total_seconds() for end, start in first.values() if end >= start and end in JANUARY
    ]
    measure = measures[Metric.CHANGE_LEAD_TIME]
    if len({(c.change_id, c.committed_at) for c in changes}) == len({c.change_id for c in changes}):
        assert measure.counts["changes"] == len(times)
        assert measure.value == (pytest.approx(statistics.median(times)) if times else None)

    grid = dora_grid(log, changes, links, JANUARY)
    assert int(grid.deployments.sum()) == len(good)
    assert int(grid.failed.sum()) == len(failed)
    assert int(grid.rework.sum()) == measures[Metric.REWORK_RATE].counts["rework"]
    assert int(grid.changes.sum()) == measure.counts["changes"]
    for cell in grid.cells():
        scope = Scope(services=frozenset({cell.group}))
        alone = five_metrics(log, changes, links, Period(cell.slot.start, cell.slot.end), scope=scope)
        assert alone[Metric.CHANGE_FAIL_RATE].value == cell.fail_rate
        assert alone[Metric.CHANGE_LEAD_TIME].value == pytest.approx(cell.lead_seconds)
        assert alone[Metric.RECOVERY_TIME].value == pytest.approx(cell.recovery_seconds)


def test_sixty_thousand_deployments_are_quick():
    start = at(1)
    rows = [
        Deployment(str(i), f"s{i % 70}", start + timedelta(minutes=i * 0.7), rework=i % 40 == 0)
        for i in range(60_000)
    ]
    changes = [
        ChangeInDeployment(f"c{i}", str(i), committed_at=row.finished_at - timedelta(hours=i % 90))
        for i, row in enumerate(rows)
    ]
    links = [
        FailureLink(str(i), str(i), "f", restored_at=rows[i].finished_at + timedelta(hours=1))
        for i in range(0, 60_000, 50)
    ]
    period = Period(start, start + timedelta(days=29))
    log = DeploymentLog(rows)
    five_metrics(log, changes, links, period)
    calls = {
        Metric.DEPLOYMENT_FREQUENCY: lambda: deployment_frequency(log, period),
        Metric.CHANGE_LEAD_TIME: lambda: change_lead_time(log, changes, period),
        Metric.CHANGE_FAIL_RATE: lambda: change_fail_rate(log, links, period),
        Metric.RECOVERY_TIME: lambda: failed_deployment_recovery_time(log, links, period),
        Metric.REWORK_RATE: lambda: deployment_rework_rate(log, links, period),
    }
    for metric, call in calls.items():
        best = 9.0
        for _ in range(3):
            begun = perf_counter()
            measure = call()
            best = min(best, perf_counter() - begun)
        assert measure.counts["deployments"] > 59_000
        # A bound against quadratic work; the figures themselves belong to the benchmarks.
        assert best < 5, f"{metric}: {best * 1000:.0f} ms"
