"""Deployment plans: their order, who holds a step, what a failure stops, and the way back."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import networkx as nx
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import deployment_plans as plans
from trains.actions.contracts import create_contract
from trains.actions.rollback_plans import create_plan as plan_rollback
from trains.models import DeploymentPlan, PlanStep
from trains.queries.deployment_plans import schedule_of
from trains.rules import deployment_plan as rules
from trains.rules.deployment_plan import Standing, Step

ORG = "/api/v1/orgs/northwind"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
busy = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# -- the rules


@st.composite
def graphs(draw: Any) -> list[Step]:
    """Any graph without a circle: each step waits for some of those before it."""
    count = draw(st.integers(1, 8))
    order = draw(st.permutations(range(1, count + 1)))
    steps = []
    for place, number in enumerate(order):
        after = draw(st.lists(st.sampled_from(order[:place]), unique=True, max_size=3)) if place else []
        state = draw(st.sampled_from(["waiting", "done", "failed", "skipped"]))
        steps.append(
            Step(number, "manual", minutes=draw(st.integers(1, 20)), after=tuple(after), state=state)
        )
    return steps


def ways(steps: list[Step]) -> list[int]:
    """The length of every way through the plan, by walking all of them."""
    by_number = {s.number: s for s in steps}

    def walk(number: int) -> list[int]:
        after = [s.number for s in steps if number in s.after]
        return [by_number[number].minutes + rest for nxt in after for rest in walk(nxt)] or [
            by_number[number].minutes
        ]

    return [length for s in steps for length in walk(s.number)]


@busy
@given(graphs())
def test_the_critical_path_is_the_longest_way_and_has_no_slack(steps: list[Step]) -> None:
    minutes = {s.number: s.minutes for s in steps}
    path, slots = rules.critical_path(steps), rules.slots(steps)
    assert sum(minutes[n] for n in path) == max(ways(steps)) == max(s.end for s in slots.values())
    assert all(slots[n].critical for n in path)
    for one, other in itertools.pairwise(path):
        assert one in next(s for s in steps if s.number == other).after
    assert all(slot.slack >= 0 for slot in slots.values())
    for step in steps:
        assert all(slots[b].end <= slots[step.number].start for b in step.after)


@busy
@given(graphs())
def test_a_failed_step_stops_all_that_wait_for_it_and_only_free_ones_are_handed_out(
    steps: list[Step],
) -> None:
    standing = rules.standings(steps, AT)
    states = {s.number: s.state for s in steps}
    graph = rules.graph_of(steps)
    for step in steps:
        failed_before = any(states[n] == "failed" for n in nx.ancestors(graph, step.number))
        if step.state == "waiting":
            assert (standing[step.number] is Standing.STOPPED) == failed_before
            if standing[step.number] is Standing.READY:
                assert all(states[b] in ("done", "skipped") for b in step.after)
        else:
            assert standing[step.number] == step.state


@busy
@given(graphs())
def test_a_forecast_never_begins_before_what_it_waits_for_ends(steps: list[Step]) -> None:
    waiting = [Step(s.number, s.kind, minutes=s.minutes, after=s.after) for s in steps]
    found = rules.forecast(waiting, AT, AT + timedelta(minutes=7))
    for step in waiting:
        assert found[step.number][0] >= AT + timedelta(minutes=7)
        assert all(found[b][1] <= found[step.number][0] for b in step.after)


def codes(*steps: Step, needs: Any = ()) -> list[str]:
    return [fault.code for fault in rules.faults(steps, needs)]


def test_expand_comes_before_deploy_before_contract_and_switch_between() -> None:
    place = {"service": "ledger", "environment": "production"}
    expand = Step(1, rules.EXPAND, **place)
    deploy = Step(2, rules.DEPLOY, **place)
    contract = Step(3, rules.CONTRACT, **place)
    assert codes(expand, deploy, contract) == ["order", "order"]
    deploy = Step(2, rules.DEPLOY, after=(1,), **place)
    assert codes(expand, deploy, Step(3, rules.CONTRACT, after=(2,), **place)) == []
    # Through other steps it holds as well; of another environment nothing is asked.
    detour = Step(4, rules.MANUAL, after=(1,))
    assert codes(expand, detour, Step(2, rules.DEPLOY, after=(4,), **place)) == []
    assert codes(expand, Step(2, rules.DEPLOY, service="ledger", environment="staging")) == []
    assert codes(deploy, expand, Step(5, rules.SWITCH, **place)) == ["order"]
    assert codes(Step(1, rules.MANUAL, after=(2,)), Step(2, rules.MANUAL, after=(1,))) == ["circle"]
    assert codes(Step(1, rules.MANUAL, after=(9,))) == ["unknown"]


def test_a_provider_comes_before_its_consumer_unless_they_need_each_other() -> None:
    web, ledger = (Step(n, rules.DEPLOY, service=s, environment="p") for n, s in ((1, "web"), (2, "ledger")))
    assert codes(web, ledger, needs=[("web", "ledger")]) == ["provider"]
    assert (
        codes(
            Step(1, rules.DEPLOY, service="web", environment="p", after=(2,)),
            ledger,
            needs=[("web", "ledger")],
        )
        == []
    )
    assert codes(web, ledger, needs=[("web", "ledger"), ("ledger", "web")]) == []


# -- the plan


def row(number: int, kind: str, service: str = "ledger", after: Any = (), **more: Any) -> dict[str, Any]:
    where = {"service": service, "environment": "production"} if service else {}
    return {"number": number, "kind": kind, "after": list(after), **where, **more}


STEPS = [
    row(1, "schema_expand", minutes=5, team="LED"),
    row(2, "deploy", after=[1], minutes=20),
    row(3, "deploy", "web", after=[2], minutes=10),
    row(4, "verify", "web", after=[3], minutes=5),
    row(5, "schema_contract", after=[3], minutes=5),
    row(6, "manual", "", title="Tell the branches", minutes=1),
]


@pytest.fixture
def plan(world: Any) -> Any:
    made = plans.create_plan(
        world.as_["release_manager"], train=world.train, title="Ledger and web", lease_minutes=10
    )
    plans.set_steps(world.as_["release_manager"], made, steps=STEPS)
    return made


def started(world: Any, plan: Any) -> Any:
    return plans.start_plan(world.as_["release_manager"], plan)


def step(plan: Any, number: int) -> Any:
    return plan.present_steps.get(number=number)


def claim(world: Any, plan: Any, number: int, runner: str = "ci/1") -> Any:
    return plans.claim_step(world.as_["service_account"], step(plan, number), runner=runner)


def report(world: Any, plan: Any, number: int, token: str, outcome: str = "succeeded", **said: Any) -> Any:
    return plans.report_step(
        world.as_["service_account"], step(plan, number), token=token, outcome=plans.Outcome(outcome), **said
    )


def refused(act: Any, *args: Any, **said: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value.refusals[0].code


def carried(world: Any, plan: Any, *numbers: int) -> None:
    for number in numbers:
        report(world, plan, number, claim(world, plan, number)["token"])


def test_a_plan_that_is_out_of_order_does_not_start_and_says_what_to_change(world: Any, plan: Any) -> None:
    create_contract(world.as_["rte"], consumer=world.web, provider=world.ledger)
    plans.edit_step(world.as_["release_manager"], step(plan, 3), after=[])
    with pytest.raises(Refused) as caught:
        started(world, plan)
    said = {r.code: (r.sentence, r.remedy) for r in caught.value.refusals}
    assert "web relies on ledger" in said["deployment_plan.provider"][0]
    assert said["deployment_plan.order"][1] == "Let step 5 wait for step 2."
    plans.edit_step(world.as_["release_manager"], step(plan, 3), after=[2])
    assert started(world, plan).state == "running"
    assert (
        refused(plans.edit_step, world.as_["release_manager"], step(plan, 3), after=[])
        == "deployment_plan.started"
    )


def test_a_plan_of_a_release_begins_with_its_builds_providers_first(world: Any) -> None:
    from trains.actions.scope import attach_artifact

    create_contract(world.as_["rte"], consumer=world.ledger, provider=world.web)
    release = world.frozen()
    for service, seed in ((world.ledger, "b"), (world.web, "c")):
        attach_artifact(world.as_["release_manager"], release, artifact=world.artifact(service, seed=seed))
    made = plans.create_plan(
        world.as_["release_manager"],
        train=world.train,
        title="x",
        release=release,
        environment=world.production,
    )
    found = {s.service.name: s for s in made.present_steps}
    assert found["ledger"].after == [found["web"].number] and found["web"].after == []
    assert plans.faults_of(made) == []
    removed = plans.remove_step(world.as_["release_manager"], found["web"])
    assert [s.after for s in removed.present_steps] == [[]]


def test_steps_are_claimed_reported_and_the_last_one_completes_the_plan(world: Any, plan: Any) -> None:
    assert refused(claim, world, plan, 1) == "deployment_plan.idle"
    started(world, plan)
    assert refused(claim, world, plan, 2) == "plan_step.waiting"
    assert refused(claim, world, plan, 6) == "plan_step.manual"
    held = plans.claim_next(world.as_["service_account"], plan, runner="ci/7")
    assert (held["number"], held["kind"], held["service"]) == (1, "schema_expand", "ledger")
    assert refused(claim, world, plan, 1) == "plan_step.running"
    assert refused(plans.claim_next, world.as_["service_account"], plan, runner="ci/8") == "plan_step.none"
    report(world, plan, 1, held["token"], "running", note="half way")
    assert step(plan, 1).said == "half way"
    report(world, plan, 1, held["token"])
    carried(world, plan, 2, 3, 4, 5)
    assert DeploymentPlan.objects.get().state == "running"
    assert (
        refused(plans.settle_step, world.as_["release_manager"], step(plan, 6), done=True, note=" ")
        == "required"
    )
    plans.settle_step(world.as_["release_manager"], step(plan, 6), done=True, note="Told by mail.")
    assert DeploymentPlan.objects.get().state == "completed"
    assert DeploymentPlan.objects.get().finished_at is not None


def test_a_lease_that_ran_out_frees_the_step_and_the_former_holder_reports_in_vain(
    world: Any, plan: Any
) -> None:
    started(world, plan)
    first = claim(world, plan, 1, "ci/zombie")["token"]
    assert refused(report, world, plan, 1, "guessed") == "plan_step.token"
    with time_machine.travel(now() + timedelta(minutes=11)):
        assert refused(report, world, plan, 1, first) == "plan_step.lapsed"
        second = claim(world, plan, 1, "ci/next")["token"]
        assert refused(report, world, plan, 1, first) == "plan_step.token"
        assert step(plan, 1).attempts == 2 and step(plan, 1).held_by == "ci/next"
        report(world, plan, 1, second)
        assert refused(report, world, plan, 1, second) == "plan_step.token"
    assert step(plan, 1).state == "done"


def test_signs_of_life_keep_the_lease(world: Any, plan: Any) -> None:
    started(world, plan)
    token = claim(world, plan, 1)["token"]
    begun = now()
    for minutes in (8, 16, 24):
        with time_machine.travel(begun + timedelta(minutes=minutes)):
            report(world, plan, 1, token, "running")
    with time_machine.travel(begun + timedelta(minutes=30)):
        assert report(world, plan, 1, token)["step"] == "done"


def test_a_failure_stops_what_waits_for_it_and_offers_the_way_back(world: Any) -> None:
    release = world.ready()
    manager = world.as_["release_manager"]
    plan = plans.create_plan(manager, train=world.train, title="x", release=release)
    plans.set_steps(manager, plan, steps=STEPS)
    back = plan_rollback(
        manager, release=release, environment=world.production, fallback="Restore the backup."
    )
    started(world, plan)
    carried(world, plan, 1)
    said = report(world, plan, 2, claim(world, plan, 2)["token"], "failed", note="Health check: 503")
    assert said == {
        "step": "failed",
        "plan": "running",
        "held_until": None,
        "stopped": [3, 4, 5],
        "rollback_plans": [back.key],
    }
    assert refused(claim, world, plan, 3) == "plan_step.stopped"
    assert refused(plans.skip_step, manager, step(plan, 1), reason="x") == "plan_step.begun"
    plans.settle_step(manager, step(plan, 6), done=True, note="Told.")  # what does not wait for it goes on
    plans.retry_step(manager, step(plan, 2), reason="Pods had no room.")
    carried(world, plan, 2, 3)
    plans.skip_step(manager, step(plan, 5), reason="The old column stays until June.")
    carried(world, plan, 4)
    assert DeploymentPlan.objects.get().state == "completed"


def test_the_token_is_kept_nowhere(world: Any, plan: Any) -> None:
    started(world, plan)
    token = claim(world, plan, 1)["token"]
    report(world, plan, 1, token, "running")
    rows = [str(e.__dict__) for e in LedgerEntry.objects.all()]
    rows += [str(h.__dict__) for h in PlanStep.history.all()] + [str(step(plan, 1).__dict__)]
    assert rows and not [r for r in rows if token in r]


def test_exactly_one_of_many_pipelines_gets_a_step(
    committed_db: Any, cast: Any, world_committed: Any
) -> None:
    plan, scope = world_committed
    won: list[str] = []
    lost: list[str] = []
    gate = threading.Barrier(6)

    def pipeline(name: str) -> None:
        from django.db import connection

        try:
            gate.wait(10)
            with scope() as account:
                claimed = plans.claim_step(account, step(plan, 1), runner=name)
                won.append(claimed["token"])
        except Refused as refusal:
            lost.append(refusal.refusals[0].code)
        finally:
            connection.close()

    threads = [threading.Thread(target=pipeline, args=(f"ci/{n}",)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(won) == 1 and lost == ["plan_step.running"] * 5
    with scope() as account:
        plans.report_step(account, step(plan, 1), token=won[0], outcome=plans.Outcome.SUCCEEDED)


@pytest.fixture
def world_committed(committed_db: Any, cast: Any) -> Any:
    from releasetrain.tenancy.scope import tenant_scope
    from tests.trains.conftest import World

    with tenant_scope(cast.organization.pk, cast["rte"]):
        world = World(cast)
        made = plans.create_plan(world.as_["release_manager"], train=world.train, title="Race")
        plans.set_steps(world.as_["release_manager"], made, steps=STEPS)
        started(world, made)

    def scope() -> Any:
        from contextlib import contextmanager

        @contextmanager
        def inside() -> Any:
            with tenant_scope(cast.organization.pk, cast["service_account"]):
                yield cast["service_account"]

        return inside()

    return made, scope


# -- over REST, and as a page


def test_pipelines_claim_and_report_over_rest(world: Any, plan: Any, api: Any) -> None:
    started(world, plan)
    account = api("service_account")
    address = f"{ORG}/plan-steps/{step(plan, 1).pk}"
    assert api("team_member").post(f"{address}/claim", {"runner": "x"}).status_code == 403
    held = account.post(f"{address}/claim", {"runner": "https://ci.example/1"}).json()["result"]
    again = account.post(f"{address}/claim", {"runner": "other"})
    assert again.status_code == 409 and "https://ci.example/1 holds it" in again.content.decode()
    bad = account.post(f"{address}/report", {"token": held["token"], "outcome": "maybe"})
    assert bad.status_code == 422
    wrong = account.post(f"{address}/report", {"token": "no", "outcome": "succeeded"})
    assert wrong.status_code == 409 and held["token"] not in wrong.content.decode()
    done = account.post(f"{address}/report", {"token": held["token"], "outcome": "succeeded"})
    assert done.json()["result"]["step"] == "done", done.content
    nxt = account.post(f"{ORG}/deployment-plans/{plan.key}/claim", {"runner": "ci", "service": "ledger"})
    assert nxt.json()["result"]["number"] == 2
    shown = account.get(f"{address}").json()
    assert "token" not in str(shown) and shown["state"] == "done"


BAD: list[Any] = [
    [],
    [7],
    [{"kind": "deploy"}],
    [{"kind": "sing"}],
    [{"kind": "manual", "number": 0}],
    [{"kind": "manual", "minutes": True}],
    [{"kind": "manual", "after": [9]}],
    [{"kind": "manual", "after": "1"}],
    [{"kind": "manual", "service": "nothing"}],
    [{"kind": "manual", "owner": "nobody@example.com"}],
    [{"kind": "manual", "colour": "red"}],
    [{"kind": "manual", "number": 1}, {"kind": "manual", "number": 1}],
]


def test_steps_that_cannot_be_are_refused_with_their_row(world: Any, plan: Any, api: Any) -> None:
    manager = api("release_manager")
    for bad in BAD:
        answer = manager.post(f"{ORG}/deployment-plans/{plan.key}/set_steps", {"steps": bad})
        assert answer.status_code == 422, (bad, answer.content)
    assert plan.present_steps.count() == len(STEPS)


def test_the_page_shows_chart_list_and_path_and_is_silent_while_nothing_moves(
    world: Any, plan: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    manager = web("release_manager")
    page = manager.get(f"/o/northwind/deployment-plans/{plan.key}/").content.decode()
    assert "Gantt chart" in page and "critical path" in page and "Tell the branches" in page
    started(world, plan)
    address = f"/o/northwind/deployment-plans/{plan.key}/live?fragment=deployment_plan"
    with time_machine.travel(now(), tick=False):
        first = manager.get(address)
        assert first.status_code == 200 and "data-live" in first.content.decode()
        with django_assert_max_num_queries(14):
            assert manager.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
        report(world, plan, 1, claim(world, plan, 1)["token"], "failed", note="disk full")
        fresh = manager.get(address, headers={"If-None-Match": first["ETag"]})
    assert fresh.status_code == 200 and "disk full" in fresh.content.decode()
    assert "Stopped: 2." in fresh.content.decode() and "names no release" in fresh.content.decode()


def test_a_plan_knows_its_path_and_its_end(world: Any, plan: Any) -> None:
    schedule = schedule_of(plan, AT)
    assert schedule.path[:3] == [1, 2, 3] and schedule.minutes == 40
    assert schedule.ends_at == AT + timedelta(minutes=40)
