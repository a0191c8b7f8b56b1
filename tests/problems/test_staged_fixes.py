"""Problem fixes of high risk are confined to a staged path: which these are, when they are marked, who lets them off."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from problems.actions.problems import edit_problem
from problems.models import Problem
from problems.rules.fix_risk import HIGH, Facts, classify, staged_because
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.scope import lift_canary, mark_canary
from trains.models import ScopeItem


def linked(world: Any, release: Any, problem: Any) -> ScopeItem:
    world.link(problem, release)
    return ScopeItem.objects.get(release=release, source_id=problem.pk)


@pytest.fixture
def books(world: Any) -> Any:
    """A service of tier 2: not everything that touches it is of the highest risk."""
    from trains.actions.services import create_service

    return create_service(world.as_["rte"], name="books", train=world.train, tier=2)


def test_a_fix_is_confined_exactly_where_its_risk_class_alone_is_high() -> None:
    for severity, tier, services, back, hurried, reaches in product(
        (1, 2, 3, 4), (1, 2, 3, 4), (1, 3), (0, 1), (False, True), (0, 4)
    ):
        facts = Facts(severity, tier, services, 1, back, hurried, reaches)
        assert bool(staged_because(facts)) is (classify(facts).name == HIGH), facts
    assert "severity 1" in staged_because(Facts(1, 1, 1, 1, 0, False))
    assert not staged_because(Facts(1, 2, 1, 1, 0, False))
    assert staged_because(Facts(1, 2, 1, 1, 1, False)), "a second attempt weighs more"
    assert staged_because(Facts(2, 1, 1, 1, 0, True)), "so does haste"


def test_the_marker_is_set_when_the_fix_enters_the_scope(world: Any, books: Any) -> None:
    severe = world.problem("Books lose postings", service=books, severity=1, fingerprint="")
    hurried = linked(world, world.release("5.2.1", classification="hotfix", tier=3), severe)
    assert hurried.tier == 2 and hurried.canary
    assert "high risk" in hurried.canary_reason and "emergency" in hurried.canary_reason
    slight = world.problem("Typing error", service=world.web, severity=4, fingerprint="")
    assert not linked(world, world.release("5.3.0", tier=3), slight).canary


def test_the_same_fix_without_haste_is_not_held_until_it_turns_out_worse(world: Any, books: Any) -> None:
    problem = world.problem("Books lose postings", service=books, severity=1, fingerprint="")
    release = world.release("5.2.1", classification="problem_fix", tier=3)
    item = linked(world, release, problem)
    assert not item.canary
    problem.refresh_from_db()
    problem.reopened_count = 1  # as after a fix that did not hold
    problem.save()
    edit_problem(world.as_["problem_manager"], problem, description="It is back since the weekend.")
    item.refresh_from_db()
    assert item.canary and "came back" in item.canary_reason


def test_a_feature_made_from_a_severe_problem_is_such_a_fix(world: Any) -> None:
    from planning.models import Feature
    from problems.queries.staged_fixes import why_staged

    problem = world.problem(severity=1)
    feature = Feature.objects.create(
        train=world.train, title="Locks in one order", source_kind="problem", source_id=problem.pk
    )
    assert "severity 1" in why_staged("feature", feature.pk, 3, False)
    other = Feature.objects.create(train=world.train, title="Menu")
    assert why_staged("feature", other.pk, 3, False) == ""


def test_its_deployment_is_refused_other_than_on_a_staged_path(world: Any, refused: Any) -> None:
    release = world.release("5.2.1", tier=3)
    linked(world, release, world.problem(severity=1))
    with refused("deployment.unstaged"):
        world.deploy("5.2.1", status="running", release=release)


def test_the_marker_is_lifted_by_a_chair_with_a_reason_who_had_no_hand_in_it(world: Any) -> None:
    item = linked(world, world.release("5.2.1"), world.problem(severity=1))
    assert item.canary
    with pytest.raises(Refused) as caught:
        lift_canary(world.as_["release_manager"], item, reason="We know it.")
    assert caught.value.refusals[0].code == "permission.missing"
    with pytest.raises(Refused) as caught:
        lift_canary(world.as_["change_manager"], item, reason=" ")
    assert caught.value.refusals[0].code == "scope_item.lift_reason"
    lift_canary(world.as_["change_manager"], item, reason="The platform cannot split this traffic.")
    item.refresh_from_db()
    assert (item.canary, item.canary_lift_reason) == (False, "The platform cannot split this traffic.")
    assert item.canary_lifted_by == world.as_["change_manager"].name and item.canary_lifted_at
    # It does not come back by itself; whoever holds the release may set it again.
    edit_problem(world.as_["problem_manager"], Problem.objects.get(pk=item.source_id), severity=1)
    item.refresh_from_db()
    assert not item.canary
    mark_canary(world.as_["release_manager"], item, reason="The platform can by now.")
    item.refresh_from_db()
    assert item.canary and item.canary_lifted_at is None


def test_whoever_opened_the_release_does_not_lift_its_marker(world: Any, refused: Any) -> None:
    from releasetrain.accounts.actions import grant, scope_for
    from releasetrain.accounts.catalogue import Role

    with tenant_scope(world.train.organization_id, world.as_["release_manager"]):
        release = world.release("5.2.1")
    item = linked(world, release, world.problem(severity=1))
    grant(world.as_.user("release_manager"), Role.CHANGE_MANAGER, scope_for(world.train.organization))
    both = replace(world.as_["release_manager"], _grants=None)  # reads the grants anew
    with refused("scope_item.own_release"):
        lift_canary(both, item, reason="I am sure.")


def test_the_database_lets_no_marker_vanish_without_a_name_and_a_reason(world: Any) -> None:
    item = linked(world, world.release("5.2.1"), world.problem(severity=1))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE trains_scopeitem SET canary = false WHERE id = %s", [item.pk])
