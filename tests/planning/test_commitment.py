"""Committing a plan: what stands against it, what can be accepted, and the baseline that is kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from releasetrain.kernel.refusals import Refused


@pytest.fixture
def planned(world: Any) -> Any:
    """Two features, one needing the other, placed where they fit."""
    from planning.actions.dependencies import accept_dependency

    for number in (1, 2):
        world.capacity(world.acquiring, number, 10, 2)
        world.capacity(world.ledger, number, 10, 2)
    provider, consumer = world.feature("API"), world.feature("Refunds")
    world.place(provider, world.ledger, 1)
    world.place(consumer, world.acquiring, 2)
    accept_dependency(world.cast["rte"], world.needs(consumer, provider))
    return world


def commit(world: Any, **params: Any) -> Any:
    from planning.actions.commitment import commit_increment

    return commit_increment(world.cast["rte"], world.pi, **params)


def refusal(world: Any, **params: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        commit(world, **params)
    return caught.value


def test_a_sound_plan_is_committed_and_its_baseline_kept_with_a_digest(planned):
    from planning.models import FeatureDependency, PlanBaseline
    from releasetrain.kernel.canonical import digest

    pi = commit(planned)
    baseline = PlanBaseline.objects.get(pi=pi)
    assert pi.state == "committed"
    assert pi.committed_by_id == planned.cast["rte"].user_id
    assert {f["title"] for f in baseline.content["features"]} == {"API", "Refunds"}
    assert baseline.digest == digest(baseline.content)
    # What was accepted is promised with the plan.
    assert [d.state for d in FeatureDependency.objects.all()] == ["committed"]
    assert baseline.content["dependencies"][0]["state"] == "committed"


def test_a_plan_above_capacity_minus_buffer_is_refused_and_named(planned):
    planned.place(planned.feature("Wallet", points=5), planned.acquiring, 2)
    error = refusal(planned)
    assert error.code == "plan.overload"
    assert "Acquiring in 26.4.2: 10 planned, 2 of it in the buffer of 2." in error.refusals[0].sentence


def test_overload_can_be_accepted_with_a_reason_which_is_recorded(planned):
    from planning.models import PlanBaseline

    planned.place(planned.feature("Wallet", points=5), planned.acquiring, 2)
    assert refusal(planned, accept=True).refusals[0].field == "reason"
    commit(planned, accept=True, reason="Two contractors join in iteration 2.")
    baseline = PlanBaseline.objects.get()
    assert baseline.reason.startswith("Two contractors")
    assert [f["code"] for f in baseline.accepted] == ["plan.overload"]


def test_a_cycle_cannot_be_accepted_and_is_named(planned):
    provider, consumer = planned.features["API"], planned.features["Refunds"]
    planned.needs(provider, consumer)
    error = refusal(planned, accept=True, reason="never mind")
    assert error.code == "plan.cycle"
    assert provider.key in error.refusals[0].sentence
    assert consumer.key in error.refusals[0].sentence


def test_a_provider_that_lands_too_late_stands_against_the_plan(planned):
    planned.place(planned.features["API"], planned.ledger, 2)
    error = refusal(planned)
    assert error.code == "plan.conflict"
    assert error.refusals[0].blocked_by.label == planned.features["API"].key


def test_low_confidence_stands_against_the_plan(planned, within):
    from planning.actions.confidence import cast_confidence_vote

    with within(planned.cast, "team_member") as voter:
        with pytest.raises(Refused) as caught:
            cast_confidence_vote(voter, pi=planned.pi, fingers=2)
        assert caught.value.refusals[0].field == "comment"
        cast_confidence_vote(voter, pi=planned.pi, fingers=2, comment="Staging is shared.")
    assert refusal(planned).code == "plan.confidence"
    with within(planned.cast, "team_member") as voter:
        cast_confidence_vote(voter, pi=planned.pi, fingers=4)
    assert commit(planned).state == "committed"


def test_an_empty_plan_is_not_committed(world):
    assert refusal(world).code == "plan.empty"


def test_only_planners_commit(planned):
    from planning.actions.commitment import commit_increment

    with pytest.raises(Refused) as caught:
        commit_increment(planned.cast["team_member"], planned.pi)
    assert caught.value.status == 403


def test_what_changed_since_the_baseline_is_listed(planned):
    from planning.models import PlanBaseline
    from planning.queries.board import load_board
    from planning.queries.commitment import drift

    commit(planned)
    planned.place(planned.features["API"], planned.ledger, 2)
    planned.place(planned.feature("Late idea"), planned.acquiring, 3)
    found = drift(PlanBaseline.objects.get(), load_board(planned.pi, date(2026, 11, 1)))
    assert {(d.title, d.kind) for d in found} == {("API", "moved"), ("Late idea", "added")}


def test_a_smaller_buffer_than_the_rule_says_needs_a_reason(world):
    with pytest.raises(Refused) as caught:
        world.capacity(world.acquiring, 1, 20, 0, reason="")
    assert caught.value.refusals[0].field == "reason"
    assert "10%" in caught.value.refusals[0].sentence
    assert world.capacity(world.acquiring, 1, 20, 0, reason="Vendor holds a reserve.").note.startswith(
        "Vendor"
    )


def test_capacity_follows_from_people_and_working_days_when_it_is_left_out(world):
    # 6 people × 10 working days × 0.8 = 48, a tenth of it buffer.
    capacity = world.capacity(world.acquiring, 1, None, None, reason="")
    assert (capacity.points, capacity.buffer) == (48, 5)
    assert "6 people, 10 working days" in capacity.note


def test_predictability_counts_uncommitted_objectives_in_the_numerator_only(planned):
    from planning.actions.objectives import create_objective, score_objective
    from planning.models import Objective
    from planning.queries.increments import predictability

    rte = planned.cast["rte"]
    made = [
        create_objective(rte, pi=planned.pi, team=planned.acquiring, title="Refunds live", planned_value=10),
        create_objective(
            rte, pi=planned.pi, team=planned.acquiring, title="Pilot", planned_value=5, uncommitted=True
        ),
    ]
    with pytest.raises(Refused):
        score_objective(rte, made[0], actual_value=7)
    commit(planned)
    for objective, value in zip(made, (7, 2), strict=True):
        score_objective(rte, Objective.objects.get(pk=objective.pk), actual_value=value)
    figure = predictability(list(Objective.objects.select_related("team")))
    assert figure.total.percent == 90


def test_the_plan_page_says_what_must_be_solved_and_offers_the_vote(planned, web):
    planned.place(planned.feature("Wallet", points=5), planned.acquiring, 2)
    html = web("rte").get(f"/o/northwind/increments/{planned.pi.pk}/plan/").content.decode()
    assert "Acquiring in 26.4.2: 10 planned" in html
    assert "can be accepted" in html
    assert "Vote" in html


def test_the_plan_can_be_committed_by_form_and_by_api(planned, web, api):
    planned.place(planned.feature("Wallet", points=5), planned.acquiring, 2)
    refused = web("rte").post(f"/o/northwind/increments/{planned.pi.pk}/do/commit", {})
    assert refused.status_code == 409
    assert "buffer" in refused.content.decode()
    done = api("rte").post(
        f"/api/v1/orgs/northwind/increments/{planned.pi.pk}/commit", {"accept": True, "reason": "agreed"}
    )
    assert done.status_code == 200, done.content
    planned.pi.refresh_from_db()
    assert planned.pi.state == "committed"
