"""Shared platforms, data migrations and joint incident plans."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import data_migrations, incident_plans, platforms
from trains.models import Comparison, IncidentDrill, IncidentPlan, MigrationStep, ServiceLevel
from trains.rules.migration_steps import Step, hindrance

ORG = "/api/v1/orgs/northwind"
KIND = MigrationStep.Kind


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


@pytest.fixture
def other(world: Any) -> Any:
    from trains.actions.trains import create_train

    return create_train(world.as_["rte"], key="PLT", name="Platform", cadence_start=date(2026, 1, 5))


# -- platforms (T10)


@pytest.fixture
def level(world: Any, other: Any) -> Any:
    platform = platforms.create_platform(world.as_["rte"], name="Messaging", provider=other)
    return platforms.promise_level(
        world.as_["rte"],
        platform,
        consumer=world.train,
        indicator="Availability",
        target=Decimal("99.9"),
        unit="%",
    )


def post(world: Any, level: Any, value: str, days_ago: float = 0, **said: Any) -> Any:
    return platforms.measure_level(
        world.as_["service_account"], level, value=Decimal(value), at=now() - timedelta(days=days_ago), **said
    )


def test_a_breach_shows_on_every_release_of_the_consumer(world: Any, level: Any, web: Any) -> None:
    release = world.release()
    path = f"/o/northwind/releases/{release.key}/"
    post(world, level, "99.95", 3)
    assert "Platforms this train relies on" not in web("team_member").get(path).content.decode()
    post(world, level, "99.5", 1)
    page = web("team_member").get(path).content.decode()
    assert "Platforms this train relies on" in page and "Messaging" in page and "at least 99.9 %" in page
    assert "99.5" in page
    post(world, level, "99.9")
    assert "Platforms this train relies on" not in web("team_member").get(path).content.decode(), (
        "the target is kept"
    )


def test_measurements_may_come_late_and_twice(world: Any, level: Any, api: Any) -> None:
    post(world, level, "99.5", 1, source="probe", external_id="7")
    again = post(world, level, "99.5", 1, source="probe", external_id="7")
    assert level.measurements.count() == 1 and again.pk
    first = post(world, level, "99.4", 2)
    level.refresh_from_db()
    assert level.breached_since == first.at, "a late report of an earlier breach"
    post(world, level, "100", 1.5)
    level.refresh_from_db()
    assert level.breached_since and level.breached_since > first.at
    assert level.measured == Decimal("99.5")
    answer = api("service_account").post(
        f"{ORG}/service-levels/{level.pk}/measure", {"value": "99.99", "source": "probe"}
    )
    assert answer.status_code == 201 and answer.json()["met"] is True
    assert (
        api("service_account").post(f"{ORG}/service-levels/{level.pk}/measure", {"value": "much"}).status_code
        == 422
    )
    assert api("auditor").post(f"{ORG}/service-levels/{level.pk}/measure", {"value": "1"}).status_code == 403


def test_smaller_is_better_where_the_promise_says_so(world: Any, level: Any, other: Any) -> None:
    rte = world.as_["rte"]
    latency = platforms.promise_level(
        rte,
        level.platform,
        consumer=world.train,
        indicator="Latency",
        target=Decimal(400),
        comparison=Comparison.AT_MOST,
    )
    assert post(world, latency, "400").met and not post(world, latency, "400.1").met
    assert (
        refused(platforms.promise_level, rte, level.platform, consumer=other, indicator="x", target=1).code
        == "service_level.own"
    )
    platforms.retire_level(rte, ServiceLevel.objects.get(pk=latency.pk), reason="Replaced")
    assert refused(post, world, ServiceLevel.objects.get(pk=latency.pk), "1").code == "service_level.retired"


# -- data migrations (T11)


@pytest.fixture
def migration(world: Any) -> Any:
    manager = world.as_["release_manager"]
    starts = now() + timedelta(hours=2)
    made = data_migrations.create_data_migration(
        manager, train=world.train, title="Balances", source_system="ledger", target_system="snapshots",
        fallback="Switch back", after_no_return="Correct forward", cutover_starts=starts, cutover_ends=starts + timedelta(hours=2),
    )  # fmt: skip
    add = data_migrations.add_migration_step
    add(manager, made, title="Copy", kind=KIND.COPY)
    add(
        manager, made, title="Follow", kind=KIND.SYNCHRONISE, waits_for_service=world.ledger,
        waits_for_version=">=5.2", waits_in=world.production,
    )  # fmt: skip
    add(manager, made, title="Compare", kind=KIND.VERIFY, verification_query="SELECT 1", expected="0")
    add(manager, made, title="Switch", kind=KIND.SWITCH)
    add(manager, made, title="Drop", kind=KIND.CLEAN_UP, point_of_no_return=True)
    return made


def step(migration: Any, position: int) -> Any:
    return MigrationStep.objects.get(migration=migration, position=position)


def run(world: Any, migration: Any, position: int, **said: Any) -> Any:
    manager = world.as_["release_manager"]
    data_migrations.start_migration_step(manager, step(migration, position))
    return data_migrations.finish_migration_step(manager, step(migration, position), **said)


def test_a_migration_keeps_its_order_its_deployment_its_window_and_its_proof(
    world: Any, migration: Any
) -> None:
    manager, start = world.as_["release_manager"], data_migrations.start_migration_step
    assert refused(start, manager, step(migration, 1)).code == "data_migration.not_running"
    data_migrations.start_data_migration(manager, migration)
    assert refused(start, manager, step(migration, 2)).code == "migration_step.order"
    run(world, migration, 1)
    assert refused(start, manager, step(migration, 2)).code == "migration_step.deployment"
    world.deploy("5.1.0", started_at=now() - timedelta(hours=2), finished_at=now() - timedelta(hours=1))
    assert "5.1.0 runs in production" in refused(start, manager, step(migration, 2)).refusals[0].sentence
    world.deploy("5.2.0")
    run(world, migration, 2)
    assert run(world, migration, 3, result="17").state == "failed"
    assert refused(start, manager, step(migration, 4)).code == "migration_step.order"
    assert run(world, migration, 3, result="0").state == "done"
    assert refused(start, manager, step(migration, 4)).code == "migration_step.window"
    with time_machine.travel(migration.cutover_starts, tick=False):
        run(world, migration, 4)
        assert (
            refused(data_migrations.complete_data_migration, manager, migration).code
            == "data_migration.steps"
        )
        start(manager, step(migration, 5))
        fault = refused(data_migrations.fall_back, manager, migration, reason="It is slow")
        assert fault.code == "data_migration.no_return" and fault.refusals[0].remedy == "Correct forward"
        data_migrations.finish_migration_step(manager, step(migration, 5))
        assert data_migrations.complete_data_migration(manager, migration).state == "completed"


def test_before_the_point_of_no_return_there_is_a_way_back(world: Any, migration: Any) -> None:
    manager = world.as_["release_manager"]
    data_migrations.start_data_migration(manager, migration)
    run(world, migration, 1)
    assert data_migrations.fall_back(manager, migration, reason="Copy is too slow").state == "fell_back"


def test_a_plan_without_proof_or_way_back_is_refused(world: Any) -> None:
    manager = world.as_["release_manager"]
    given = {"train": world.train, "title": "x", "source_system": "a", "target_system": "b"}
    assert (
        refused(data_migrations.create_data_migration, manager, **given, fallback=" ").refusals[0].field
        == "fallback"
    )
    made = data_migrations.create_data_migration(manager, **given, fallback="Back")
    assert refused(data_migrations.start_data_migration, manager, made).code == "data_migration.empty"
    add = data_migrations.add_migration_step
    add(manager, made, title="Copy")
    assert refused(data_migrations.start_data_migration, manager, made).code == "data_migration.unverified"
    assert (
        refused(add, manager, made, title="Check", kind=KIND.VERIFY).refusals[0].field == "verification_query"
    )
    assert (
        refused(add, manager, made, title="x", waits_for_service=world.ledger).refusals[0].field == "waits_in"
    )
    assert refused(add, manager, made, title="x", waits_for_version="newest").status == 422


states = st.sampled_from(["waiting", "running", "done", "failed"])
kinds = st.sampled_from(["copy", "verify", "switch"])


@given(st.lists(st.tuples(kinds, states, st.booleans()), min_size=1, max_size=8))
def test_nothing_overtakes_and_no_return_without_proof(rows: list[tuple[str, str, bool]]) -> None:
    steps = [Step(n, str(n), kind, state, no_return) for n, (kind, state, no_return) in enumerate(rows, 1)]
    for each in steps:
        before = steps[: each.position - 1]
        if hindrance(steps, each.position) == "":
            assert all(s.state == "done" for s in before)
            assert not each.point_of_no_return or any(s.kind == "verify" for s in before)


# -- joint incident plans (T29)


def test_a_joint_plan_knows_who_where_and_when_it_was_tried(
    world: Any, other: Any, web: Any, api: Any
) -> None:
    rte = world.as_["rte"]
    given = {"title": "Both down", "trigger": "Postings late", "bridge": "Call 1"}
    assert (
        refused(incident_plans.create_incident_plan, rte, **given, trains=[other]).refusals[0].field
        == "trains"
    )
    plan = incident_plans.create_incident_plan(rte, **given, trains=[world.train, other], drill_days=90)
    assert plan.standing == "untested"
    assign, duty = incident_plans.assign_plan_role, "commander"
    assert refused(assign, rte, plan, duty=duty, contact="Pager 1").refusals[0].field == "person"
    person = world.as_.user("team_member")
    assert (
        refused(assign, rte, plan, duty=duty, contact="1", person=person, deputy=person).refusals[0].field
        == "deputy"
    )
    role = assign(rte, plan, duty=duty, contact="Pager 1", person=person)
    record, gaps = incident_plans.record_drill, IncidentDrill.Outcome.GAPS
    today = now().date()
    assert (
        refused(record, rte, plan, held_on=today + timedelta(days=1), scenario="x", outcome=gaps)
        .refusals[0]
        .field
        == "held_on"
    )
    assert (
        refused(record, rte, plan, held_on=today, scenario="x", outcome=gaps).refusals[0].field == "findings"
    )
    record(
        rte,
        plan,
        held_on=today - timedelta(days=80),
        scenario="Site lost",
        outcome=gaps,
        findings="Numbers old",
    )
    record(
        rte,
        plan,
        held_on=today - timedelta(days=200),
        scenario="Earlier",
        outcome=IncidentDrill.Outcome.WORKED,
    )
    plan.refresh_from_db()
    assert (plan.last_exercised_on, plan.standing) == (today - timedelta(days=80), "valid")
    with time_machine.travel(now() + timedelta(days=30), tick=False):
        assert IncidentPlan.objects.get(pk=plan.pk).standing == "overdue"
    page = web("team_member").get(f"/o/northwind/incident-plans/{plan.key}/").content.decode()
    assert "Call 1" in page and "Site lost" in page and str(role) in page
    assert api("team_member").get(f"{ORG}/incident-plans/{plan.key}").json()["standing"] == "valid"
    incident_plans.end_plan_role(rte, role)
    incident_plans.retire_incident_plan(rte, plan, reason="Merged")
    assert (
        refused(record, rte, plan, held_on=today, scenario="x", outcome=gaps).code == "incident_plan.retired"
    )
