"""What a release is held to: packaging limits, the frozen scope, rollback criteria, readiness."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.refusals import Refused
from tests.trains.emergency import CRITERION, critical_defect, emergency_change, way_in
from tests.trains.test_compatibility import asked
from trains.actions import packaging_limits, readiness, releases, rollback_criteria, scope
from trains.models import Classification, ReadinessAnswer, ScopeChange
from trains.rules import packaging, volatility
from trains.rules.readiness import Answer, missing, score
from trains.rules.rollback_criteria import read_criterion

ORG = "/api/v1/orgs/northwind"
HOTFIX = {"title": "Lost payments", "classification": Classification.HOTFIX}


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


# -- packaging (T22)


def test_the_most_precise_limit_wins_and_each_item_too_many_is_named(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.release()
    for n in range(4):
        scope.add_item(manager, release, title=f"Feature {n}")
    limit = packaging_limits.create_packaging_limit
    limit(manager, classification=Classification.FEATURE, at_most=9)
    limit(manager, classification=Classification.FEATURE, at_most=3, risk=3)
    limit(manager, classification=Classification.FEATURE, at_most=2, train=world.train, criticality=1)
    said = [r.sentence for r in refused(releases.scope_release, manager, release).refusals]
    assert [s.rpartition(": ")[2] for s in said] == ["Feature 3 is one too many."], (
        "no build: criticality unknown"
    )
    scope.attach_artifact(manager, release, artifact=world.artifact())
    said = [r.sentence for r in refused(releases.scope_release, manager, release).refusals]
    assert (
        len(said) == 2 and "tier 1 services" in said[0] and "Feature 2" in said[0] and "Feature 3" in said[1]
    )
    outcome = asked(world, "packaging", None, release)
    assert outcome.verdict == "fail" and all(s in outcome.reason for s in said)


def test_a_retired_limit_gives_way_to_the_wider_one(world: Any) -> None:
    manager, release = world.as_["release_manager"], world.scoped()
    tight = packaging_limits.create_packaging_limit(
        manager, classification=Classification.FEATURE, at_most=0, train=world.train
    )
    assert asked(world, "packaging", None, release).verdict == "fail"
    twice = refused(
        packaging_limits.create_packaging_limit,
        manager,
        classification=Classification.FEATURE,
        at_most=5,
        train=world.train,
    )
    assert twice.status == 409
    packaging_limits.retire_packaging_limit(manager, tight, reason="Too tight")
    assert asked(world, "packaging", None, release).verdict == "pass"
    assert (
        refused(packaging_limits.edit_packaging_limit, manager, tight, at_most=1).code
        == "packaging_limit.retired"
    )


classes = st.sampled_from(["feature", "problem_fix", "infrastructure", "hotfix"])


@given(st.lists(classes, max_size=60), st.integers(0, 20), st.integers(1, 4))
def test_exactly_the_items_beyond_the_limit_are_named(kinds: list[str], most: int, risk: int) -> None:
    items = [packaging.Item(str(n), kind) for n, kind in enumerate(kinds)]
    limits = [packaging.Limit(kind, most) for kind in set(kinds)]
    found = packaging.violations("feature", packaging.Profile("t", None, risk), items, limits)
    expected = []
    for kind in set(kinds):
        expected += [item.label for item in items if item.classification == kind][most:]
    assert sorted(v.item.label for v in found) == sorted(expected)


# -- the frozen scope (T23)


def test_only_a_critical_defect_under_an_approved_emergency_change_comes_in(world: Any) -> None:
    manager, release = world.as_["release_manager"], world.frozen()
    way = way_in(world.as_, world.ledger)
    no_change = {**way, "emergency_change": ""}
    assert (
        refused(scope.add_item, manager, release, **HOTFIX, **no_change).code == "release.no_emergency_change"
    )
    unknown = {**way, "emergency_change": "CHG-9999"}
    assert refused(scope.add_item, manager, release, **HOTFIX, **unknown).code == "change.unknown"
    draft = {**way, "emergency_change": emergency_change(world.as_, world.ledger, approved=False)}
    fault = refused(scope.add_item, manager, release, **HOTFIX, **draft)
    assert fault.code == "release.emergency_change" and "draft, not approved" in fault.refusals[0].sentence
    normal = {**way, "emergency_change": emergency_change(world.as_, world.ledger, type="normal")}
    assert (
        "not an emergency change"
        in refused(scope.add_item, manager, release, **HOTFIX, **normal).refusals[0].sentence
    )
    minor = {**way, **critical_defect(world.as_, world.ledger, severity=3)}
    assert refused(scope.add_item, manager, release, **HOTFIX, **minor).code == "release.not_critical"
    nameless = {**way, "source_id": None}
    assert refused(scope.add_item, manager, release, **HOTFIX, **nameless).code == "release.no_defect"
    assert scope.add_item(manager, release, **HOTFIX, **way).authority == way["emergency_change"]


def test_an_emergency_change_of_another_train_lets_nothing_in(world: Any) -> None:
    from trains.actions.services import create_service
    from trains.actions.trains import create_train

    other = create_train(world.as_["rte"], key="LND", name="Lending", cadence_start=date(2026, 1, 5))
    loans = create_service(world.as_["rte"], name="loans", train=other, tier=2)
    way = {**way_in(world.as_, world.ledger), "emergency_change": emergency_change(world.as_, loans)}
    fault = refused(scope.add_item, world.as_["release_manager"], world.frozen(), **HOTFIX, **way)
    assert "belongs to another train" in fault.refusals[0].sentence


def test_every_change_of_scope_is_logged_and_counted(world: Any, api: Any, web: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.release()
    for n in range(4):
        scope.add_item(manager, release, title=f"Feature {n}")
    scope.remove_item(manager, release, item=release.items.first())
    releases.scope_release(manager, release)
    releases.freeze_release(manager, release)
    release.refresh_from_db()
    scope.add_item(manager, release, **HOTFIX, **way_in(world.as_, world.ledger))
    scope.remove_item(manager, release, item=release.items.get(title="Feature 2"), cause="Not finished")
    log = list(ScopeChange.objects.filter(release=release).order_by("at", "id"))
    assert [(c.act, c.after_baseline) for c in log] == [("added", False)] * 4 + [
        ("removed", False),
        ("added", True),
        ("removed", True),
    ]
    assert all(c.cause and c.by for c in log if c.after_baseline)
    said = api("team_member").get(f"{ORG}/scope-volatility?train=PAY&weeks=4").json()
    (line,) = said["releases"]
    assert line == {
        "release": release.key,
        "baseline_items": 3,
        "added": 1,
        "removed": 1,
        "volatility_percent": 66.7,
    }
    assert said["weeks"][-1]["after_baseline"] == 2 and said["weeks"][-1]["before_baseline"] == 5
    assert len(said["weeks"]) == 4
    assert api("team_member").get(f"{ORG}/scope-volatility?weeks=0").status_code == 422
    page = web("team_member").get("/o/northwind/scope-volatility/?train=PAY").content.decode()
    assert "66.7" in page
    link = f"/o/northwind/scope-changes/?release={release.key}&act=added&after_baseline=true"
    assert link.replace("&", "&amp;") in page
    rows = web("team_member").get(link).content.decode()
    assert "Lost payments" in rows and "Feature 1" not in rows


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.booleans()), max_size=40))
def test_the_series_counts_each_change_once(changes: list[tuple[date, bool]]) -> None:
    rows = [volatility.Change(day, after) for day, after in changes]
    weeks = volatility.by_week(rows, date(2025, 12, 29), 54)
    assert sum(before + after for _, before, after in weeks) == len(rows)


# -- rollback criteria (T25)


def test_no_item_of_high_risk_is_frozen_without_its_criterion(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.release()
    scope.add_item(manager, release, title="Menu", tier=3)
    item = scope.add_item(manager, release, title="Ledger switch", tier=1)
    releases.scope_release(manager, release)
    fault = refused(releases.freeze_release, manager, release)
    assert [r.code for r in fault.refusals] == ["release.no_criteria"]
    assert "Ledger switch is of risk tier 1" in fault.refusals[0].sentence
    criterion = rollback_criteria.add_criterion(
        manager, release, item=item, indicator="Failed postings", success="None for an hour", threshold=0
    )
    releases.freeze_release(manager, release)
    assert (
        refused(rollback_criteria.withdraw_criterion, manager, criterion, reason="x").code
        == "rollback_criterion.last"
    )


def test_a_high_risk_item_enters_a_frozen_release_only_with_its_criterion(world: Any) -> None:
    manager, release = world.as_["release_manager"], world.frozen()
    way = {**HOTFIX, **way_in(world.as_, world.ledger), "tier": 1}
    fault = refused(scope.add_item, manager, release, **way)
    assert (fault.code, fault.refusals[0].field) == ("release.no_criteria", "rollback_criterion")
    assert refused(scope.add_item, manager, release, **way, rollback_criterion="we will see").status == 422
    item = scope.add_item(manager, release, **way, rollback_criterion=CRITERION)
    (criterion,) = item.rollback_criteria.all()
    assert (criterion.comparison, str(criterion.threshold), criterion.unit, criterion.window_minutes) == (
        "at_most",
        "0.2000",
        "%",
        60,
    ) or float(criterion.threshold) == 0.2


def test_a_release_of_high_risk_says_when_it_is_taken_back(world: Any) -> None:
    release = world.frozen(tier=2)
    assert asked(world, "rollback-criteria", None, release).verdict == "fail"
    rollback_criteria.add_criterion(
        world.as_["release_manager"], release, indicator="Errors", success="Below 1 %", threshold=1, unit="%"
    )
    assert asked(world, "rollback-criteria", None, release).verdict == "pass"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (CRITERION, ("error rate", True, "0.2", "%", 60)),
        ("orders per minute >= 120 for 2 hours", ("orders per minute", False, "120", "", 120)),
        ("p95 latency below 400 ms over 30 min", ("p95 latency", True, "400", "ms", 30)),
        ("queue < 10 within 0 minutes", None),
        ("looks fine", None),
        ("", None),
    ],
)
def test_a_criterion_is_read_from_one_line(line: str, expected: tuple[Any, ...] | None) -> None:
    found = read_criterion(line)
    said = found and (found.indicator, found.at_most, str(found.threshold), found.unit, found.window_minutes)
    assert said == expected


@given(st.text(max_size=120))
def test_no_line_breaks_the_reader(line: str) -> None:
    read_criterion(line)


# -- readiness (T24)


def test_readiness_is_weighted_and_needs_evidence(world: Any) -> None:
    manager, release = world.as_["release_manager"], world.frozen()
    assert asked(world, "readiness", None, release).verdict == "pending"
    readiness.assess_readiness(manager, release, due_on=date(2027, 1, 4))
    assert refused(readiness.assess_readiness, manager, release).code == "readiness.asked"
    rows = {r.topic: r for r in ReadinessAnswer.objects.filter(release=release)}
    yes = ReadinessAnswer.Answer.YES
    assert (
        refused(readiness.answer_readiness, manager, rows["coverage"], answer=yes).refusals[0].field
        == "evidence"
    )
    readiness.assign_readiness(manager, rows["runbook"], owner=world.as_.user("team_member"))
    for topic, row in rows.items():
        if topic != "rollback":
            readiness.answer_readiness(manager, row, answer=yes, evidence="Seen")
    outcome = asked(world, "readiness", None, release, minimum=50)
    assert outcome.verdict == "pending" and "rollback procedure" in outcome.reason
    no = ReadinessAnswer.Answer.NO
    readiness.answer_readiness(manager, rows["rollback"], answer=no)
    assert asked(world, "readiness", None, release, minimum=50).verdict == "fail"
    readiness.answer_readiness(manager, rows["rollback"], answer=yes, evidence="Rehearsed")
    assert asked(world, "readiness", None, release, minimum=100).verdict == "pass"


@given(
    st.lists(
        st.builds(
            Answer,
            st.sampled_from(["yes", "partial", "no", "open", "not_applicable"]),
            st.integers(1, 10),
            st.booleans(),
        )
    )
)
def test_a_score_lies_between_nothing_and_everything(answers: list[Answer]) -> None:
    found = score(answers)
    assert found is None or 0 <= found <= 100
    if found == 100:
        assert missing(answers) == 0
