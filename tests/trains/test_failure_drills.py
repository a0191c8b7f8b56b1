"""Failure drills: the alerts that must fire, those that did, and what is proven of a service's monitoring."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import failure_drills as drills
from trains.models import FailureDrill, ObservedAlert
from trains.queries.drills import coverage_of, matches_of
from trains.rules import drills as rules

ORG = "/api/v1/orgs/northwind"
MINUTE = timedelta(minutes=1)


@given(
    after=st.integers(-600, 3600),
    within=st.integers(1, 30),
    name=st.sampled_from(["LedgerDown", "ledgerdown", "Other"]),
    page=st.sampled_from(["page", "ticket", ""]),
)
def test_an_alert_counts_only_by_name_labels_and_time(after: int, within: int, name: str, page: str) -> None:
    began = now()
    fired = began + timedelta(seconds=after)
    alert = rules.Alert(1, name, fired, None, {"severity": page} if page else {})
    wanted = rules.Expected("LedgerDown", within, {"severity": "page"})
    (found,) = rules.match([wanted], [alert], began, began + timedelta(hours=2), over=True)
    same = name.casefold() == "ledgerdown" and page == "page"
    assert (found.fired is rules.Fired.IN_TIME) == (same and 0 <= after <= within * 60)
    assert (found.fired is rules.Fired.LATE) == (same and after > within * 60)
    assert (found.fired is rules.Fired.BEFORE) == (same and after < 0)
    assert rules.passed([found]) == (found.fired is rules.Fired.IN_TIME)
    assert not rules.passed([])


@given(line=st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        found = rules.read_expected(line)
    except rules.DrillError:
        return
    assert all(each.name and 1 <= each.within_minutes <= rules.LONGEST for each in found)
    assert rules.read_expected("\n".join(map(str, found))) == found


def planned(world: Any, **said: Any) -> FailureDrill:
    given_ = {
        "service": world.ledger,
        "environment": world.staging,
        "title": "Database away",
        "scenario": "Block port 5432 for ten minutes.",
        "expected": "LedgerErrorRate within 5 min, severity=page\nLedgerSaturated within 8 min",
    } | said
    return drills.plan_drill(world.as_["release_manager"], **given_)


def fire(api: Any, name: str, at: Any, **said: Any) -> Any:
    body = {"name": name, "starts_at": at.isoformat(), "service": "ledger", "environment": "staging"} | said
    answer = api("service_account").post(f"{ORG}/observed-alerts/record", body)
    assert answer.status_code in (200, 201), answer.content
    return answer


def test_a_drill_passes_when_every_alert_fired_in_time(world: Any, api: Any) -> None:
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        drill = drills.start_drill(manager, planned(world))
        clock.shift(3 * MINUTE)
        fire(api, "LedgerErrorRate", now(), labels={"severity": "page", "pod": "1"})
        clock.shift(3 * MINUTE)
        assert [m.fired for m in matches_of(drill)] == ["fired", "awaited"]
        fire(api, "LedgerSaturated", now())
        drill = drills.conclude_drill(manager, drill, findings="Alert text names no runbook.")
    assert drill.state == "passed"
    assert [m.after for m in matches_of(drill)] == [3 * MINUTE, 6 * MINUTE]


def test_a_late_or_missing_alert_fails_the_drill_and_one_told_of_later_mends_it(world: Any, api: Any) -> None:
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        drill = drills.start_drill(manager, planned(world))
        began = now()
        clock.shift(20 * MINUTE)
        fire(api, "LedgerErrorRate", began + 2 * MINUTE, labels={"severity": "page"})
        drill = drills.conclude_drill(manager, drill)
        assert drill.state == "failed" and [m.fired for m in matches_of(drill)] == ["fired", "missing"]
        # Monitoring tells of it only now; it fired in time.
        fire(api, "LedgerSaturated", began + 7 * MINUTE)
    drill.refresh_from_db()
    assert drill.state == "passed"


def test_an_alert_that_was_firing_before_proves_nothing(world: Any, api: Any) -> None:
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        fire(api, "LedgerSaturated", now(), labels={})
        clock.shift(MINUTE)
        drill = drills.start_drill(manager, planned(world, expected="LedgerSaturated within 5 min"))
        clock.shift(10 * MINUTE)
        drill = drills.conclude_drill(manager, drill)
    assert drill.state == "failed" and matches_of(drill)[0].fired == "before"


def test_the_same_alert_is_one_row_and_takes_its_end(world: Any, api: Any) -> None:
    fired = now() - timedelta(hours=1)
    for end in (None, fired + 9 * MINUTE):
        fire(api, "LedgerDown", fired, labels={"a": "b"}, **({"ends_at": end.isoformat()} if end else {}))
    (row,) = ObservedAlert.objects.all()
    assert row.ends_at == fired + 9 * MINUTE
    batch = {
        "source": "alertmanager",
        "alerts": [
            {"name": "X", "starts_at": fired.isoformat(), "service": "ledger"},
            {"name": "Y", "starts_at": fired.isoformat(), "service": "unheard of"},
        ],
    }
    assert api("service_account").post(f"{ORG}/observed-alerts/record_all", batch).status_code in (200, 201)
    assert ObservedAlert.objects.get(name="Y").service is None
    batch["alerts"].append({"name": "Z", "starts_at": "yesterday"})
    bad = api("service_account").post(f"{ORG}/observed-alerts/record_all", batch)
    assert bad.status_code == 422 and "Row 3" in bad.json()["detail"]


def test_coverage_says_which_way_of_failing_is_proven_and_which_was_never_tried(world: Any, api: Any) -> None:
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        drill = drills.start_drill(manager, planned(world, expected="A within 5 min", signal="errors"))
        fire(api, "A", now())
        drills.conclude_drill(manager, drill)
        drill = drills.start_drill(manager, planned(world, expected="B within 5 min", signal="latency"))
        clock.shift(10 * MINUTE)
        drills.conclude_drill(manager, drill)
        (covered,) = coverage_of([world.ledger])
        standing = {c.signal: c.standing for c in covered.signals}
        assert standing["errors"] == "proven" and standing["latency"] == "unnoticed"
        assert standing["traffic"] == "untried" and covered.share == 20
        clock.shift(rules.FRESH)
        (covered,) = coverage_of([world.ledger])
        assert covered.share == 0 and {c.standing for c in covered.signals} >= {"outdated"}


def test_two_drills_of_a_service_at_once_are_refused(world: Any) -> None:
    manager = world.as_["release_manager"]
    drills.start_drill(manager, planned(world))
    with pytest.raises(Refused) as caught:
        drills.start_drill(manager, planned(world))
    assert caught.value.refusals[0].code == "failure_drill.another"


def test_bad_lines_are_refused_with_their_field(world: Any, api: Any) -> None:
    body = {
        "service": "ledger",
        "environment": "staging",
        "title": "x",
        "scenario": "y",
        "expected": "no time",
    }
    answer = api("release_manager").post(f"{ORG}/failure-drills/plan", body)
    assert answer.status_code == 422 and b"expected" in answer.content, answer.content
