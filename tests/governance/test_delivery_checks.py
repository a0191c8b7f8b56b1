"""Checks of delivery, and the right to order what goes back together."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from governance.actions import rollbacks
from governance.checks import registry
from governance.checks.context import CheckContext
from governance.models import RollbackOrder
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.trains.conftest import World
from trains import delivering
from trains.actions import failure_drills, feature_flags, rollback_plans, rollouts, scope, staged_paths
from trains.actions.canary import analyse, create_config
from trains.actions.deployments import finish_deployment
from trains.models import Deployment, Rollout

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    return World(cast)


def ask(world: World, kind: str, release: Any, environment: Any = None, **parameters: Any) -> Any:
    """What the check says of the release now."""
    declared = registry.find(kind)
    assert declared is not None
    carried = [a.artifact for a in release.artifacts.select_related("artifact__service")]
    ctx = CheckContext(
        organization_id=release.organization_id,
        gate=None,  # type: ignore[arg-type]
        environment=environment or world.production,
        release=release,
        artifacts=tuple(carried),
        services=tuple(a.service for a in carried),
        at=now(),
        max_age=timedelta(hours=24),
    )
    return declared.body(ctx, **declared.clean(parameters))


def config(world: World) -> Any:
    return create_config(
        world.as_["release_manager"],
        name="Ledger",
        metrics=[{"name": "errors", "direction": "increase", "critical": True, "minimum": 3}],
    )


def judged(world: World, release: Any, by: Any, *, worse: float = 0, count: int = 12) -> Any:
    values = {
        "baseline": {"errors": [1 + n / 100 for n in range(count)]},
        "canary": {"errors": [1 + worse + n / 100 for n in range(count)]},
    }
    return analyse(
        world.as_["service_account"],
        config=by,
        service=world.ledger,
        environment=world.production,
        release=release,
        values=values,
    )


def test_a_canary_score_needs_an_analysis_on_enough_data(world: World) -> None:
    release, by = world.ready(), config(world)
    assert ask(world, "canary-score", release).verdict == "pending"
    judged(world, release, by, count=2)
    assert ask(world, "canary-score", release).verdict == "pending"  # too little data is no pass
    judged(world, release, by, worse=5)
    assert ask(world, "canary-score", release).verdict == "fail"
    good = judged(world, release, by)
    outcome = ask(world, "canary-score", release)
    assert outcome.verdict == "pass" and outcome.as_of == good.judged_at
    assert ask(world, "canary-score", release, environment_kind="staging").verdict == "pending"


def test_marked_items_need_a_rollout_of_every_service(world: World) -> None:
    release = world.frozen()
    manager = world.as_["release_manager"]
    assert ask(world, "canary-plan", release).verdict == "pass"
    scope.mark_canary(manager, release.items.get())
    assert ask(world, "canary-plan", release).verdict == "pending"
    scope.attach_artifact(manager, release, artifact=world.artifact())
    assert ask(world, "canary-plan", release).verdict == "fail"
    path = staged_paths.create_path(
        manager, name="Careful", steps="10 % for 5 min\n100 %", config=config(world)
    )
    rollouts.plan_rollout(
        manager, service=world.ledger, environment=world.production, path=path, release=release
    )
    assert ask(world, "canary-plan", release).verdict == "pass"


def test_flags_that_contradict_each_other_fail_and_silence_is_no_pass(world: World) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    release = world.ready()
    assert ask(world, "feature-flags", release, dark=True).verdict == "pass"
    said: dict[str, Any] = {"service": world.ledger, "remove_by": date(2999, 1, 1)}
    feature_flags.register_flag(manager, name="new", release=release, excludes=["old"], **said)
    feature_flags.register_flag(manager, name="old", **said)
    assert ask(world, "feature-flags", release).verdict == "pass"
    assert ask(world, "feature-flags", release, dark=True).verdict == "pending"

    def report(name: str, on: bool) -> None:
        feature_flags.report_flag(bot, name=name, environment=world.production, on=on, service=world.ledger)

    report("new", False)
    assert ask(world, "feature-flags", release, dark=True).verdict == "pass"
    report("new", True)
    assert ask(world, "feature-flags", release, dark=True).verdict == "fail"
    assert ask(world, "feature-flags", release).verdict == "pass"
    report("old", True)
    outcome = ask(world, "feature-flags", release)
    assert outcome.verdict == "fail" and "exclude each other" in outcome.reason
    assert ask(world, "feature-flags", release, world.staging).verdict == "pass"


def test_a_drill_must_have_passed_lately(world: World) -> None:
    manager, release = world.as_["release_manager"], world.ready()
    assert ask(world, "failure-drill", release).verdict == "fail"
    with time_machine.travel(now(), tick=False) as clock:
        drill = failure_drills.plan_drill(
            manager,
            service=world.ledger,
            environment=world.staging,
            title="Database away",
            scenario="Block it.",
            expected="Down within 5 min",
        )
        drill = failure_drills.start_drill(manager, drill)
        clock.shift(MINUTE)
        failure_drills.record_alert(
            world.as_["service_account"], name="Down", starts_at=now(), service=world.ledger
        )
        failure_drills.conclude_drill(manager, drill)
        outcome = ask(world, "failure-drill", release, days=30)
        assert outcome.verdict == "pass" and outcome.valid_until == now() + timedelta(days=30)
        assert ask(world, "failure-drill", release, signals=["latency"]).verdict == "fail"
        clock.shift(timedelta(days=31))
        assert "older than 30 days" in ask(world, "failure-drill", release, days=30).reason


# -- authorisation ------------------------------------------------------------------------------------------------


def rule(world: World, **said: Any) -> Any:
    given = {
        "tier": 1,
        "roles": [Role.RELEASE_MANAGER],
        "restore_minutes": 15,
        "fallback": "Standby region.",
        "thresholds": "error rate > 2 % for 5 min",
    }
    return rollbacks.create_rule(world.as_["compliance_officer"], **{**given, **said})


def live(world: World) -> Any:
    release = world.approved()
    start = now() - timedelta(hours=3)
    for n, (version, of) in enumerate((("5.1.0", None), ("5.2.0", release))):
        world.deploy(version, release=of, started_at=start + n * MINUTE, finished_at=start + n * MINUTE)
    return release


def test_a_plan_is_ordered_and_authorised_only_by_whom_each_service_names_and_each_rollback_is_on_record(
    world: World,
) -> None:
    release, manager = live(world), world.as_["release_manager"]
    named = rule(world, roles=[Role.OWNER])
    plan = rollback_plans.create_plan(
        manager, release=release, environment=world.production, fallback="Standby region."
    )
    for act, said in ((rollback_plans.authorise_plan, {}), (rollback_plans.order_plan, {"reason": "x"})):
        with pytest.raises(Refused) as caught:
            act(manager, plan, **said)
        assert caught.value.refusals[0].code == "rollback.not_authorised"
    rollbacks.retire_rule(world.as_["compliance_officer"], named, reason="New roles.")
    rule(world)
    plan.refresh_from_db()
    rollback_plans.order_plan(manager, plan, reason="Payments fail.")
    order = RollbackOrder.objects.get()
    assert (order.basis, order.ordered_by_id, order.restore_minutes) == ("role", manager.user_id, 15)
    assert order.rollback.kind == "rollback" and order.rollback.release == release


def test_a_triggered_plan_is_on_record_as_pre_authorised(world: World) -> None:
    release, manager = live(world), world.as_["release_manager"]
    rule(world)
    plan = rollback_plans.create_plan(
        world.as_["release_manager"],
        release=release,
        environment=world.production,
        fallback="Standby region.",
        triggers="ledger: error rate > 2 % for 5 min",
    )
    rollback_plans.authorise_plan(manager, plan)
    post(world, "error_rate", [3.0] * 30, minutes=6)
    with time_machine.travel(now() + timedelta(seconds=1), tick=False) as clock:
        # What was measured before somebody authorised it triggers nothing.
        assert delivering.carry_out(system(world), read(plan)) == 0
        clock.shift(6 * MINUTE)
        post(world, "error_rate", [3.0] * 30, minutes=6)
        assert delivering.carry_out(system(world), read(plan)) == 1
    order = RollbackOrder.objects.get()
    assert order.basis == "threshold" and "error rate 3 for 5 min" in order.measured
    assert read(plan).ordered_by is None
    finish_deployment(world.as_["service_account"], order.rollback, status="succeeded")
    assert read(plan).state == "restored"


def read(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def system(world: World) -> Any:
    from releasetrain.kernel.actor import Actor

    return Actor.system(world.train.organization_id, "test round")


def post(world: World, name: str, values: list[float], minutes: int, **labels: str) -> None:
    from trains.actions.series import post_values

    start, step = now() - minutes * MINUTE, minutes * MINUTE / len(values)
    points = [[(start + n * step).isoformat(), value] for n, value in enumerate(values)]
    post_values(
        world.as_["service_account"],
        service=world.ledger,
        environment=world.production,
        series=[{"name": name, "labels": labels, "points": points}],
    )


@pytest.mark.parametrize("role", [Role.RELEASE_MANAGER, Role.OWNER])
def test_a_failed_canary_goes_back_by_itself_only_where_its_authoriser_may_order_that(
    world: World, role: Role
) -> None:
    named = rule(world, roles=[role])
    manager = world.as_["release_manager"]
    with time_machine.travel(now(), tick=False) as clock:
        world.deploy("5.1.0", started_at=now() - 60 * MINUTE, finished_at=now() - 59 * MINUTE)
        release = world.approved()
        path = staged_paths.create_path(
            manager, name="Careful", steps="10 % for 10 min\n100 %", config=config(world)
        )
        staged_paths.authorise_path(manager, path)
        rollout = rollouts.plan_rollout(
            manager, service=world.ledger, environment=world.production, path=path, release=release
        )
        rollouts.start_rollout(manager, rollout)
        world.deploy("5.2.0", status="running", release=release)
        rollouts.confirm_command(world.as_["service_account"], rollout.commands.get())
        clock.shift(5 * MINUTE)
        for track, shift in (("baseline", 0.0), ("canary", 4.0)):
            post(world, "errors", [1 + shift + n / 100 for n in range(20)], minutes=5, track=track)
        clock.shift(timedelta(seconds=1))
        delivering.lead_on(system(world), Rollout.objects.get(pk=rollout.pk))
    found = read(rollout)
    if role == Role.RELEASE_MANAGER:
        assert found.state == "rolling_back"
        assert RollbackOrder.objects.get().basis == "threshold"
        return
    # The release manager holds the permission, but the tier's authorisation names another role.
    assert (found.state, found.held_by) == ("held", "analysis")
    assert not Deployment.objects.filter(kind="rollback").exists()
    with pytest.raises(Refused) as caught:
        rollouts.roll_back(manager, found, reason="Errors.")
    assert caught.value.refusals[0].code == "rollback.not_authorised"
    rollbacks.retire_rule(world.as_["compliance_officer"], named, reason="New roles.")
    rule(world)
    rollouts.roll_back(manager, found, reason="Errors.")
    assert RollbackOrder.objects.get().basis == "role"
