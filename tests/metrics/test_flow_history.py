"""Delays, volatility, recurrence and planning over a history that was lived through: the clock moves, people act."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from metrics.asking import question_from
from metrics.queries import delays, planned, recurrence, state_entries, volatility
from metrics.queries.dora import Wanted
from metrics.rules import cycle
from metrics.rules import volatility as volatility_rules
from metrics.rules.periods import Period
from planning.models import Feature, FeatureKind, Objective, WorkItem
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from trains.models import ProgramIncrement, Release, ScopeItem

pytestmark = pytest.mark.django_db
# After the grants of the cast began: whoever asks may do so then.
T0 = datetime(2027, 11, 30, 8, tzinfo=UTC)
PERIOD = Period(T0, T0 + timedelta(days=120))
ALL = Wanted()
API = "/api/v1/orgs/northwind/metrics"


class Lived:
    """A train, and a clock that the story moves."""

    def __init__(self, cast: Any, clock: Any):
        from trains.actions import services, teams, trains

        self.cast, self.clock = cast, clock
        self.states: list[tuple[Any, str, datetime]] = []
        rte = cast["rte"]
        self.train = trains.create_train(rte, key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
        self.team = teams.create_team(rte, train=self.train, code="LED", name="Ledger team")
        self.other = teams.create_team(rte, train=self.train, code="CRD", name="Cards team")
        self.service = services.create_service(rte, name="ledger", train=self.train, team=self.team, tier=2)
        self.pi = ProgramIncrement.objects.create(
            train=self.train, name="27.1", starts=T0.date(), ends=(T0 + timedelta(days=70)).date()
        )

    def at(self, days: float) -> None:
        self.clock.move_to(T0 + timedelta(days=days))

    def feature(self, title: str, team: Any = None) -> Feature:
        made: Feature = Feature.objects.create(
            train=self.train, title=title, team=team or self.team, pi=self.pi, kind=FeatureKind.FEATURE
        )
        self.states.append((made.pk, made.state, now()))
        return made

    def put(self, thing: Any, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(thing, name, value)
        thing.save()
        if "state" in fields:
            self.states.append((thing.pk, thing.state, now()))


@pytest.fixture
def lived(cast: Any, monkeypatch: Any) -> Any:
    """The database writes the history by its own clock, which no test moves: the story keeps the moments instead."""
    with time_machine.travel(T0, tick=False) as clock, tenant_scope(cast.organization.pk, cast["owner"]):
        made = Lived(cast, clock)

        def told(history: Any) -> list[tuple[Any, str, datetime]]:
            ids = set(history.values_list("id", flat=True))
            return sorted((row for row in made.states if row[0] in ids), key=lambda row: row[2])

        monkeypatch.setattr(state_entries, "entries", told)
        yield made


def test_entries_are_the_changes_of_state_that_the_database_noted(cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        from trains.actions import trains

        train = trains.create_train(cast["rte"], key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
        release: Release = Release.objects.create(train=train, version="1.0.0")
        for state in ("scoped", "scoped", "frozen", "ready", "frozen"):
            release.state = state
            release.impact += "."
            release.save()
        found = state_entries.entries(Release.history.filter(id=release.pk))
        assert [state for _, state, _ in found] == ["planning", "scoped", "frozen", "ready", "frozen"]
        assert [at for _, _, at in found] == sorted(at for _, _, at in found)


def release_of(lived: Lived, begins: float, version: str, *, approval_days: float, target: float) -> Release:
    """A release that is scoped, frozen a day later, ready a day after that, then waits for its approval."""
    lived.at(begins)
    release: Release = Release.objects.create(
        train=lived.train, version=version, owner=lived.team, target_at=T0 + timedelta(days=target)
    )
    lived.states.append((release.pk, release.state, now()))
    for state, after in (
        ("scoped", 0),
        ("frozen", 1),
        ("ready", 2),
        ("approved", 2 + approval_days),
        ("deploying", 3 + approval_days),
    ):
        lived.at(begins + after)
        extra = {"frozen_at": T0 + timedelta(days=begins + after)} if state == "frozen" else {}
        lived.put(release, state=state, **extra)
    lived.at(begins + 4 + approval_days)
    lived.put(release, state="released", released_at=T0 + timedelta(days=begins + 4 + approval_days))
    return release


def test_the_way_of_a_feature_is_split_where_things_happened(lived: Lived, api: Any) -> None:
    feature = lived.feature("Instant refunds")
    lived.put(feature, state="planned")
    lived.at(2)
    lived.put(lived.pi, committed_at=T0 + timedelta(days=2))
    lived.at(5)
    lived.put(feature, state="in_progress")
    release = release_of(lived, 20, "1.0.0", approval_days=6, target=100)
    with time_machine.travel(T0 + timedelta(days=20.5), tick=False):
        ScopeItem.objects.create(
            release=release,
            source_kind="feature",
            source_id=feature.pk,
            source_key=feature.key,
            title=feature.title,
        )
    arrived = delays.releases(PERIOD, ALL)
    assert [(a.late, a.failed) for a in arrived] == [(False, False)]
    assert dict(arrived[0].hours) == {
        "planning": 0,
        "scoped": 24,
        "frozen": 24,
        "ready": 144,
        "approved": 24,
        "deploying": 24,
    }
    travels, _ = delays.features(arrived)
    found = cycle.cycle(travels)
    # Committed with the increment on day 2, live on day 30.
    assert found.whole[50] == 28 * 24
    assert {s.step.name: s.percentiles[50] for s in found.stages} == {
        "start": 72, "build": 15.5 * 24, "integrate": 12, "ready": 24, "approve": 144, "window": 24, "rollout": 24
    }  # fmt: skip
    answer = api("executive").get(f"{API}/delays?from=2027-11-29&until=2028-02-28").json()
    figures = {f["name"]: f for f in answer["figures"]}
    assert figures["cycle_time"]["value"] == 28 * 86_400 and "only" in figures["cycle_time"]["sample"]
    assert figures["longest_stage"]["note"] == "Being built"


def test_late_releases_are_seen_to_have_waited_for_approval(lived: Lived, api: Any) -> None:
    for n in range(6):
        release_of(lived, n, f"1.{n}.0", approval_days=1, target=90)
    for n in range(5):
        release_of(lived, 10 + n, f"2.{n}.0", approval_days=9 + n, target=15)
    arrived = delays.releases(PERIOD, ALL)
    assert sum(a.late for a in arrived) == 5
    first = cycle.where_they_waited([(a.hours, a.bad) for a in arrived], delays.STATES)[0]
    assert first.name == "ready" and first.well == 24 and first.ill == 11 * 24
    assert first.found.reading.value == "worse_with_more"
    answer = api("executive").get(f"{API}/delays?from=2027-11-29&until=2028-02-28").json()
    table = next(t for t in answer["tables"] if t["title"].startswith("Where late"))
    assert table["rows"][0][0] == "Waiting for approval" and "large difference" in table["rows"][0][-1]
    assert any("shows no cause" in note for note in answer["notes"])


def test_an_approval_that_was_recorded_counts_rather_than_when_it_was_typed_in(lived: Lived) -> None:
    """Imported releases know when they were frozen and released; states that nobody lived through are not made up."""
    lived.at(100)
    release: Release = Release.objects.create(
        train=lived.train, version="0.9.0", state="released", frozen_at=T0 + timedelta(days=3),
        released_at=T0 + timedelta(days=9),
    )  # fmt: skip
    arrived = delays.releases(PERIOD, ALL)
    assert arrived[0].release.pk == release.pk and dict(arrived[0].hours) == {"frozen": 6 * 24}


def test_volatility_counts_what_came_and_went_after_the_freeze(lived: Lived, api: Any) -> None:
    from trains.models import ScopeChange

    for n in range(3):
        release: Release = Release.objects.create(
            train=lived.train, version=f"3.{n}.0", owner=lived.team, frozen_at=T0 + timedelta(days=n + 1)
        )
        kept = [lived.feature(f"Kept {n} {k}", lived.other) for k in range(10)]
        wild = [lived.feature(f"Wild {n} {k}") for k in range(4)]
        for feature in [*kept, *wild]:
            ScopeItem.objects.create(
                release=release,
                source_kind="feature",
                source_id=feature.pk,
                source_key=feature.key,
                title=feature.title,
            )
        items = {i.source_id: i for i in ScopeItem.objects.filter(release=release)}
        # Of the wild team's four, two came after the freeze and one of the baseline left; a kept one left before it.
        for feature, act, after in (
            (wild[0], "added", True), (wild[1], "added", True), (wild[2], "removed", True), (kept[0], "removed", False)
        ):  # fmt: skip
            item = items[feature.pk]
            if act == "removed":
                lived.put(item, removed_at=T0 + timedelta(days=n + 2 if after else n))
            ScopeChange.objects.create(
                release=release, item=item, act=act, at=T0 + timedelta(days=n + 2), by="Priya", after_baseline=after,
                cause="Regulator asked" if after else "",
            )  # fmt: skip
    found = volatility.scopes_of(PERIOD, ALL)
    teams = {v.group: v for v in volatility_rules.volatility(found.by_team)}
    ledger, cards = teams["Ledger team"], teams["Cards team"]
    assert (ledger.baseline, ledger.added, ledger.removed, ledger.releases) == (6, 6, 3, 3)
    assert (cards.baseline, cards.changes) == (27, 0)
    assert len(found.rows) == 9
    answer = api("executive").get(f"{API}/volatility?from=2027-11-29&until=2028-02-28").json()
    coaching = next(t for t in answer["tables"] if t["title"] == "Coaching list")
    assert [row[0] for row in coaching["rows"]] == ["Ledger team"]
    assert "Regulator asked" in coaching["rows"][0][-1]
    only = volatility.scopes_of(PERIOD, Wanted(team=str(lived.other.pk)))
    assert {s.group for s in only.by_team} == {"Cards team"}


def test_fixes_that_came_back_are_counted_where_they_belong(lived: Lived, api: Any) -> None:
    from problems.models import Category, Incident, ObservationWindow, Problem
    from trains.models import Deployment, Environment

    production = Environment.objects.create(name="production", kind="production", rank=9)
    for n, state in enumerate(("passed", "breached", "passed", "running", "void")):
        problem = Problem.objects.create(title=f"P{n}", service=lived.service, category=Category.CODE_DEFECT)
        live = T0 + timedelta(days=n)
        deployment = Deployment.objects.create(
            service=lived.service, environment=production, version=f"1.{n}", state="succeeded", outcome="succeeded",
            started_at=live, finished_at=live,
        )  # fmt: skip
        back = (
            Incident.objects.create(title="Again", detected_at=live + timedelta(days=3))
            if state == "breached"
            else None
        )
        window = ObservationWindow.objects.create(
            problem=problem, deployment=deployment, starts=live, ends=live + timedelta(days=14)
        )
        if state != "running":
            window.state, window.breached_by = state, back
            window.settled_at = live + timedelta(days=3 if back else 14)
            window.save()
    found = recurrence.fixes(PERIOD, ALL)
    assert sorted(f.outcome for f in found) == ["breached", "passed", "passed", "running", "void"]
    answer = api("executive").get(f"{API}/recurrence?from=2027-11-29&until=2028-02-28").json()
    figures = {f["name"]: f for f in answer["figures"]}
    assert figures["recurrence_rate"]["value"] == pytest.approx(1 / 3)
    assert figures["days_to_recurrence"]["value"] == 3 * 86_400
    assert {e["reason"]: e["rows"] for e in figures["recurrence_rate"]["excluded"]} == {
        "rolled_back": 1,
        "observed": 1,
    }
    row = next(t for t in answer["tables"] if t["title"] == "By team")["rows"][0]
    assert row[:3] == ["Ledger team", "3", "1"] or row[:3] == ["Ledger team", 3, 1]


def test_planning_is_a_series(lived: Lived, api: Any) -> None:
    for n, (planned_value, actual) in enumerate(((8, 8), (5, 4), (3, None))):
        Objective.objects.create(
            pi=lived.pi, team=lived.team, title=f"O{n}", planned_value=planned_value, actual_value=actual
        )
    first, second = lived.feature("Old"), lived.feature("Young")
    lived.at(14)
    third = lived.feature("Younger")
    lived.at(21)
    lived.put(second, state="done")
    for n in range(6):
        WorkItem.objects.create(
            team=lived.team, title=f"W{n}", state="done", estimate_hours=10, spent_hours=12, remaining_hours=0,
            started_at=T0, finished_at=T0 + timedelta(days=20 + n),
        )  # fmt: skip
    lived.at(80)
    beats = planned.beats(PERIOD, ALL)
    assert [round(b.result.total.percent or 0) for b in beats] == [75] and beats[0].scored == 2
    aged = planned.ages(PERIOD, ALL, "UTC", T0 + timedelta(days=80))
    weeks = {w.day: w for w in aged.weeks}
    monday = (T0 + timedelta(days=20)).date()
    assert weeks[monday].open == 3
    after = weeks[(T0 + timedelta(days=27)).date()]
    assert after.open == 2 and after.oldest == pytest.approx(27 - 8 / 24, abs=0.01)
    assert {first.pk, third.pk} >= {f.pk for f, _, _ in aged.stale}
    months = planned.efforts(PERIOD, ALL, "UTC")
    assert [(m.team, m.items, m.planned, m.actual) for m in months] == [("Ledger team", 6, 60.0, 72.0)]
    answer = api("executive").get(f"{API}/planning?from=2027-11-29&until=2028-02-28").json()
    figures = {f["name"]: f for f in answer["figures"]}
    assert figures["effort"]["value"] == pytest.approx(1.2)
    assert figures["predictability"]["value"] == pytest.approx(0.75)


def test_a_cadence_is_advised_from_releases_that_know_their_freeze(lived: Lived, api: Any) -> None:
    from trains.models import Commit, Deployment, DeploymentCommit, Environment

    production = Environment.objects.create(name="production", kind="production", rank=9)
    for n in range(8):
        live = T0 + timedelta(days=14 * n + 10)
        release = Release.objects.create(
            train=lived.train,
            version=f"5.{n}.0",
            state="closed",
            frozen_at=live - timedelta(days=2),
            released_at=live,
        )
        deployment = Deployment.objects.create(
            service=lived.service, environment=production, release=release, version=f"5.{n}", state="succeeded",
            outcome="succeeded", started_at=live, finished_at=live,
        )  # fmt: skip
        for day in range(10):
            merged = live - timedelta(days=2 + day)
            commit = Commit.objects.create(
                service=lived.service,
                sha=uuid.uuid4().hex,
                authored_at=merged - timedelta(days=1),
                merged_at=merged,
            )
            DeploymentCommit.objects.create(deployment=deployment, commit=commit)
    lived.at(119)
    answer = api("executive").get(f"{API}/cadence?from=2027-11-29&until=2028-03-30").json()
    figures = {f["name"]: f for f in answer["figures"]}
    assert figures["present"]["value"] == 14 and figures["release_work"]["value"] == 2 * 86_400
    assert figures["proposed"]["value"] == 7, "two days of release work leave room for a cut a week"
    assert any(n.startswith("PAY") and "instead of 14 days" in n for n in answer["notes"])
    longer = api("executive").get(f"{API}/cadence?from=2027-11-29&until=2028-03-30&work=1.5").json()
    assert longer != answer
    assert question_from({}, "UTC").first <= question_from({}, "UTC").last
