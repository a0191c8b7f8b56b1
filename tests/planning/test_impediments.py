"""Impediments that age and escalate, and interruptions with their hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from releasetrain.kernel.refusals import Refused

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def raised(world: Any) -> Any:
    from planning.actions.impediments import raise_impediment

    with time_machine.travel(START, tick=False) as clock:
        made = raise_impediment(world.cast["team_member"], team=world.ledger, title="No test data")
        made.clock = clock
        yield made


def again(impediment: Any) -> Any:
    return type(impediment).objects.get(pk=impediment.pk)


def test_a_team_raises_it_and_the_rte_works_it(raised, world):
    from planning.actions import impediments as actions

    rte = world.cast["rte"]
    actions.take_impediment(rte, raised)
    assert (again(raised).state, again(raised).owner_id) == ("working", rte.user_id)
    raised.clock.move_to(START + timedelta(days=3))
    actions.resolve_impediment(rte, again(raised), resolution="Masked copy of production.")
    raised.clock.move_to(START + timedelta(days=30))
    assert again(raised).age(START + timedelta(days=30)) == timedelta(days=3)
    actions.reopen_impediment(world.cast["team_member"], again(raised), reason="It is stale again.")
    assert again(raised).age(START + timedelta(days=30)) == timedelta(days=30)


def test_it_escalates_by_policy_and_the_escalation_ends_with_it(raised, world, cast, web):
    from planning.actions import impediments as actions
    from releasetrain.accounts.catalogue import Role
    from releasetrain.kernel.actor import Actor
    from trains.actions.escalations import add_level, create_policy
    from trains.models import Escalation
    from trains.sweeping import sweep

    policy = create_policy(cast["rte"], name="Impediments", subject_kind="impediment", train=world.train)
    add_level(cast["rte"], policy, after_minutes=60, role=Role.RTE)
    system = Actor.system(cast.organization.pk, "test")
    raised.clock.move_to(START + timedelta(hours=1))
    assert sweep(system).raised == 1
    escalation = Escalation.objects.get()
    assert raised.key in escalation.subject_label
    page = web("rte").get("/o/northwind/impediments/open/").content.decode()
    assert "escalated" in page
    actions.resolve_impediment(cast["rte"], again(raised), resolution="Done.")
    assert sweep(system).resolved == 1


def test_a_blocked_dependency_escalates(world, cast):
    from planning.actions.dependencies import accept_dependency, block_dependency
    from releasetrain.kernel.actor import Actor
    from trains.actions.escalations import add_level, create_policy
    from trains.models import Escalation
    from trains.sweeping import sweep

    dependency = world.needs(world.feature("Refunds"), world.feature("API"))
    policy = create_policy(cast["rte"], name="Blocked", subject_kind="featuredependency")
    add_level(cast["rte"], policy, after_minutes=0, person=cast.user("product_manager"))
    system = Actor.system(cast.organization.pk, "test")
    assert sweep(system).raised == 0
    accept_dependency(cast["rte"], dependency)
    block_dependency(cast["rte"], dependency, reason="Vendor is down.")
    assert sweep(system).raised == 1
    assert "Vendor is down." in Escalation.objects.get().subject_label


def test_hours_are_logged_against_the_iteration_of_the_day(raised, world, web):
    from planning.actions.impediments import log_interruption
    from planning.models import Interruption
    from planning.queries.impediments import lost

    rte, second = world.cast["rte"], world.iterations[1]
    log_interruption(
        rte,
        team=world.ledger,
        hours=Decimal("6.5"),
        cause=Interruption.Cause.INCIDENT,
        what="INC-7",
        on=second.starts,
    )
    log_interruption(
        rte,
        team=world.ledger,
        hours=Decimal(2),
        cause=Interruption.Cause.SUPPORT,
        what="Refund stuck",
        on=second.starts,
    )
    (row,) = lost(world.train)
    assert (row.iteration, row.hours, row.count) == (second, Decimal("8.50"), 2)
    page = web("rte").get("/o/northwind/impediments/open/").content.decode()
    assert f"/o/northwind/interruptions/?team={world.ledger.pk}&amp;iteration={second.pk}" in page


def test_a_day_outside_every_iteration_is_refused(raised, world):
    from planning.actions.impediments import log_interruption
    from planning.models import Interruption

    with pytest.raises(Refused) as caught:
        log_interruption(
            world.cast["rte"],
            team=world.ledger,
            hours=Decimal(1),
            cause=Interruption.Cause.OTHER,
            what="x",
            on=START.date(),
        )
    assert caught.value.refusals[0].field == "on"
