"""Features: refinement, scoring by several people, states that follow what happens."""

from __future__ import annotations

import pytest

from releasetrain.kernel.refusals import Refused


def refused(call, *args, **params):
    with pytest.raises(Refused) as caught:
        call(*args, **params)
    return caught.value


def test_an_unrefined_feature_cannot_enter_a_plan_and_says_what_is_missing(world):
    idea = world.feature("Instant refunds", refined=False)
    error = refused(world.place, idea, world.acquiring, 1)
    assert error.code == "feature.unrefined"
    assert "acceptance criteria" in error.refusals[0].sentence
    assert error.status == 409


def test_refining_names_every_missing_part_at_its_input(world, cast):
    from planning.actions.features import refine_feature

    idea = world.feature("Instant refunds", refined=False)
    error = refused(refine_feature, cast["technical_lead"], idea, acceptance="Works.")
    assert {r.field for r in error.refusals} == {"feasibility", "constraints", "points", "tier"}


def test_refining_makes_it_ready_and_records_who(world, cast):
    feature = world.feature("Instant refunds")
    assert feature.state == "ready"
    assert feature.refined_by_id == cast["technical_lead"].user_id


def test_two_scorers_differ_and_the_agreed_score_is_recorded_with_who_and_when(world, cast):
    from planning.actions.scoring import agree_score, score_feature
    from planning.queries.backlog import scoring

    feature = world.feature("Instant refunds")
    score_feature(cast["business_owner"], feature, value=13, time_criticality=8, risk_reduction=3, job_size=5)
    score_feature(cast["product_manager"], feature, value=3, time_criticality=8, risk_reduction=3, job_size=5)
    said = scoring(feature)
    assert len(said.scores) == 2
    assert said.apart
    assert "3 (Product Manager) to 13 (Business Owner)" in said.spread[0].sentence
    agree_score(cast["product_manager"], feature, value=8, time_criticality=8, risk_reduction=3, job_size=5)
    feature.refresh_from_db()
    assert str(feature.wsjf) == "3.80"
    assert feature.agreed_by_id == cast["product_manager"].user_id
    assert feature.agreed_at is not None


def test_scoring_again_replaces_my_score(world, cast):
    from planning.actions.scoring import score_feature

    feature = world.feature("Instant refunds")
    for value in (1, 20):
        score_feature(cast["rte"], feature, value=value, time_criticality=1, risk_reduction=1, job_size=1)
    assert [s.value for s in feature.scores.all()] == [20]


def test_a_score_off_the_scale_is_refused_at_its_input(world, cast):
    from planning.actions.scoring import score_feature

    feature = world.feature("Instant refunds")
    error = refused(
        score_feature, cast["rte"], feature, value=4, time_criticality=1, risk_reduction=1, job_size=1
    )
    assert error.refusals[0].field == "value"
    assert error.status == 422


def test_ties_are_broken_by_time_criticality_then_by_age(world, cast):
    from planning.actions.scoring import agree_score
    from planning.queries.backlog import ranks

    parts = {
        "older": (5, 3, 2, 5),
        "urgent": (2, 8, 0 + 1, 5),
        "younger": (5, 3, 2, 5),
        "small": (1, 1, 1, 1),
    }
    for title, (value, time, risk, size) in parts.items():
        feature = world.feature(title)
        agree_score(
            cast["rte"], feature, value=value, time_criticality=time, risk_reduction=risk, job_size=size
        )
    order = {title: ranks()[f.pk].rank for title, f in world.features.items()}
    assert order == {"small": 1, "urgent": 2, "older": 3, "younger": 4}


def test_the_board_size_follows_the_agreed_job_size_when_there_is_none(world, cast):
    from planning.actions.scoring import agree_score

    feature = world.feature("Wallet", refined=False)
    agree_score(cast["rte"], feature, value=1, time_criticality=1, risk_reduction=1, job_size=13)
    feature.refresh_from_db()
    assert feature.points == 13


def test_a_cancelled_feature_leaves_the_plan_and_blocks_who_needed_it(world, cast):
    from planning.actions.features import cancel_feature

    provider, consumer = world.feature("Ledger API"), world.feature("Refunds")
    world.place(provider, world.ledger, 1)
    world.place(consumer, world.acquiring, 2)
    dependency = world.needs(consumer, provider)
    cancel_feature(cast["rte"], provider, reason="too dear")
    provider.refresh_from_db()
    dependency.refresh_from_db()
    assert (provider.state, provider.iteration_id) == ("cancelled", None)
    assert dependency.state == "blocked"
    assert "too dear" in dependency.reason


def test_finishing_a_feature_delivers_what_others_needed(world, cast):
    from planning.actions.features import complete_feature, start_feature

    provider, consumer = world.feature("Ledger API"), world.feature("Refunds")
    world.place(provider, world.ledger, 1)
    dependency = world.needs(consumer, provider)
    complete_feature(cast["rte"], start_feature(cast["rte"], provider))
    dependency.refresh_from_db()
    assert dependency.state == "done"


def test_a_feature_joins_a_release_and_is_done_when_it_is_released(world, cast):
    from planning.actions.releases import add_to_release, features_follow
    from trains.actions.releases import create_release

    feature = world.feature("Instant refunds")
    world.place(feature, world.acquiring, 1)
    release = create_release(cast["release_manager"], train=world.train, version="26.11.0")
    item = add_to_release(cast["release_manager"], feature, release=release)
    assert (item.source_kind, item.source_key, item.tier) == ("feature", feature.key, 3)
    features_follow(cast["release_manager"], release, {})
    feature.refresh_from_db()
    assert feature.state == "done"


def test_who_may_only_read_cannot_score_or_place(world, cast):
    from planning.actions.placement import place_feature
    from planning.actions.scoring import score_feature

    feature = world.feature("Instant refunds")
    scored = refused(
        score_feature, cast["auditor"], feature, value=1, time_criticality=1, risk_reduction=1, job_size=1
    )
    placed = refused(
        place_feature, cast["executive"], feature, team=world.acquiring, iteration=world.iterations[0]
    )
    assert scored.status == placed.status == 403
