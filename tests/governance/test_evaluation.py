"""Evaluations: verdicts, freshness, changed inputs, leases and lost work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.db.utils import ProgrammingError

from governance import evaluating, gates
from governance.checks import registry
from governance.checks.registry import Outcome
from governance.models import Evaluation
from governance.queries import verdicts
from governance.rules.verdicts import combine
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import TESTS, digest_of, junit


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], "error"),
        (["pass"], "pass"),
        (["pass", "waived"], "pass"),
        (["pass", "pending"], "pending"),
        (["pending", "error"], "error"),
        (["pass", "error", "fail"], "fail"),
        (["pass", "surprise"], "error"),
    ],
)
def test_only_pass_and_waived_let_through(seen: list[str], expected: str) -> None:
    assert combine(seen) == expected


def test_missing_evidence_is_pending_and_names_what_to_post(gateway: Any) -> None:
    done = gateway.evaluate()
    assert (done.state, done.verdict) == ("done", "pending")
    check = gateway.check(done, "unit-tests")
    assert "No test results" in check["reason"]
    assert digest_of("1.0.0") in check["remedy"]


def test_what_is_decided_for_releases_is_pending_for_a_build_alone(gateway: Any) -> None:
    kinds = [k.kind for k in registry.kinds().values() if k.subject == "release"]
    gateway.publish(*({"kind": kind, "name": kind, "parameters": {}, "max_age_hours": 1} for kind in kinds))
    done = gateway.evaluate()
    assert {c["name"]: c["verdict"] for c in done.checks} == dict.fromkeys(kinds, "pending")
    assert all("Ask for the release" in c["remedy"] for c in done.checks)


def test_posted_results_pass_and_name_their_evidence(gateway: Any) -> None:
    result = gateway.post(junit(3))
    done = gateway.evaluate()
    assert done.verdict == "pass"
    check = gateway.check(done, "unit-tests")
    assert check["evidence"] == [{"kind": "result", "id": str(result.pk), "label": str(result)}]
    assert done.inputs_digest.startswith("sha256:")
    assert done.valid_until <= now() + timedelta(hours=24)


def test_the_same_facts_give_the_same_inputs_digest(gateway: Any) -> None:
    gateway.post(junit(3))
    first = gateway.evaluate()
    gates_changed(gateway)
    assert gateway.evaluate().inputs_digest == first.inputs_digest
    gateway.post(junit(4))
    assert gateway.evaluate().inputs_digest != first.inputs_digest


def gates_changed(gateway: Any) -> None:
    with gateway.scope("release_manager"):
        gates.invalidate(gate=gateway.gate)


def test_evidence_past_its_age_limit_fails_as_stale(gateway: Any) -> None:
    gateway.post(junit(3))
    assert gateway.evaluate().verdict == "pass"
    with time_machine.travel(now() + timedelta(hours=25), tick=True):
        done = gateway.evaluate()
        assert done.verdict == "fail"
        assert gateway.check(done, "unit-tests")["reason"].startswith(
            "Stale: the evidence is 25 h old, the limit is 24 h."
        )


def test_a_pass_stands_until_its_evidence_is_stale_or_an_input_changes(gateway: Any) -> None:
    gateway.post(junit(3))
    done = gateway.evaluate()
    with gateway.scope("auditor"):
        assert verdicts.stands(done)
        with time_machine.travel(done.valid_until + timedelta(seconds=1), tick=False):
            assert not verdicts.stands(done)
    gateway.post(junit(0, 1))
    with gateway.scope("auditor"):
        assert not verdicts.stands(done)
        assert verdicts.standing_verdict(done) == "pending"


def test_reposting_the_standing_report_changes_nothing(gateway: Any) -> None:
    first = gateway.post(junit(3))
    done = gateway.evaluate()
    assert gateway.post(junit(3)).pk == first.pk
    with gateway.scope("auditor"):
        assert verdicts.stands(done)


def test_a_new_gate_version_ends_old_verdicts(gateway: Any) -> None:
    gateway.post(junit(3))
    done = gateway.evaluate()
    gateway.publish({**TESTS, "parameters": {"minimum_tests": 100}})
    with gateway.scope("auditor"):
        assert not verdicts.stands(done)
    again = gateway.evaluate()
    assert (again.verdict, again.gate_version.number) == ("fail", 2)


def test_folding_the_counted_changes_keeps_every_sum(gateway: Any) -> None:
    gateway.post(junit(3))
    done = gateway.evaluate()
    with gateway.scope("release_manager"):
        for _ in range(30):
            gates.invalidate(release=gateway.train.pk)
        before = gates.changes_of(done.subjects), gates.changes_of([gateway.train.pk])
        gates.sum_up()
        assert (gates.changes_of(done.subjects), gates.changes_of([gateway.train.pk])) == before
        assert not verdicts.stands(done)  # the train is among its subjects


@pytest.fixture
def crashing() -> Any:
    """A check kind that does as it is told; gone afterwards."""
    told: dict[str, Any] = {"do": lambda ctx: registry.passed("fine")}

    @registry.check("under-test", title="Under test")
    def body(ctx: Any) -> Outcome:
        return told["do"](ctx)

    yield told
    registry._kinds.pop("under-test", None)


UNDER_TEST = {"kind": "under-test", "name": "under-test", "max_age_hours": 1}


def raise_(error: Exception) -> Any:
    def act(ctx: Any) -> Outcome:
        raise error

    return act


def database_error(ctx: Any) -> Outcome:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    return registry.passed("never")


@pytest.mark.parametrize(
    "behaviour",
    [
        raise_(RuntimeError("boom")),
        database_error,
        lambda ctx: None,
        lambda ctx: True,
        lambda ctx: Outcome("waived", "no check waives itself"),
        lambda ctx: Outcome("probably", "fine"),
        lambda ctx: registry.passed("unspeakable", facts={"x": object()}),
    ],
)
def test_a_check_that_crashes_or_babbles_is_an_error_never_a_pass(
    gateway: Any, crashing: Any, behaviour: Any
) -> None:
    gateway.post(junit(3))
    gateway.publish(TESTS, UNDER_TEST)
    crashing["do"] = behaviour
    done = gateway.evaluate()
    assert done.verdict == "error"
    assert gateway.check(done, "under-test")["verdict"] == "error"
    assert gateway.check(done, "unit-tests")["verdict"] == "pass"
    # What broke may be mended in a moment without any counted change.
    assert done.valid_until <= now() + timedelta(seconds=61)


def test_a_check_kind_that_is_gone_is_an_error(gateway: Any, crashing: Any) -> None:
    gateway.publish(UNDER_TEST)
    registry._kinds.pop("under-test")
    assert gateway.evaluate().verdict == "error"


def test_a_change_during_the_evaluation_makes_its_verdict_outdated(gateway: Any, crashing: Any) -> None:
    gateway.publish(UNDER_TEST)

    def meanwhile(ctx: Any) -> Outcome:
        gates.invalidate(artifact=ctx.artifacts[0])
        return registry.passed("looked just before")

    crashing["do"] = meanwhile
    done = gateway.evaluate()
    assert done.verdict == "pass"
    with gateway.scope("auditor"):
        assert not verdicts.stands(done)


def test_asking_while_the_work_goes_on_gives_the_same_evaluation(gateway: Any) -> None:
    from governance.actions.gates import evaluate_gate

    artifact = gateway.artifact()
    with gateway.scope("service_account") as actor:
        first = evaluate_gate(actor, gate=gateway.gate, artifact=artifact)
        assert evaluate_gate(actor, gate=gateway.gate, artifact=artifact).pk == first.pk


def test_a_worker_that_lost_its_lease_writes_nothing(gateway: Any) -> None:
    """A zombie: stopped for so long that another worker took over, then awake again."""
    from governance.actions.gates import evaluate_gate

    gateway.post(junit(3))
    artifact = gateway.artifact()
    with gateway.scope("service_account") as actor:
        evaluation = evaluate_gate(actor, gate=gateway.gate, artifact=artifact)
        zombie = evaluating.claim(evaluation.pk)
        assert zombie
        assert evaluating.claim(evaluation.pk) is None  # one worker at a time
        judgement = evaluating.judge(Evaluation.objects.get(pk=evaluation.pk))
        with time_machine.travel(now() + evaluating.LEASE + timedelta(seconds=1), tick=True):
            successor = evaluating.claim(evaluation.pk)
            assert successor
            assert not evaluating.settle(actor, evaluation.pk, zombie, judgement)
            assert evaluating.settle(actor, evaluation.pk, successor, judgement)
        evaluation.refresh_from_db()
        assert (evaluation.state, evaluation.attempts, evaluation.lease) == ("done", 2, successor)


def test_work_that_fails_too_often_ends_as_error(gateway: Any) -> None:
    from governance.actions.gates import evaluate_gate
    from governance.tasks.gates import sweep

    artifact = gateway.artifact()
    with gateway.scope("service_account") as actor:
        evaluation = evaluate_gate(actor, gate=gateway.gate, artifact=artifact)
    moment = now()
    for attempt in range(evaluating.MOST_ATTEMPTS):
        with (
            time_machine.travel(moment + attempt * 2 * evaluating.LEASE, tick=True),
            gateway.scope("service_account"),
        ):
            assert evaluating.claim(evaluation.pk)  # and the worker dies
    with time_machine.travel(moment + 10 * evaluating.LEASE, tick=True):
        assert sweep(gateway.cast.organization) == 1
        assert sweep(gateway.cast.organization) == 0
        with gateway.scope("service_account"):
            evaluation.refresh_from_db()
            assert (evaluation.state, evaluation.verdict, evaluation.attempts) == ("dead", "error", 3)
            assert "No worker finished it" in evaluation.error


@pytest.mark.parametrize(
    "change",
    ["verdict = 'pass'", "valid_until = now() + interval '1 year'", "state = 'queued', verdict = NULL"],
)
def test_a_settled_evaluation_never_changes_even_by_raw_sql(gateway: Any, change: str) -> None:
    from django.db import connection

    done = gateway.evaluate()
    with gateway.scope("release_manager"), pytest.raises(ProgrammingError, match="settled and never changes"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE governance_evaluation SET {change} WHERE id = %s", [done.pk])


def test_every_verdict_is_in_the_ledger(gateway: Any) -> None:
    from releasetrain.audit.models import LedgerEntry

    done = gateway.evaluate()
    with gateway.scope("auditor"):
        entry = LedgerEntry.objects.get(verb="evaluation.settle", subject_id=str(done.pk))
    assert done.inputs_digest in entry.body


def test_acts_of_other_apps_end_verdicts_about_their_subject(gateway: Any) -> None:
    from trains.actions.freezes import create_freeze

    gateway.post(junit(3))
    done = gateway.evaluate()
    with gateway.scope("release_manager") as actor:
        create_freeze(
            actor,
            name="Elsewhere",
            starts=now(),
            ends=now() + timedelta(hours=1),
            reason="r",
            environment=gateway.test,
        )
        assert verdicts.stands(done)  # a freeze of another environment is none of its business
        create_freeze(
            actor,
            name="Here",
            starts=now(),
            ends=now() + timedelta(hours=1),
            reason="r",
            service=gateway.service,
        )
        assert not verdicts.stands(done)


def test_asking_needs_the_permission(gateway: Any) -> None:
    with pytest.raises(Refused) as caught:
        gateway.evaluate(role="executive")
    assert caught.value.status == 403


def test_another_organization_sees_nothing(gateway: Any, other_cast: Any, within: Any) -> None:
    gateway.evaluate()
    with within(other_cast, "release_manager"):
        assert not Evaluation.objects.exists()
