"""A release over several services is taken back in the order of its plan, validated, and its time to restore measured."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import rollback_plans as plans
from trains.actions.deployments import finish_deployment
from trains.models import Deployment, RollbackPlan
from trains.rules import rollback_plans as rules

ORG = "/api/v1/orgs/northwind"
STATES = [rules.WAITING, rules.VALIDATING, rules.RUNNING, rules.VERIFYING, rules.RESTORED, rules.FAILED]


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


@given(
    steps=st.lists(
        st.builds(
            lambda name, place, state: {"service": name, "name": name, "position": place, "state": state},
            st.text("abc", min_size=1, max_size=3),
            st.integers(1, 4),
            st.sampled_from(STATES),
        ),
        max_size=8,
    )
)
def test_no_step_begins_before_every_lower_place_is_restored(steps: list[dict[str, Any]]) -> None:
    for step in rules.may_begin(steps):
        assert step["state"] == rules.WAITING
        assert all(s["state"] == rules.RESTORED for s in steps if s["position"] < step["position"])
    # Nothing is stuck: where nothing begins, something is under way, has failed, or all is done.
    if not rules.may_begin(steps):
        busy = {rules.VALIDATING, rules.RUNNING, rules.VERIFYING, rules.FAILED}
        assert all(s["state"] == rules.RESTORED for s in steps) or any(s["state"] in busy for s in steps)


@given(answers=st.lists(st.sampled_from([True, False, None]), max_size=6))
def test_validations_stand_only_when_each_is_answered_with_yes(answers: list[bool | None]) -> None:
    found = rules.standing({"ok": ok} for ok in answers)
    assert (found is True) == all(ok is True for ok in answers)
    assert (found is False) == any(ok is False for ok in answers)


@pytest.fixture
def live(world: Any) -> Any:
    """Version 1 of both services ran in production; version 5.2.0, of the release, runs now."""
    world.rel = world.approved()
    hour = timedelta(hours=1)
    for number, (version, release) in enumerate((("1.0.0", None), ("5.2.0", world.rel))):
        for service in (world.ledger, world.web):
            started = now() - 5 * hour + number * hour
            world.deploy(
                version, service=service, release=release, started_at=started, finished_at=started + hour / 6
            )
    world.rm, world.bot = world.as_["release_manager"], world.as_["service_account"]
    return world


def planned(live: Any, **said: Any) -> RollbackPlan:
    plan = plans.create_plan(
        live.rm,
        release=live.rel,
        environment=live.production,
        fallback="Standby region.",
        restore_minutes=30,
        copy_services=False,
        **said,
    )
    plans.add_step(
        live.rm,
        plan,
        service=live.web,
        position=1,
        before="Banner is up",
        after="Login works\nerror rate < 1 % for 5 min",
    )
    plans.add_step(live.rm, plan, service=live.ledger, position=2, data="Postings since stay readable.")
    plan.refresh_from_db()
    return plan


def rollbacks_of(live: Any) -> list[str]:
    rows = Deployment.objects.filter(kind="rollback", environment=live.production).order_by(
        "started_at", "pk"
    )
    return [d.service.name for d in rows]


def step(plan: RollbackPlan, name: str) -> dict[str, Any]:
    plan.refresh_from_db()
    return next(s for s in plan.steps if s["name"] == name)


def test_a_plan_is_carried_out_in_its_order_with_validations_and_its_time_is_measured(
    live: Any, api: Any
) -> None:
    plan = planned(live)
    with time_machine.travel(now(), tick=False) as clock:
        plans.order_plan(live.rm, plan, reason="Payments fail.")
        # Nothing goes back before its validation is answered, and nothing of a later place before that.
        assert rollbacks_of(live) == [] and step(plan, "ledger")["state"] == "waiting"
        clock.shift(timedelta(minutes=3))
        told = api("service_account").post(
            f"{ORG}/rollback-plans/{plan.key}/validate", {"service": "web", "question": 1, "ok": True}
        )
        assert told.status_code == 200, told.content
        assert rollbacks_of(live) == ["web"]
        back = Deployment.objects.get(pk=step(plan, "web")["deployment"])
        assert (back.kind, back.version, back.rework) == ("rollback", "1.0.0", True)
        clock.shift(timedelta(minutes=4))
        finish_deployment(live.bot, back, status="succeeded")
        assert step(plan, "web")["state"] == "verifying" and rollbacks_of(live) == ["web"]
        for question in (1, 2):
            plans.validate(live.bot, plan, service=live.web, question=question, ok=True)
        assert rollbacks_of(live) == ["web", "ledger"]
        clock.shift(timedelta(minutes=5))
        finish_deployment(
            live.bot, Deployment.objects.get(pk=step(plan, "ledger")["deployment"]), status="succeeded"
        )
    plan.refresh_from_db()
    assert plan.state == "restored" and plan.took == timedelta(minutes=12)
    assert plan.in_time is True and plan.time_to_restore == "12 min of 30 min"
    states = {d.service.name: d.state for d in Deployment.objects.filter(release=live.rel, kind="deploy")}
    assert states == {"web": "rolled_back", "ledger": "rolled_back"}


def test_a_no_and_a_failed_rollback_stop_the_plan_until_somebody_tries_again(live: Any) -> None:
    plan = planned(live)
    plans.order_plan(live.rm, plan, reason="Payments fail.")
    plans.validate(live.bot, plan, service=live.web, question=1, ok=False, note="It is not.")
    assert step(plan, "web")["state"] == "failed" and rollbacks_of(live) == []
    said = refused(plans.validate, live.bot, plan, service=live.web, question=1, ok=True)
    assert said.refusals[0].code == "rollback_plan.no_validation"
    plans.retry_step(live.rm, plan, service=live.web, reason="Banner is up now.")
    plans.validate(live.bot, plan, service=live.web, question=1, ok=True)
    back = Deployment.objects.get(pk=step(plan, "web")["deployment"])
    finish_deployment(live.bot, back, status="failed")
    assert step(plan, "web")["state"] == "failed" and rollbacks_of(live) == ["web"]
    plans.give_up(live.rm, plan, reason="It does not come back.")
    plan.refresh_from_db()
    assert plan.state == "failed" and plan.took is None


def test_a_failed_check_after_the_rollback_is_answered_again_without_a_second_rollback(live: Any) -> None:
    plan = planned(live)
    plans.order_plan(live.rm, plan, reason="Payments fail.")
    plans.validate(live.bot, plan, service=live.web, question=1, ok=True)
    finish_deployment(
        live.bot, Deployment.objects.get(pk=step(plan, "web")["deployment"]), status="succeeded"
    )
    plans.validate(live.bot, plan, service=live.web, question=1, ok=False)
    plans.retry_step(live.rm, plan, service=live.web, reason="Cache cleared.")
    assert step(plan, "web")["state"] == "verifying" and rollbacks_of(live) == ["web"]
    for question in (1, 2):
        plans.validate(live.bot, plan, service=live.web, question=question, ok=True)
    assert step(plan, "web")["state"] == "restored"


def test_only_an_authorised_plan_is_triggered_and_only_by_its_own_thresholds(live: Any, api: Any) -> None:
    plan = planned(live, triggers="web: error rate > 2 % for 5 min")
    url = f"{ORG}/rollback-plans/{plan.key}/trigger"
    measured = {"service": "web", "metric": "error rate", "value": 3.5, "minutes": 6}
    assert api("service_account").post(url, measured).status_code == 409  # nobody authorised it
    plans.authorise_plan(live.rm, plan)
    for wrong in ({"service": "ledger"}, {"minutes": 4}, {"value": 1.9}, {"metric": "latency"}):
        answer = api("service_account").post(url, {**measured, **wrong})
        assert answer.json()["code"] == "rollback_plan.threshold", wrong
    assert api("service_account").post(url, measured).status_code == 200
    plan.refresh_from_db()
    assert (
        plan.state == "running" and plan.ordered_by is None and "error rate 3.5 for 6 min" in plan.ordered_on
    )
    # What is changed has to be authorised anew.
    assert refused(plans.edit_plan, live.rm, plan, title="Other").refusals[0].code == "state.illegal"


def test_a_changed_plan_is_not_authorised_any_more_and_lost_data_is_never_automatic(live: Any) -> None:
    plan = planned(live, triggers="web: error rate > 2 % for 5 min")
    plans.authorise_plan(live.rm, plan)
    plans.add_step(
        live.rm, plan, service=live.ledger, position=2, lossy=True, data="Postings since are lost."
    )
    plan.refresh_from_db()
    assert plan.state == "draft" and plan.authorised_by is None
    assert refused(plans.authorise_plan, live.rm, plan).refusals[0].code == "rollback_plan.lossy"
    said = refused(plans.order_plan, live.rm, plan, reason="Payments fail.").refusals[0]
    assert said.code == "rollback_plan.data_loss" and "Postings since are lost." in said.sentence
    plans.order_plan(live.rm, plan, reason="Payments fail.", accept_data_loss=True)


def test_a_service_that_the_release_never_reached_stays_as_it_is(live: Any) -> None:
    """The web runs a later hotfix: taking the release back must not undo somebody else's version."""
    live.deploy("5.2.1", service=live.web)
    plan = planned(live)
    plans.order_plan(live.rm, plan, reason="Payments fail.")
    plans.validate(live.bot, plan, service=live.web, question=1, ok=True)
    assert step(plan, "web")["state"] == "restored" and "Nothing of" in step(plan, "web")["note"]
    assert rollbacks_of(live) == ["ledger"]


