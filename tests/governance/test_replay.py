"""Replays: what a changed gate would have said of past releases, against what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance import replaying
from governance.actions.replays import replay_gate
from governance.models import Evaluation, Replay
from governance.rules.confusion import CLASSES, classed, counted, flip, judged, stops
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import digest_of, junit, lcov
from trains.models import Deployment

ROOT = "/api/v1/orgs/northwind"
STATES = Deployment.State
# After the grants of the cast began: whoever acts may do so then.
BEGAN = datetime(2027, 9, 1, 12, tzinfo=UTC)
STRICT = {
    "kind": "coverage",
    "name": "coverage",
    "parameters": {"minimum": 80, "not_lower": False},
    "max_age_hours": 720,
}
# Coverage of each past build in percent, and how its deployment ended: by the limit of 80 the matrix is fixed.
PAST = [
    (95, "succeeded"),
    (91, "succeeded"),
    (85, "succeeded"),
    (82, "rolled_back"),  # missed
    (79, "succeeded"),  # false alarm, mended after six hours
    (70, "succeeded"),  # false alarm, never mended
    (60, "failed"),  # caught
    (55, "rolled_back"),  # caught
    (50, "incident"),  # caught
    (None, "succeeded"),  # no coverage was ever posted: not replayable
]


def deploy(gateway: Any, seed: str, ended: str) -> Any:
    from trains.actions.deployments import finish_deployment, record_deployment, roll_back_deployment

    with gateway.scope("service_account") as pipeline:
        deployment = record_deployment(
            pipeline,
            service=gateway.service,
            environment=gateway.production,
            status=STATES.FAILED if ended == "failed" else STATES.SUCCEEDED,
            digest=digest_of(seed),
            version=seed,
        )
    if ended == "rolled_back":
        with gateway.scope("release_manager") as manager:
            finish_deployment(
                manager, roll_back_deployment(manager, deployment, reason="Payments fail"), status="succeeded"
            )
    if ended == "incident":
        from problems.actions.incidents import record_incident

        # A rule proposes that the deployment just before caused it.
        with gateway.scope("problem_manager") as manager:
            record_incident(manager, title="Payments are lost", service=gateway.service, severity=1)
    return deployment


@pytest.fixture
def past(gateway: Any) -> Any:
    """Ten past builds in production, a day apart, let through by a gate that only looked at tests."""
    for day, (percent, ended) in enumerate(PAST):
        seed = f"1.{day}.0"
        with time_machine.travel(BEGAN + timedelta(days=day), tick=False):
            gateway.post(junit(3), seed, name="junit.xml")
            if percent is not None:
                gateway.post(lcov(percent, 100), seed, name="lcov.info")
            assert gateway.evaluate(seed).verdict == "pass"
        with time_machine.travel(BEGAN + timedelta(days=day, hours=1), tick=False):
            deploy(gateway, seed, ended)
        if percent == 79:
            with time_machine.travel(BEGAN + timedelta(days=day, hours=7), tick=False):
                gateway.post(lcov(81, 100), seed, name="lcov.info")
    return gateway


NOW = BEGAN + timedelta(days=30)


def replayed(gateway: Any, checks: list[Any] | None = None, **said: Any) -> Any:
    with time_machine.travel(NOW, tick=False):
        with gateway.scope("release_manager") as manager:
            replay = replay_gate(manager, gateway.gate, checks=checks, **{"days": 60, **said})
        assert replaying.work_off(gateway.cast.organization.pk, replay.pk)
        with gateway.scope("auditor"):
            return Replay.objects.select_related("gate").get(pk=replay.pk)


def test_the_matrix_of_a_stricter_gate_is_what_happened(past: Any) -> None:
    done = replayed(past, [STRICT])
    assert done.counts == {
        "releases": 10,
        "flips": {"stopped": 5, "let_through": 0},
        "candidate": {"caught": 3, "missed": 1, "false_alarm": 2, "right": 3, "refused": 1},
        "before": {"caught": 0, "missed": 4, "false_alarm": 0, "right": 6, "refused": 0},
        "binding": {"caught": 0, "missed": 4, "false_alarm": 0, "right": 6, "refused": 0},
        "delay_hours": 6.0,
        "delay_unknown": 1,
    }
    rows = {row["label"]: row for row in done.rows}
    caught = rows["ledger 1.8.0"]
    assert (caught["before"], caught["after"], caught["class"], caught["flip"]) == (
        "pass",
        "fail",
        "caught",
        "stopped",
    )
    assert caught["incidents"][0]["label"].endswith("Payments are lost")
    assert caught["checks"][0]["how"] == "dated"
    gone = rows["ledger 1.9.0"]
    assert (gone["after"], gone["checks"][0]["how"]) == ("refused", "gone")


def test_a_replay_sees_what_was_known_then_and_not_what_came_later(past: Any) -> None:
    rows = {row["label"]: row for row in replayed(past, [STRICT]).rows}
    # The better report came six hours after the deployment.
    assert (rows["ledger 1.4.0"]["after"], rows["ledger 1.4.0"]["delay_hours"]) == ("fail", 6.0)


def test_the_same_facts_give_the_same_replay(past: Any) -> None:
    first, second = replayed(past, [STRICT]), replayed(past, [STRICT])
    assert first.pk != second.pk
    assert digest(first.rows) == digest(second.rows)
    assert first.checks_digest == second.checks_digest


def test_the_version_in_force_replays_what_it_recorded(past: Any) -> None:
    done = replayed(past)
    assert {c["how"] for row in done.rows for c in row["checks"]} == {"recorded"}
    assert done.counts["flips"] == {"stopped": 0, "let_through": 0}
    assert done.counts["candidate"] == done.counts["before"]


def test_a_period_and_a_number_bound_what_is_replayed(past: Any) -> None:
    assert replayed(past, [STRICT], most=3).counts["releases"] == 3
    assert [row["label"] for row in replayed(past, [STRICT], most=2).rows] == ["ledger 1.9.0", "ledger 1.8.0"]
    assert replayed(past, [STRICT], days=22).counts["releases"] == 2


def test_kinds_whose_inputs_are_gone_say_nothing(past: Any) -> None:
    done = replayed(past, [{"kind": "open-problems"}])
    assert done.counts["candidate"]["refused"] == 10
    # What is known to stop still stops.
    mixed = replayed(past, [STRICT, {"kind": "open-problems"}])
    assert mixed.counts["candidate"] == {"caught": 3, "missed": 0, "false_alarm": 2, "right": 0, "refused": 5}


def test_recorded_facts_are_judged_by_other_limits(gateway: Any) -> None:
    from tests.governance.gateway import sarif

    lenient = {"kind": "static-analysis", "parameters": {"high": 5}, "max_age_hours": 720}
    gateway.publish(lenient)
    for day, ended in enumerate(("failed", "succeeded")):
        with time_machine.travel(BEGAN + timedelta(days=day), tick=False):
            gateway.post(sarif(("sql", "error")) if day == 0 else sarif(), f"2.{day}.0", name="scan.sarif")
            gateway.evaluate(f"2.{day}.0")
        with time_machine.travel(BEGAN + timedelta(days=day, hours=1), tick=False):
            deploy(gateway, f"2.{day}.0", ended)
    done = replayed(gateway, [{**lenient, "parameters": {"high": 0}}])
    assert {c["how"] for row in done.rows for c in row["checks"]} == {"rejudged"}
    assert (done.counts["candidate"]["caught"], done.counts["candidate"]["right"]) == (1, 1)


def test_an_advisory_gate_is_compared_with_the_binding_ones(past: Any) -> None:
    from governance.actions.gates import create_gate, evaluate_gate
    from governance.evaluating import work_off

    with past.scope("release_manager") as manager:
        shadow = create_gate(
            manager, name="Stricter", environment=past.production, checks=[STRICT], advisory=True
        )
    with time_machine.travel(BEGAN + timedelta(days=11), tick=False):
        past.post(junit(3), "3.0.0", name="junit.xml")
        past.post(lcov(40, 100), "3.0.0", name="lcov.info")
        past.evaluate("3.0.0")
        with past.scope("service_account") as pipeline:
            asked = evaluate_gate(pipeline, gate=shadow, artifact=past.artifact("3.0.0"))
        work_off(past.cast.organization.pk, asked.pk)
    with time_machine.travel(BEGAN + timedelta(days=11, hours=1), tick=False):
        deploy(past, "3.0.0", "failed")
    past.gate = shadow
    done = replayed(past)
    assert done.counts["before"] == {"caught": 1, "missed": 0, "false_alarm": 0, "right": 0, "refused": 10}
    assert done.counts["binding"]["missed"] == 5
    assert done.counts["flips"]["stopped"] == 5


def test_waivers_are_left_out_of_the_comparison(gateway: Any) -> None:
    record = {"name": "t", "kind": "tests", "verdict": "waived", "waiver": {"covers": "fail"}}
    assert replaying._without_waivers(Evaluation(checks=[record], verdict="pass")) == "fail"


def test_a_replay_is_done_once_and_never_changes(past: Any) -> None:
    done = replayed(past, [STRICT])
    assert replaying.work_off(past.cast.organization.pk, done.pk) is False
    with past.scope("owner"), pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Replay.objects.filter(pk=done.pk).update(counts={})


def test_a_worker_that_vanished_is_replaced_and_what_fails_three_times_is_given_up(past: Any) -> None:
    from governance.tasks.replays import sweep

    with past.scope("release_manager") as manager:
        replay = replay_gate(manager, past.gate, checks=[STRICT])
    for _ in range(3):
        with past.scope("auditor"):
            assert replaying.claim(replay.pk) is not None
            assert replaying.claim(replay.pk) is None  # somebody is at it
            Replay.objects.filter(pk=replay.pk).update(claimed_until=now() - timedelta(seconds=1))
    assert sweep(past.cast.organization.pk) == 1
    with past.scope("auditor"):
        given_up = Replay.objects.get(pk=replay.pk)
    assert (given_up.state, given_up.counts) == ("dead", {})


def test_the_page_shows_the_counts_with_the_releases_behind_them(past: Any, web: Any, api: Any) -> None:
    done = replayed(past, [STRICT])
    address = f"/o/northwind/replays/{done.key}/"
    page = web("auditor").get(address).content.decode()
    for said in ("5 newly stopped", "6 h", "1 whose end cannot be said", "ledger 1.8.0", "Not replayable"):
        assert said in page
    caught = web("auditor").get(f"{address}?class=caught").content.decode()
    assert "ledger 1.8.0" in caught
    assert "ledger 1.0.0" not in caught
    body = api("auditor").get(f"{ROOT}/replays/{done.key}").json()
    assert body["counts"]["candidate"]["caught"] == 3
    assert len(body["rows"]) == 10


def test_a_replay_is_asked_for_over_rest(past: Any, api: Any) -> None:
    answer = api("release_manager").post(
        f"{ROOT}/gates/{past.gate.key}/replay", {"checks": [STRICT], "days": 90, "most": 20}
    )
    assert answer.status_code in (200, 201)
    assert answer.json()["state"] == "queued"
    bad = api("release_manager").post(
        f"{ROOT}/gates/{past.gate.key}/replay", {"checks": [{"kind": "telepathy"}]}
    )
    assert bad.status_code == 422
    assert api("auditor").post(f"{ROOT}/gates/{past.gate.key}/replay", {}).status_code == 403


def test_no_more_than_five_replays_wait_at_once(past: Any) -> None:
    with past.scope("release_manager") as manager:
        for _ in range(5):
            replay_gate(manager, past.gate, checks=[STRICT])
        with pytest.raises(Refused, match="under way") as caught:
            replay_gate(manager, past.gate, checks=[STRICT])
    assert caught.value.status == 429


_VERDICT = st.sampled_from(["pass", "fail", "pending", "error", "waived", None])


@given(st.lists(st.tuples(_VERDICT, st.booleans()), max_size=20))
def test_every_release_is_in_exactly_one_class(rows: list[tuple[str | None, bool]]) -> None:
    found = counted(rows)
    assert set(found) == set(CLASSES)
    assert sum(found.values()) == len(rows)
    assert found["caught"] + found["false_alarm"] == sum(stops(v) for v, _ in rows)


@given(st.lists(_VERDICT, max_size=6))
def test_an_unknown_check_never_lets_anything_through(checks: list[str | None]) -> None:
    verdict = judged(checks)
    if verdict == "pass":
        assert checks
        assert set(checks) <= {"pass", "waived"}
    if any(stops(c) for c in checks):
        assert stops(verdict)
    assert classed(None, True) == "refused"
    assert flip(None, verdict) == ""
