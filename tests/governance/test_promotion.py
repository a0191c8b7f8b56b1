"""The way through the stages: preflight, rules of environments, room and queue, and nothing that skips a stage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from governance.actions import promotion
from governance.models import DeploymentTurn, EnvironmentRule
from governance.preflight import PRECONDITIONS, preflight
from governance.rules.turns import Turn, in_order, standing
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import TESTS, digest_of, junit
from trains.models import Deployment, Environment

ROOT = "/api/v1/orgs/northwind"
RUNNING = Deployment.State.RUNNING


def rule(gateway: Any, **said: Any) -> Any:
    with gateway.scope("rte") as rte:
        return promotion.set_environment_rule(
            rte, environment=gateway.production, reason="Agreed in the CAB", **said
        )


def start(gateway: Any, service: Any = None, environment: Any = None, **said: Any) -> Any:
    from trains.actions.deployments import record_deployment

    with gateway.scope("service_account") as pipeline:
        return record_deployment(
            pipeline,
            service=service or gateway.service,
            environment=environment or gateway.production,
            **{"status": RUNNING, **said},
        )


def finish(gateway: Any, deployment: Any) -> None:
    from trains.actions.deployments import finish_deployment

    with gateway.scope("service_account") as pipeline:
        finish_deployment(pipeline, deployment, status="succeeded")


def another_service(gateway: Any, name: str, tier: int = 3) -> Any:
    from trains.actions.services import create_service

    with gateway.scope("rte") as rte:
        return create_service(rte, name=name, train=gateway.train, tier=tier)


def freeze(gateway: Any, hours: float = 1, begins: datetime | None = None) -> Any:
    from trains.actions.freezes import create_freeze

    with gateway.scope("rte") as rte:
        starts = begins or now() - timedelta(minutes=1)
        return create_freeze(
            rte,
            name="Year end",
            starts=starts,
            ends=starts + timedelta(hours=hours),
            reason="Closing of the books",
        )


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


# -- preflight ------------------------------------------------------------------------------------------------------


def test_preflight_answers_everything_in_one_call_and_names_what_stands_in_the_way(
    gateway: Any, api: Any
) -> None:
    frozen = freeze(gateway)
    asked = {"service": "ledger", "environment": "production"}
    answer = api("service_account").get(f"{ROOT}/preflight", asked)
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is False
    found = {p["name"]: p for p in body["preconditions"]}
    assert set(found) == {p.name for p in PRECONDITIONS}
    assert found["freeze"]["verdict"] == "fail"
    assert found["freeze"]["objects"] == [
        {
            "kind": "freeze",
            "id": str(frozen.pk),
            "label": "Year end",
            "href": f"{ROOT}/freezes/{frozen.pk}",
            "page": f"/o/northwind/freezes/{frozen.pk}/",
        }
    ]
    assert found["concurrency"]["holds"]
    assert found["quorum"]["verdict"] == "pending"
    assert all(p["objects"] for p in body["preconditions"] if not p["holds"])
    assert api("service_account").post(f"{ROOT}/preflight", asked).json()["ready"] is False


def test_preflight_looks_at_the_freeze_now_and_not_when_the_pipeline_was_made(gateway: Any, api: Any) -> None:
    pipeline = api("service_account")
    asked = {"service": "ledger", "environment": "production"}
    assert pipeline.get(f"{ROOT}/preflight", asked).json()["ready"] is True
    freeze(gateway, begins=now() + timedelta(minutes=10))
    with time_machine.travel(now() + timedelta(minutes=10), tick=False):
        assert pipeline.get(f"{ROOT}/preflight", asked).json()["ready"] is False
        # The pipeline claims to have started before the freeze began; what counts is that it starts now.
        fault = refused(start, gateway, started_at=now() - timedelta(minutes=5))
        assert (fault.code, fault.status) == ("deployment.frozen", 423)


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({}, 422, "service"),
        ({"service": "ledger"}, 422, "environment"),
        ({"service": "nothing", "environment": "production"}, 404, "service"),
        ({"service": "ledger", "environment": "mars"}, 404, "environment"),
        ({"service": "ledger", "environment": "production", "release": "REL-99"}, 404, "release"),
        ({"service": "ledger", "environment": "production", "digest": digest_of("none")}, 404, "digest"),
        ({"service": "ledger", "environment": "production", "colour": "red"}, 422, "colour"),
        ({"service": ["ledger"], "environment": "production"}, 422, "service"),
    ],
)
def test_preflight_says_what_is_wrong_with_a_question(
    gateway: Any, api: Any, asked: dict[str, Any], status: int, field: str
) -> None:
    answer = api("service_account").post(f"{ROOT}/preflight", asked)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"


def test_preflight_of_another_organization_is_absent(gateway: Any, api: Any) -> None:
    assert (
        api("auditor")
        .get(f"{ROOT}/preflight", {"service": "ledger", "environment": "production"})
        .status_code
        == 403
    )


def test_the_page_of_preflight_shows_the_same(gateway: Any, web: Any) -> None:
    freeze(gateway)
    page = web("release_manager").get(
        f"/o/northwind/preflight/?service={gateway.service.pk}&environment={gateway.production.pk}"
    )
    text = page.content.decode()
    assert page.status_code == 200
    assert "Would be refused" in text
    assert "Year end forbids deploying to production" in text
    assert "/freezes/" in text


# -- what a start is asked ------------------------------------------------------------------------------------------


def test_an_environment_refuses_or_flags_as_its_rule_says(gateway: Any) -> None:
    rule(gateway, change_window="refuse", quorum="flag")
    fault = refused(start, gateway)
    assert fault.code == "preflight.change_window"
    assert "No change request covers this" in str(fault)
    rule(gateway, change_window="flag", quorum="flag", open_problems="off", booking="off")
    deployment = start(gateway)
    with gateway.scope("auditor"):
        entry = LedgerEntry.objects.get(verb="deployment.flag", subject_id=str(deployment.pk))
    assert "change_window" in entry.body
    assert "quorum" in entry.body


def test_a_repeated_report_is_flagged_once_and_refused_never(gateway: Any) -> None:
    rule(gateway, at_once=1)
    first = start(gateway, source="ci", external_id="7")
    assert start(gateway, source="ci", external_id="7").pk == first.pk
    with gateway.scope("auditor"):
        assert LedgerEntry.objects.filter(verb="deployment.flag").count() == 1


def test_a_rollback_and_an_end_are_never_kept_waiting(gateway: Any) -> None:
    rule(gateway, at_once=1, change_window="refuse")
    start(gateway, another_service(gateway, "cards"), kind=Deployment.Kind.ROLLBACK)
    start(gateway, kind=Deployment.Kind.ROLLBACK)
    start(gateway, status=Deployment.State.SUCCEEDED)


def test_a_weight_is_one_of_three_and_a_freeze_has_none(gateway: Any, api: Any) -> None:
    assert refused(rule, gateway, quorum="maybe").refusals[0].field == "quorum"
    said = {"environment": "production", "reason": "Year end", "freeze": "off"}
    assert api("rte").post(f"{ROOT}/environment-rules/set", said).status_code == 422
    del said["freeze"]
    assert api("rte").post(
        f"{ROOT}/environment-rules/set", {**said, "environment": str(gateway.production.pk)}
    ).status_code in (200, 201)


# -- room and queue -------------------------------------------------------------------------------------------------

_TURNS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5)), max_size=8).map(
    lambda rows: [
        Turn(n, i, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m), str(n))
        for n, (i, m) in enumerate(rows)
    ]
)


@given(_TURNS, st.integers(1, 5), st.integers(0, 6))
def test_never_more_than_the_limit_may_start_and_always_those_of_most_impact(
    turns: list[Turn], limit: int, running: int
) -> None:
    allowed = [t for t in turns if standing(limit, running, turns, t.id).may_start]
    assert len(allowed) == min(len(turns), max(0, limit - running))
    assert [t.id for t in in_order(turns)][: len(allowed)] == [t.id for t in in_order(allowed)]
    newcomer = standing(limit, running, turns)
    assert newcomer.may_start == (len(turns) < max(0, limit - running))
    assert standing(None, running, turns).may_start


def test_only_so_many_run_at_once_and_the_queue_is_by_business_impact(gateway: Any) -> None:
    rule(gateway, at_once=1)
    minor, major = another_service(gateway, "notices", 4), another_service(gateway, "cards", 2)
    running = start(gateway)
    fault = refused(start, gateway, minor)
    assert fault.code == "preflight.concurrency"
    assert fault.refusals[0].blocked_by is not None
    assert fault.refusals[0].blocked_by.id == str(running.pk)
    with gateway.scope("service_account") as pipeline:
        first = promotion.request_turn(pipeline, service=minor, environment=gateway.production)
        assert promotion.request_turn(pipeline, service=minor, environment=gateway.production).pk == first.pk
        promotion.request_turn(pipeline, service=major, environment=gateway.production)
    finish(gateway, running)
    assert "goes first" in str(refused(start, gateway, minor))
    started = start(gateway, major)
    with gateway.scope("auditor"):
        turn = DeploymentTurn.objects.get(service=major)
        assert (turn.state, turn.deployment_id) == ("taken", started.pk)
    finish(gateway, started)
    start(gateway, minor)


def test_a_place_is_lost_after_two_hours_and_its_impact_is_raised_with_a_reason(gateway: Any) -> None:
    rule(gateway, at_once=1)
    minor, major = another_service(gateway, "notices", 4), another_service(gateway, "cards", 2)
    with gateway.scope("service_account") as pipeline:
        low = promotion.request_turn(pipeline, service=minor, environment=gateway.production)
        promotion.request_turn(pipeline, service=major, environment=gateway.production)
    with gateway.scope("release_manager") as manager:
        promotion.raise_turn(manager, low, impact=1, reason="Customers wait for it")
    assert "goes first" in str(refused(start, gateway, major))
    with time_machine.travel(now() + timedelta(hours=2, seconds=1), tick=False):
        finish(gateway, start(gateway, major))


def test_two_starts_at_once_do_not_both_get_the_last_place(committed_db: Any, gateway: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from django.db import connection

    rule(gateway, at_once=1)
    services = [gateway.service, another_service(gateway, "cards")]
    together = Barrier(2)

    def go(service: Any) -> str:
        try:
            together.wait(timeout=20)
            return str(start(gateway, service).pk)
        except Refused as fault:
            return fault.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(go, services))
    assert said.count("preflight.concurrency") == 1
    with gateway.scope("auditor"):
        assert Deployment.objects.filter(state=RUNNING).count() == 1


# -- stages ---------------------------------------------------------------------------------------------------------

LOWER = {"kind": "lower-stage", "name": "stage-before", "max_age_hours": 1}


def test_what_lacks_a_check_of_the_stage_below_does_not_advance(gateway: Any) -> None:
    from governance.actions.gates import create_gate, evaluate_gate
    from governance.evaluating import work_off

    gateway.publish(LOWER)
    assert gateway.check(gateway.evaluate(), "stage-before")["verdict"] == "pending"
    with gateway.scope("release_manager") as manager:
        below = create_gate(manager, name="Tested", environment=gateway.test, checks=[TESTS])
    assert "never asked" in gateway.check(gateway.evaluate(), "stage-before")["reason"]
    gateway.post(junit(2, 1))

    def ask_below() -> None:
        with gateway.scope("service_account") as pipeline:
            asked = evaluate_gate(pipeline, gate=below, artifact=gateway.artifact())
        work_off(gateway.cast.organization.pk, asked.pk)

    ask_below()
    assert "unit-tests is fail" in gateway.check(gateway.evaluate(), "stage-before")["reason"]
    gateway.post(junit(3))
    ask_below()
    assert "never ran there" in gateway.check(gateway.evaluate(), "stage-before")["reason"]
    start(
        gateway,
        environment=gateway.test,
        status=Deployment.State.SUCCEEDED,
        digest=digest_of("1.0.0"),
        version="1.0.0",
    )
    assert gateway.evaluate().verdict == "pass"
    # Another build of the same service has shown nothing.
    assert gateway.evaluate("1.0.1").verdict == "fail"


def test_a_stage_that_demands_more_since_is_not_passed_any_more(gateway: Any) -> None:
    from governance.actions.gates import create_gate, evaluate_gate, publish_version
    from governance.evaluating import work_off

    gateway.publish({**LOWER, "parameters": {"deployed": False}})
    with gateway.scope("release_manager") as manager:
        below = create_gate(manager, name="Tested", environment=gateway.test, checks=[TESTS])
    gateway.post(junit(3))
    with gateway.scope("service_account") as pipeline:
        asked = evaluate_gate(pipeline, gate=below, artifact=gateway.artifact())
    work_off(gateway.cast.organization.pk, asked.pk)
    assert gateway.evaluate().verdict == "pass"
    with gateway.scope("release_manager") as manager:
        publish_version(manager, below, checks=[TESTS, {"kind": "coverage"}])
    assert "coverage is not looked at" in gateway.check(gateway.evaluate(), "stage-before")["reason"]


@pytest.fixture
def fix(gateway: Any) -> Any:
    """A problem fix of tier 1 with one build."""
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact
    from trains.models import Classification

    artifact = gateway.artifact()
    with gateway.scope("release_manager") as manager:
        release = create_release(
            manager, train=gateway.train, version="5.2.1", tier=1, classification=Classification.PROBLEM_FIX
        )
        attach_artifact(manager, release, artifact=artifact)
    return release


def staged(gateway: Any, release: Any) -> Any:
    with gateway.scope("auditor"):
        found = preflight(gateway.service, gateway.production, release=release)
    return next(a for a in found.answers if a.precondition.name == "staged_path")


def test_tags_confine_high_risk_fixes_to_the_staged_path(gateway: Any, fix: Any) -> None:
    assert staged(gateway, fix).holds
    rule(gateway, tags=[EnvironmentRule.Tag.STAGED])
    answer = staged(gateway, fix)
    assert (answer.verdict, answer.weight) == ("fail", "refuse")
    assert "ledger 1.0.0 has not run in test" in answer.reason
    start(
        gateway,
        environment=gateway.test,
        status=Deployment.State.SUCCEEDED,
        digest=digest_of("1.0.0"),
        version="1.0.0",
    )
    assert staged(gateway, fix).holds


def test_a_harmless_feature_is_confined_only_by_the_tag_regulated(gateway: Any, fix: Any) -> None:
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    with gateway.scope("release_manager") as manager:
        feature = create_release(manager, train=gateway.train, version="5.3.0", tier=4)
        attach_artifact(manager, feature, artifact=gateway.artifact("5.3.0"))
    rule(gateway, tags=[EnvironmentRule.Tag.STAGED])
    assert staged(gateway, feature).holds
    rule(gateway, tags=[EnvironmentRule.Tag.REGULATED])
    assert staged(gateway, feature).verdict == "fail"


def test_a_skipped_stage_is_refused_at_the_start(gateway: Any, fix: Any) -> None:
    rule(gateway, tags=[EnvironmentRule.Tag.STAGED])
    fault = refused(start, gateway, release=fix, digest=digest_of("1.0.0"), environment=gateway.production)
    assert (
        "preflight.staged_path" in [r.code for r in fault.refusals] or fault.code == "deployment.unapproved"
    )


def test_the_page_of_a_rule_shows_who_runs_and_who_waits(gateway: Any, web: Any) -> None:
    set_ = rule(gateway, at_once=1, tags=[EnvironmentRule.Tag.STAGED])
    start(gateway, another_service(gateway, "notices"))
    with gateway.scope("service_account") as pipeline:
        promotion.request_turn(
            pipeline, service=another_service(gateway, "cards"), environment=gateway.production
        )
    text = web("auditor").get(f"/o/northwind/environment-rules/{set_.pk}/").content.decode()
    for said in ("1 of 1", "TURN-1", "Staged path", "refuses the start"):
        assert said in text


def test_development_is_no_stage_and_a_train_sees_only_its_own(gateway: Any) -> None:
    from governance.queries.promotion import stages_before
    from trains.actions.environments import create_environment
    from trains.actions.trains import create_train

    with gateway.scope("rte") as rte:
        create_environment(rte, name="dev", kind=Environment.Kind.DEV)
    with gateway.scope("owner") as owner:
        other = create_train(owner, key="LND", name="Lending", cadence_start=now().date())
        create_environment(owner, name="lending-staging", kind=Environment.Kind.STAGING, train=other)
    with gateway.scope("auditor"):
        assert [e.name for e in stages_before(gateway.production)] == ["test"]


def test_maintenance_and_own_windows_hold_a_start_up(gateway: Any) -> None:
    from datetime import date

    from trains.actions.windows import create_window
    from trains.models import RecurringWindow

    cards = another_service(gateway, "cards")
    rule(gateway)
    said = {
        "at": "02:00",
        "minutes": 120,
        "rrule": "FREQ=DAILY",
        "time_zone": "UTC",
        "first_day": date(2026, 1, 1),
    }
    with gateway.scope("rte") as rte:
        create_window(
            rte,
            kind=RecurringWindow.Kind.MAINTENANCE,
            name="Patching",
            environment=gateway.production,
            **said,
        )
        create_window(
            rte,
            kind=RecurringWindow.Kind.DEPLOYMENT,
            name="Quarter past",
            service=cards,
            **{**said, "at": "05:00"},
        )
    day = (now() + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    with time_machine.travel(day + timedelta(hours=3), tick=False):
        assert "under maintenance until" in str(refused(start, gateway))
    with time_machine.travel(day + timedelta(hours=4, minutes=30), tick=False):
        start(gateway)
        assert f"the next begins {day:%Y-%m-%d} 05:00" in str(refused(start, gateway, cards))
    with time_machine.travel(day + timedelta(hours=5), tick=False):
        start(gateway, cards)