def test_where_nothing_of_the_release_runs_there_is_nothing_to_order(live: Any) -> None:
    plan = plans.create_plan(
        live.rm, release=live.rel, environment=live.staging, fallback="None.", copy_services=True
    )
    assert [s["name"] for s in plan.steps] == ["ledger"]
    assert (
        refused(plans.order_plan, live.rm, plan, reason="x").refusals[0].code == "rollback_plan.nothing_runs"
    )


@pytest.mark.parametrize(
    "said",
    [
        {"triggers": "web error rate > 2 % for 5 min"},
        {"triggers": "nobody: error rate > 2 % for 5 min"},
        {"fallback": " "},
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(live: Any, api: Any, said: dict[str, Any]) -> None:
    given_ = {"release": live.rel.key, "environment": "production", "fallback": "Standby."} | said
    answer = api("release_manager").post(f"{ORG}/rollback-plans", given_)
    assert answer.status_code == 422 and f"/{next(iter(said))}" in answer.content.decode(), answer.content


def test_nobody_but_the_product_begins_or_restores(live: Any, api: Any) -> None:
    plan = planned(live)
    plans.order_plan(live.rm, plan, reason="Payments fail.")
    for verb, said in (
        ("begin_step", {"service": "ledger"}),
        ("restore", {}),
        ("settle_step", {"service": "web"}),
    ):
        answer = api("release_manager").post(f"{ORG}/rollback-plans/{plan.key}/{verb}", said)
        assert answer.status_code == 403, (verb, answer.content)
