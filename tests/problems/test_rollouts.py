"""A rollout halts while a problem of what it rolls out is active, and goes on when that is settled."""

from __future__ import annotations

from typing import Any

import pytest

from problems.actions.incidents import resolve
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from trains import delivering
from trains.actions import rollouts, staged_paths
from trains.actions.canary import create_config
from trains.models import Rollout


@pytest.fixture
def rollout(world: Any) -> Rollout:
    manager = world.as_["release_manager"]
    config = create_config(manager, name="Ledger", metrics=[{"name": "errors"}])
    path = staged_paths.create_path(manager, name="Careful", steps="10 % for 10 min\n100 %", config=config)
    return rollouts.plan_rollout(
        manager, service=world.ledger, environment=world.production, path=path, version="5.2.0"
    )


def turn(rollout: Rollout) -> Rollout:
    system = Actor.system(rollout.organization_id, "test round")
    delivering.lead_on(system, Rollout.objects.get(pk=rollout.pk))
    return Rollout.objects.get(pk=rollout.pk)


def test_an_open_severe_problem_of_the_service_keeps_it_from_beginning(world: Any, rollout: Rollout) -> None:
    problem = world.problem()
    with pytest.raises(Refused) as caught:
        rollouts.start_rollout(world.as_["release_manager"], rollout)
    said = caught.value.refusals[0]
    assert said.code == "rollout.blocked" and problem.key in said.sentence


def test_an_incident_of_its_deployment_halts_it_until_it_is_resolved(world: Any, rollout: Rollout) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    rollouts.start_rollout(manager, rollout)
    world.deploy("5.2.0", status="running")
    rollouts.confirm_command(bot, rollout.commands.get())
    assert turn(rollout).state == "running"
    incident = world.incident(severity=3)
    found = turn(rollout)
    assert (found.state, found.held_by) == ("held", "blocker") and incident.key in found.reason
    assert turn(rollout).state == "held"
    resolve(world.as_["problem_manager"], incident)
    assert turn(rollout).state == "running"


def test_a_problem_of_another_service_or_of_little_weight_does_not(world: Any, rollout: Rollout) -> None:
    world.problem(service=world.web, fingerprint="")
    world.problem(severity=3, fingerprint="")
    rollouts.start_rollout(world.as_["release_manager"], rollout)
    assert turn(rollout).state == "running"
