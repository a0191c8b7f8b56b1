"""Roll-ups say what the rows say: after any events, late ones and corrections too, and with any part already rolled up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection

from metrics.models import ServiceDay, ServiceSpan, Touched
from metrics.queries.dora import Wanted, rows_of
from metrics.queries.rollup import groups_of, live_cells, rolled
from metrics.rolling import roll_up
from metrics.rules.dora import LeadStart, Purpose, Scope, five_metrics
from metrics.rules.dora_grid import dora_grid
from metrics.rules.periods import Bucket, Period, days_of, floor_day, whole_buckets
from metrics.rules.rollup import COUNTS, TIMES, by_service, five_of, grid_of, summary_of
from problems.models import FailureLink, Incident
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.actions import environments, services, trains
from trains.models import Commit, Deployment, DeploymentCommit, Environment, Service

ZONE = "Europe/Berlin"
BEGIN = datetime(2026, 3, 20, tzinfo=UTC)  # a clock change lies within
DAYS = 16


@pytest.fixture
def train(cast: Any) -> Any:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        owner = cast["owner"]
        made = trains.create_train(
            owner, key="PAY", name="Payments", cadence_start=datetime(2026, 1, 5).date()
        )
        for name in ("ledger", "wallet"):
            services.create_service(owner, name=name, train=made, tier=3)
        for name, kind in (("production", Environment.Kind.PRODUCTION), ("canary", Environment.Kind.STAGING)):
            environments.create_environment(owner, name=name, kind=kind)
        Organization.objects.filter(pk=cast.organization.pk).update(time_zone=ZONE)
        yield made


class World:
    """Random events of the kinds that change what a day delivered."""

    def __init__(self, seed: int):
        self.random = Random(seed)
        self.services = list(Service.objects.order_by("name"))
        self.environments = list(Environment.objects.order_by("name"))
        self.number = 0

    def moment(self) -> datetime:
        return BEGIN + timedelta(minutes=self.random.randrange(DAYS * 24 * 60))

    def any(self, model: Any) -> Any:
        found = list(model.objects.order_by("created_at", "id"))
        return self.random.choice(found) if found else None

    def deployed(self) -> None:
        at = self.moment()
        Deployment.objects.create(
            service=self.random.choice(self.services),
            environment=self.random.choices(self.environments, [1, 4])[0],
            state=(state := self.random.choice(["succeeded"] * 5 + ["failed", "cancelled", "running"])),
            outcome=state,
            started_at=at - timedelta(minutes=5),
            finished_at=at if state != "running" or self.random.random() < 0.5 else None,
            emergency=self.random.random() < 0.2,
            rework=self.random.random() < 0.2,
        )

    def carried(self) -> None:
        deployment = self.any(Deployment)
        if deployment is None:
            return
        commit = self.any(Commit) if self.random.random() < 0.4 else None
        if commit is None:
            self.number += 1
            written = self.moment()
            commit = Commit.objects.create(
                service=deployment.service, sha=f"{self.number:040x}", authored_at=written,
                merged_at=written + timedelta(hours=3) if self.random.random() < 0.7 else None,
            )  # fmt: skip
        if not DeploymentCommit.objects.filter(deployment=deployment, commit=commit).exists():
            DeploymentCommit.objects.create(deployment=deployment, commit=commit)

    def corrected(self) -> None:
        deployment = self.any(Deployment)
        if deployment is None:
            return
        change = self.random.randrange(5)
        if change == 0:
            deployment.finished_at = self.moment()
            deployment.started_at = deployment.finished_at - timedelta(minutes=5)
        elif change == 1:
            deployment.state = deployment.outcome = self.random.choice(["succeeded", "failed", "cancelled"])
        elif change == 2:
            deployment.emergency = not deployment.emergency
        elif change == 3:
            deployment.service = self.random.choice(self.services)
        else:
            deployment.environment = self.random.choice(self.environments)
        deployment.save()

    def rolled_back(self) -> None:
        undone = self.any(Deployment)
        if undone is None or undone.finished_at is None:
            return
        at = undone.finished_at + timedelta(hours=self.random.randrange(1, 60))
        Deployment.objects.create(
            service=undone.service, environment=undone.environment, kind="rollback", state="succeeded",
            outcome="succeeded", started_at=at, finished_at=at, rolls_back=undone, rework=True,
        )  # fmt: skip
        undone.state = "rolled_back"
        undone.save()

    def failed(self) -> None:
        deployment = self.any(Deployment)
        if deployment is None:
            return
        self.number += 1
        at = self.moment()
        incident = Incident.objects.create(
            title="Down", detected_at=at, started_at=at - timedelta(minutes=9), external_id=str(self.number)
        )
        FailureLink.objects.create(
            incident=incident, deployment=deployment, kind=self.random.choice(["caused", "caused", "contributed", "recovered_by"]),
            status=self.random.choice(["proposed", "accepted"]), decided_at=at,
        )  # fmt: skip

    def judged(self) -> None:
        link = self.any(FailureLink)
        if link is not None:
            link.status = self.random.choice(["accepted", "disputed"])
            link.save()

    def restored(self) -> None:
        incident = self.any(Incident)
        if incident is not None:
            incident.resolved_at = incident.detected_at + timedelta(minutes=self.random.randrange(1, 500))
            incident.state = "resolved"
            incident.save()

    def rewritten(self) -> None:
        commit = self.any(Commit)
        if commit is not None:
            if self.random.random() < 0.5:
                commit.lines_added = self.random.choice([None, 0, 7, 300])
                commit.lines_removed = self.random.choice([None, 0, 5])
            else:
                commit.authored_at = self.moment()
            commit.save()

    def reclassified(self) -> None:
        environment = self.environments[0]
        environment.kind = "production" if environment.kind == "staging" else "staging"
        environment.save()

    def happen(self, times: int) -> None:
        kinds = [self.deployed] * 5 + [self.carried] * 6 + [self.corrected] * 3
        kinds += [
            self.rolled_back,
            self.failed,
            self.judged,
            self.restored,
            self.rewritten,
            self.reclassified,
        ]
        for _ in range(times):
            self.random.choice(kinds)()


def equal(question: Random) -> None:
    """Any question: the roll-ups' answer is the rows' answer."""
    from zoneinfo import ZoneInfo

    # Some periods cover whole weeks and months, some begin and end within them.
    first = (BEGIN + timedelta(days=question.randrange(-30, 8))).date()
    last = first + timedelta(days=question.choice([1, 3, 8, 11, 45, 70]))
    local = ZoneInfo(ZONE)
    midnight = datetime.min.time()
    period = Period(
        datetime.combine(first, midnight, local), datetime.combine(last + timedelta(days=1), midnight, local)
    )
    service = str(question.choice(list(Service.objects.order_by("name"))).pk)
    wanted = Wanted(service=service if question.random() < 0.3 else "")
    start, bucket = question.choice(list(LeadStart)), question.choice(list(Bucket))
    purposes = frozenset(question.sample(list(Purpose), question.randrange(3)))
    rows = rows_of(period, wanted)
    cells = rolled(wanted, first, last, ZONE, bucket)
    from_rows = five_metrics(
        rows.log, rows.changes, rows.links, period, start=start, zone=ZONE, bucket=bucket, scope=Scope(purposes=purposes)
    )  # fmt: skip
    from_cells = five_of(cells, period, start=start, zone=ZONE, bucket=bucket, purposes=purposes)
    for metric, measure in from_rows.items():
        left, right = from_cells[metric], summary_of(measure)
        assert {e.reason: e.count for e in left.excluded} == {e.reason: e.count for e in right.excluded}, (
            metric
        )
        assert replace(left, excluded=()) == replace(right, excluded=()), metric
    alone = by_service(cells, period, start=start, purposes=purposes)
    if wanted.service and cells.services:
        assert alone == {service: pytest.approx({m: s.value for m, s in from_cells.items()})}
    if rows.log.rows and not purposes:
        grid = dora_grid(rows.log, rows.changes, rows.links, period, bucket=bucket, zone=ZONE, start=start)
        ours = grid_of(
            cells, period, groups_of(cells.services, "service"), bucket=bucket, zone=ZONE, start=start
        )
        assert {(c.group, c.slot): c for c in grid.cells()} == {(c.group, c.slot): c for c in ours.cells()}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_rollups_equal_a_computation_from_the_rows(train: Any, seed: int) -> None:
    world = World(seed)
    for _ in range(5):
        world.happen(14)
        equal(world.random)
        if world.random.random() < 0.7:
            roll_up(most=world.random.choice([3, 10, 10_000]))
        equal(world.random)
    roll_up()
    assert not Touched.objects.exists()
    equal(world.random)
    services = [str(each) for each in Service.objects.values_list("pk", flat=True)]
    days = {(s, (BEGIN + timedelta(days=n)).date()) for s in services for n in range(-1, DAYS + 5)}
    anew = {(c.service, c.day, c.purpose): {**c.counts, **c.times} for c in live_cells(days, ZONE)}
    names = [*COUNTS, *TIMES]
    kept = {
        (str(r.service_id), r.day, r.purpose): {n: _plain(getattr(r, n)) for n in names}
        for r in ServiceDay.objects.all()
    }
    assert kept == anew
    assert _spans() == _added_up(kept)


def _spans() -> dict[Any, Any]:
    """Weeks and months as the database keeps them."""
    return {
        (str(s.service_id), s.length, s.day, s.purpose): {n: _plain(getattr(s, n)) for n in (*COUNTS, *TIMES)}
        for s in ServiceSpan.objects.all()
    }


def _added_up(days: dict[Any, Any]) -> dict[Any, Any]:
    """Weeks and months from these days."""
    found: dict[Any, Any] = {}
    for (service, day, purpose), values in sorted(days.items(), key=lambda item: item[0][1]):
        for bucket in (Bucket.WEEK, Bucket.MONTH):
            span = found.setdefault((service, bucket.value, floor_day(day, bucket), purpose), {})
            for name, value in values.items():
                span[name] = span[name] + value if name in span else value
    return found


@pytest.mark.django_db
def test_weeks_and_months_follow_their_days_whoever_writes_them(train: Any) -> None:
    world = World(4)
    world.happen(60)
    roll_up()

    def days() -> dict[Any, Any]:
        return {
            (str(r.service_id), r.day, r.purpose): {n: _plain(getattr(r, n)) for n in (*COUNTS, *TIMES)}
            for r in ServiceDay.objects.all()
        }

    assert _spans() == _added_up(days()) and _spans()
    one, other = ServiceDay.objects.order_by("day").first(), ServiceDay.objects.order_by("day").last()
    assert one is not None and other is not None
    one.day -= timedelta(days=40)
    one.save()
    other.delete()
    assert _spans() == _added_up(days())
    ServiceDay.objects.all().delete()
    assert not ServiceSpan.objects.exists()


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_new_lines_equal_a_count_in_plain_sql(train: Any, seed: int) -> None:
    """Commits whose first deployment that reached production is no rollback and lies in the period."""
    from metrics.queries.stability import changed

    world = World(seed)
    world.happen(60)
    first, last = (BEGIN + timedelta(days=3)).date(), (BEGIN + timedelta(days=11)).date()
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(_NEW_LINES, [ZONE, ZONE, first, last])
            expected = sorted(cursor.fetchall())
        found = [
            (c.service, c.month, c.commits, c.unsized, c.lines) for c in changed(first, last, Wanted(), ZONE)
        ]
        assert sorted(found) == expected and expected
        roll_up()


_NEW_LINES = """
    WITH production AS (
      SELECT d.* FROM trains_deployment d JOIN trains_environment e ON e.id = d.environment_id
      WHERE e.kind = 'production' AND d.state IN ('succeeded', 'failed', 'rolled_back') AND d.finished_at IS NOT NULL
    ), first AS (
      SELECT DISTINCT ON (d.service_id, c.commit_id) d.service_id, c.commit_id, d.kind, d.finished_at
      FROM trains_deploymentcommit c JOIN production d ON d.id = c.deployment_id
      ORDER BY d.service_id, c.commit_id, d.finished_at, d.kind
    )
    SELECT s.name, date_trunc('month', f.finished_at AT TIME ZONE %s)::date, count(*),
      count(*) FILTER (WHERE k.lines_added IS NULL AND k.lines_removed IS NULL),
      coalesce(sum(coalesce(k.lines_added, 0) + coalesce(k.lines_removed, 0)), 0)
    FROM first f JOIN trains_commit k ON k.id = f.commit_id JOIN trains_service s ON s.id = f.service_id
    WHERE f.kind <> 'rollback' AND (f.finished_at AT TIME ZONE %s)::date BETWEEN %s AND %s GROUP BY 1, 2
