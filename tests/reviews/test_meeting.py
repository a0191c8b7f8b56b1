"""The meeting: whose turn it is, the clock, facts before causes, rounds in writing, quorum, acknowledgement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.rules.agenda import laid_out, moved_on, runs_out, used
from reviews.rules.rotation import Candidate, next_slot, rotating_hour, whose_turn
from tests.problems.conftest import DAY, HOUR

from .conftest import Reviewing

MINUTE = timedelta(minutes=1)


@pytest.fixture
def standard(world: Reviewing) -> Any:
    from reviews.actions.policies import create_policy

    return create_policy(world.as_["rte"])


# -- rotation


people = st.builds(
    Candidate,
    id=st.integers(0, 50),
    name=st.text("abc", max_size=3),
    turns=st.integers(0, 9),
    teams=st.frozensets(st.integers(0, 4), max_size=2),
)


@given(st.lists(people, max_size=8, unique_by=lambda c: c.id), st.frozensets(st.integers(0, 4)))
def test_the_turn_is_of_whoever_did_it_least_and_of_no_responsible_team(found: Any, responsible: Any) -> None:
    chosen = whose_turn(found, responsible)
    free = [c for c in found if not c.teams & responsible]
    assert (chosen is None) == (not free)
    if chosen is not None:
        assert chosen in free
        assert chosen.turns == min(c.turns for c in free)
        assert whose_turn(reversed(found), responsible) == chosen


def test_everybody_facilitates_equally_often_over_time() -> None:
    turns = dict.fromkeys(range(5), 0)
    for _ in range(50):
        chosen = whose_turn([Candidate(n, str(n), k) for n, k in turns.items()], ())
        assert chosen is not None
        turns[chosen.id] += 1
    assert set(turns.values()) == {10}


def test_hours_rotate_and_weekends_are_free() -> None:
    assert [rotating_hour([8, 14, 20], n) for n in range(4)] == [8, 14, 20, 8]
    friday = datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert next_slot(friday, 8) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_the_rotation_skips_the_responsible_team(world: Reviewing, refused: Any) -> None:
    from reviews.actions.meeting import rotate_facilitator
    from reviews.actions.reviews import create_review, edit_review
    from trains.actions.teams import create_team
    from trains.models import Service

    team = create_team(world.as_["rte"], train=world.train, code="LED", name="Ledger")
    service = Service.objects.get(pk=world.ledger.pk)
    service.team = team
    service.save()
    world.ledger = service
    review = world.review()
    rotate_facilitator(world.as_["rte"], review)
    review.refresh_from_db()
    first = review.facilitator
    assert first is not None
    other = create_review(world.as_["rte"], service=service, deployment=world.deploy("9"))
    rotate_facilitator(world.as_["rte"], other)
    other.refresh_from_db()
    assert other.facilitator != first
    from releasetrain.accounts.actions import create_grant, scope_for
    from releasetrain.accounts.catalogue import Role

    lead = world.as_.user("developer")
    create_grant(world.as_["owner"], email=lead.email, role=Role.TECHNICAL_LEAD, scope=scope_for(team))
    with refused("review.own_team"):
        edit_review(world.as_["rte"], review, facilitator=lead)


# -- the clock


def test_a_box_counts_only_while_its_clock_runs() -> None:
    boxes = laid_out(
        [{"title": "A", "phase": "facts", "minutes": 10}, {"title": "B", "phase": "causes", "minutes": 5}]
    )
    start = datetime(2026, 11, 21, 9, tzinfo=UTC)
    boxes = moved_on(boxes, None, start, 0)
    assert used(boxes[0], start, start + 3 * MINUTE) == 180
    assert runs_out(boxes[0], start) == start + 10 * MINUTE
    boxes = moved_on(boxes, start, start + 4 * MINUTE, 1)
    assert (boxes[0]["state"], boxes[0]["used"], boxes[1]["state"]) == ("done", 240, "current")
    assert used(boxes[0], start, start + HOUR) == 240


def test_boxes_about_causes_wait_for_the_facts(world: Reviewing, standard: Any, refused: Any) -> None:
    from reviews.actions.facts import accept_facts
    from reviews.actions.meeting import next_box, pause_clock, plan_meeting, start_clock

    rte, review = world.as_["rte"], world.review()
    plan_meeting(rte, review)
    review.refresh_from_db()
    assert review.meets_at.hour in standard.hours
    assert review.facilitator is not None
    start_clock(rte, review)
    world.later(3 * MINUTE)
    pause_clock(rte, review)
    review.refresh_from_db()
    assert review.agenda[0]["used"] == 180
    world.later(HOUR)
    start_clock(rte, review)
    for _ in range(2):
        next_box(rte, review)
    with refused("review.facts_first"):
        next_box(rte, review)
    accept_facts(rte, review)
    next_box(rte, review)
    review.refresh_from_db()
    assert review.agenda[3]["state"] == "current"
    assert review.agenda[3]["phase"] == "causes"


# -- rounds in writing


def test_a_round_hears_people_elsewhere_without_names(world: Reviewing, standard: Any, refused: Any) -> None:
    from reviews.actions.meeting import close_round, comment, open_round
    from reviews.actions.participants import invite
    from reviews.models import ReviewParticipant
    from reviews.models.participant import Part

    rte, review = world.as_["rte"], world.review()
    with refused("review.no_round"):
        comment(world.as_["developer"], review, text="I saw it first.")
    developer = world.as_.user("developer")
    invite(rte, review, user=developer, part=Part.DEVELOPMENT)
    open_round(rte, review, question="What did you see?", hours=24)
    comment(world.as_["developer"], review, text="The queue grew at nine.")
    with refused("review.names"):
        comment(world.as_["developer"], review, text=f"{world.as_.user('release_manager').name} did it.")
    assert ReviewParticipant.objects.get(review=review, user=developer).attended_at
    world.later(2 * DAY)
    with refused("review.no_round"):
        comment(world.as_["developer"], review, text="Too late.")
    close_round(rte, review, summary="The queue was seen before the alert.")
    review.refresh_from_db()
    assert len(review.rounds[0]["comments"]) == 1


# -- owners, quorum, acknowledgement


def _ready_to_close(world: Reviewing) -> Any:
    from reviews.actions.causes import agree_causes
    from reviews.actions.participants import answer

    review = world.with_facts()
    world.why(review)
    agree_causes(world.as_["rte"], review)
    answer(world.as_["developer"], review, section="handoff", text="Nothing.")
    review.refresh_from_db()
    return review


def _close(world: Reviewing, review: Any) -> None:
    from reviews.actions.reviews import close_review

    close_review(world.as_["rte"], review, decision="Go on.", rationale="The canary would have caught it.")
    review.refresh_from_db()


def test_owners_are_named_by_tier_and_a_quorum_is_needed(
    world: Reviewing, standard: Any, refused: Any
) -> None:
    from reviews.actions.participants import attend

    review = _ready_to_close(world)
    seats = list(review.participants.all())
    assert {"release", "operations", "product"} <= {s.part for s in seats}
    assert sum(s.accountable for s in seats) == 1
    with refused("review.quorum"):
        _close(world, review)
    for seat in seats:
        attend(world.as_["rte"], seat)
    _close(world, review)
    assert review.state == "closed"


def test_the_record_answers_what_the_standard_asks(world: Reviewing, standard: Any, refused: Any) -> None:
    from reviews.actions.participants import answer, attend

    review = _ready_to_close(world)
    answer(world.as_["developer"], review, section="handoff", text=" ")
    for seat in review.participants.all():
        attend(world.as_["rte"], seat)
    with refused("review.unanswered"):
        _close(world, review)
    with refused("review.rationale"):
        answer(world.as_["developer"], review, section="handoff", text="No runbook.")
        from reviews.actions.reviews import close_review

        close_review(world.as_["rte"], review, decision="Go on.", rationale=" ")


def test_product_acknowledges_before_the_next_phase(world: Reviewing, standard: Any, refused: Any) -> None:
    from planning.actions.endorsements import endorse_feature
    from planning.actions.features import create_feature
    from reviews.actions.participants import acknowledge, attend

    review = _ready_to_close(world)
    for seat in review.participants.all():
        attend(world.as_["rte"], seat)
    _close(world, review)
    feature = create_feature(world.as_["product_manager"], train=world.train, title="Instant refunds")
    with refused("review.unacknowledged"):
        endorse_feature(world.as_["business_owner"], feature, statement="Worth it.")
    seat = review.participants.get(part="product")
    role = next(r for r in ("product_manager", "business_owner") if world.as_.user(r) == seat.user)
    with refused("review_participant.other"):
        acknowledge(world.as_["rte"], seat, acknowledgement="Seen.")
    acknowledge(world.as_[role], seat, acknowledgement="Refunds wait for the new canary.")
    endorse_feature(world.as_["business_owner"], feature, statement="Worth it.")


def test_a_trains_additions_join_the_standard(world: Reviewing, standard: Any) -> None:
    from reviews.actions.policies import create_policy
    from reviews.queries.policies import policy_for

    create_policy(
        world.as_["rte"],
        train=world.train,
        sections=[{"key": "scheme", "title": "What the card scheme said", "required": True}],
        attendance={"3": {"product": "required"}},
    )
    found = policy_for(world.ledger).standard
    assert [s["key"] for s in found.sections][-1] == "scheme"
    assert found.parts(3)["product"] == "required"
    assert found.parts(1)["release"] == "required"


def test_people_are_told_and_reminded(world: Reviewing, standard: Any, monkeypatch: Any) -> None:
    from releasetrain.interface import notices
    from releasetrain.kernel.actor import Actor
    from reviews.sweeping import sweep

    told: list[tuple[str, str]] = []

    def delivery(key: str, name: str, notice: Any) -> int:
        told.extend((str(user), notice.title) for user in notice.to)
        return 1

    monkeypatch.setattr(notices, "_delivery", [delivery])
    review = world.with_facts()
    item = world.action(review)
    entry = SimpleNamespace(
        verb="review.add_action",
        subject_kind="review",
        subject_id=review.pk,
        actor_id=None,
        pk=1,
        at=world.now,
    )
    assert not notices.tell(entry)
    assert (str(item.owner_id), f"{item} is yours") in told
    world.later(11 * DAY)
    sweep(Actor.system(review.organization_id, "round"))
    assert any("was due" in title and user == str(item.owner_id) for user, title in told)
