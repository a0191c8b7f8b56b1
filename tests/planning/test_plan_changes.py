"""A committed plan changes by request: cause, room, capacity before and after, and a decision that is carried out."""

from __future__ import annotations

from typing import Any

import pytest

from planning.models import PlanChange
from releasetrain.kernel.refusals import Refused


@pytest.fixture
def committed(world: Any) -> Any:
    """Acquiring's second iteration is full: 8 of 8 points."""
    from planning.actions.commitment import commit_increment

    for number in (1, 2):
        world.capacity(world.acquiring, number, 10, 2)
        world.capacity(world.ledger, number, 10, 2)
    world.place(world.feature("Refunds", points=5), world.acquiring, 2)
    world.place(world.feature("Wallet", points=3), world.acquiring, 2)
    world.urgent = world.feature("Patch the parser", points=3, team=world.acquiring)
    commit_increment(world.cast["rte"], world.pi)
    world.pi.refresh_from_db()
    return world


def request(world: Any, **said: Any) -> Any:
    from planning.actions.plan_changes import bring_in, create_plan_change

    change = create_plan_change(
        world.cast["product_manager"],
        pi=world.pi,
        title="Patch before the plan",
        cause=PlanChange.Cause.VULNERABILITY,
        cause_label="CVE-2027-0001",
    )
    bring_in(world.cast["product_manager"], change, feature=world.urgent, iteration=world.iterations[1])
    return change


def refused(act: Any, *given: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*given, **said)
    return caught.value


def test_room_must_be_made_or_a_reason_given(committed):
    from planning.actions.plan_changes import submit_plan_change, take_out

    change, product = request(committed), committed.cast["product_manager"]
    error = refused(submit_plan_change, product, change)
    assert error.code == "plan_change.no_room"
    assert "Acquiring in 26.4.2 would be 3 points over" in error.refusals[0].sentence
    take_out(product, change, feature=committed.features["Wallet"])
    submit_plan_change(product, change)
    kept = PlanChange.objects.get()
    assert kept.state == "submitted"
    assert kept.capacity == [
        {"team": "Acquiring", "iteration": "26.4.2", "before": 8, "after": 8, "limit": 8, "short_by": 0}
    ]


def test_accepted_it_is_carried_out_on_the_board_by_somebody_else(committed, web):
    from planning.actions.plan_changes import accept_plan_change, submit_plan_change, take_out

    change, product = request(committed), committed.cast["product_manager"]
    wallet = committed.features["Wallet"]
    take_out(product, change, feature=wallet)
    submit_plan_change(product, change)
    assert refused(accept_plan_change, product, change, decision="Yes.").code == "plan_change.own"
    accept_plan_change(committed.cast["rte"], PlanChange.objects.get(), decision="The parser is exposed.")
    wallet.refresh_from_db()
    committed.urgent.refresh_from_db()
    assert (wallet.state, wallet.iteration_id) == ("ready", None)
    assert (committed.urgent.state, committed.urgent.iteration) == ("planned", committed.iterations[1])
    decided = PlanChange.objects.get()
    assert (decided.state, decided.decided_by_id) == ("accepted", committed.cast["rte"].user_id)
    from planning.queries.predictability import as_data, of_increment

    assert as_data(of_increment(committed.pi))["plan_changes"] == [
        {
            "cause": decided.cause,
            "changes": 1,
            "points_in": committed.urgent.points,
            "points_out": wallet.points,
        }
    ]
    page = web("rte").get("/o/northwind/objectives/predictability/").content.decode()
    assert f"{committed.pi.name}, {decided.get_cause_display().lower()}" in page
    assert f"plan-changes/?pi={committed.pi.pk}&amp;cause={decided.cause}&amp;state=accepted" in page


def test_a_rejected_request_changes_nothing(committed):
    from planning.actions.plan_changes import reject_plan_change, submit_plan_change

    change = request(committed)
    submit_plan_change(committed.cast["product_manager"], change, overload_reason="Overtime is agreed.")
    reject_plan_change(committed.cast["rte"], PlanChange.objects.get(), decision="Not exposed.")
    committed.urgent.refresh_from_db()
    assert committed.urgent.iteration_id is None


def test_the_board_may_have_changed_since_it_was_asked(committed):
    from planning.actions.placement import unplace_feature
    from planning.actions.plan_changes import accept_plan_change, submit_plan_change, take_out

    change, product = request(committed), committed.cast["product_manager"]
    take_out(product, change, feature=committed.features["Wallet"])
    submit_plan_change(product, change)
    unplace_feature(committed.cast["rte"], committed.features["Wallet"])
    committed.place(committed.feature("Late", points=3), committed.acquiring, 2)
    error = refused(accept_plan_change, committed.cast["rte"], PlanChange.objects.get(), decision="Yes.")
    assert error.code == "plan_change.room_gone"


def test_what_cannot_be_asked_is_said(committed, world):
    from planning.actions.plan_changes import bring_in, create_plan_change, submit_plan_change, take_out

    change, product = request(committed), committed.cast["product_manager"]
    raw = committed.feature("Idea", refined=False, team=committed.acquiring)
    assert refused(bring_in, product, change, feature=raw, iteration=world.iterations[1]).code == (
        "feature.unrefined"
    )
    assert refused(take_out, product, change, feature=raw).code == "plan_change.not_planned"
    bring_in(product, change, feature=committed.urgent, iteration=world.iterations[2])
    assert change.items.get().iteration == world.iterations[2], "named again, it goes where it was named last"
    empty = create_plan_change(
        product, pi=world.pi, title="x", cause=PlanChange.Cause.STRATEGY, cause_label="x"
    )
    assert refused(submit_plan_change, product, empty).code == "plan_change.empty"


def test_an_uncommitted_plan_needs_no_request(world):
    from planning.actions.plan_changes import create_plan_change

    error = refused(
        create_plan_change,
        world.cast["rte"],
        pi=world.pi,
        title="x",
        cause=PlanChange.Cause.STRATEGY,
        cause_label="x",
    )
    assert error.code == "plan_change.uncommitted"


def test_the_page_and_rest_tell_what_it_does(committed, web, api):
    change = request(committed)
    page = web("product_manager").get(f"/o/northwind/plan-changes/{change.key}/").content.decode()
    assert "Capacity before and after" in page
    assert committed.urgent.key in page
    rest = api("product_manager")
    answer = rest.post(f"/api/v1/orgs/northwind/plan-changes/{change.key}/submit", {})
    assert (answer.status_code, answer.json()["code"]) == (422, "plan_change.no_room")