"""


@pytest.mark.django_db
def test_a_late_event_fixes_the_past_at_once(train: Any) -> None:
    world = World(1)
    world.happen(30)
    roll_up()
    before = rolled(Wanted(), BEGIN.date(), (BEGIN + timedelta(days=30)).date(), ZONE, Bucket.DAY)
    at = BEGIN + timedelta(days=1)
    Deployment.objects.create(
        service=world.services[0], environment=Environment.objects.get(name="production"), state="failed",
        outcome="failed", started_at=at, finished_at=at,
    )  # fmt: skip
    assert Touched.objects.count() == 1
    after = rolled(Wanted(), BEGIN.date(), (BEGIN + timedelta(days=30)).date(), ZONE, Bucket.DAY)
    assert after.counts["failed"].sum() == before.counts["failed"].sum() + 1


@pytest.mark.django_db
def test_another_time_zone_begins_other_days(train: Any, cast: Any) -> None:
    world = World(2)
    world.happen(40)
    roll_up()
    Organization.objects.filter(pk=cast.organization.pk).update(time_zone="Pacific/Auckland")
    assert not ServiceDay.objects.exists()
    assert roll_up() > 0
    assert ServiceDay.objects.exists()


@pytest.mark.django_db
def test_what_changes_nothing_is_not_noted(train: Any) -> None:
    world = World(3)
    world.happen(30)
    roll_up()
    for deployment in Deployment.objects.all():
        deployment.url = "https://ci.example/1"
        deployment.save()
    assert not Touched.objects.exists()


@pytest.mark.parametrize("bucket", [Bucket.WEEK, Bucket.MONTH])
@pytest.mark.parametrize("length", [1, 6, 7, 8, 13, 30, 31, 45, 61, 200])
def test_whole_buckets_are_those_that_lie_within(bucket: Bucket, length: int) -> None:
    for shift in range(45):
        first = (BEGIN + timedelta(days=shift)).date()
        last = first + timedelta(days=length - 1)
        days = [first + timedelta(days=n) for n in range(length)]
        inside = [day for day in days if set(days_of(floor_day(day, bucket), bucket)) <= set(days)]
        assert whole_buckets(first, last, bucket) == ((inside[0], inside[-1]) if inside else None)
