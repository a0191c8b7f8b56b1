"""Bottlenecks that come back: counted by provider, service and cause across Program Increments."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from planning.rules.bottlenecks import Trouble, bottlenecks, proposals

words = st.sampled_from(("A", "B"))
troubles = st.lists(
    st.builds(
        Trouble,
        st.integers(),
        st.sampled_from(("26.1", "26.2", "26.3")),
        words,
        words,
        st.sampled_from(("", "ledger", "cards")),
        st.sampled_from(
            ("capacity", "ownership", "interface", "late", "environment", "third_party", "unknown")
        ),
        st.integers(0, 30),
    ),
    max_size=20,
)


@given(troubles)
def test_every_trouble_is_counted_once_in_each_view_and_proposals_recur(listed):
    found = bottlenecks(listed)
    for by in ("provider", "cause"):
        assert sum(len(b.troubles) for b in found if b.by == by) == len(listed)
    assert sum(len(b.troubles) for b in found if b.by == "service") == sum(bool(t.service) for t in listed)
    flags = [b.recurring for b in found]
    assert flags == sorted(flags, reverse=True)
    by_id = {id(t): t for t in listed}
    assert len(by_id) <= len(listed) or not listed
    for each in proposals(listed):
        assert each.sentence.endswith(".")
        assert each.kind in ("ownership", "interface", "planning")
        assert len(each.dependencies) >= 2


def test_the_proposal_follows_the_cause_and_who_waits():
    twice = [Trouble(n, f"26.{n}", "Ledger", "Cards", "posting-api", "capacity", 5) for n in (1, 2)]
    proposal = proposals(twice)[0]
    assert proposal.kind == "ownership"
    assert "Let Cards own or co-own posting-api" in proposal.sentence
    assert proposal.because == "2 times in 26.1, 26.2, 10 days late in all."
    assert proposals([Trouble(1, "26.1", "Ledger", "Cards", "posting-api", "interface")]) == []
    unclear = [Trouble(n, f"26.{n}", "Ledger", "Cards", "posting-api", "interface") for n in (1, 2)]
    assert "versioned contract with tests between Ledger and Cards" in proposals(unclear)[0].sentence


def late(world: Any, title: str, pi: Any, numbers: tuple[int, int]) -> Any:
    from planning.actions.placement import place_feature

    provider, consumer = world.feature(f"{title} API"), world.feature(title)
    iterations = list(pi.iterations.order_by("number"))
    place_feature(world.cast["rte"], provider, team=world.ledger, iteration=iterations[numbers[0] - 1])
    place_feature(world.cast["rte"], consumer, team=world.acquiring, iteration=iterations[numbers[1] - 1])
    return world.needs(consumer, provider)


def test_what_recurs_across_increments_becomes_a_proposal(world, web, api):
    from trains.actions.increments import create_increment
    from trains.actions.services import create_service

    rte = world.cast["rte"]
    service = create_service(world.cast["owner"], name="posting-api", train=world.train, team=world.ledger)
    following = create_increment(rte, train=world.train, name="27.1", starts=world.pi.ends)
    first, second = late(world, "Refunds", world.pi, (2, 1)), late(world, "Payouts", following, (3, 3))
    fine = late(world, "Fine", world.pi, (1, 3))
    from planning.actions.troubles import record_trouble
    from planning.queries.bottlenecks import bottlenecks as counted

    before = counted(world.train)
    assert {r.dependency.pk for r in before.rows} == {first.pk, second.pk}
    assert before.unexplained == 2
    assert before.proposals == []
    assert fine.pk not in {r.dependency.pk for r in before.rows}
    for dependency in (first, second):
        record_trouble(rte, dependency=dependency, cause="interface", service=service)
    told = api("rte").get("/api/v1/orgs/northwind/bottlenecks", {"train": "PAY"}).json()
    named = {(b["by"], b["name"]): b for b in told["bottlenecks"]}
    assert named["provider", "Ledger Core"]["recurring"]
    assert named["service", "posting-api"]["program_increments"] == ["PAY 26.4", "PAY 27.1"]
    assert named["cause", "interface"]["days_late"] == 28 + 14
    assert told["proposals"][0]["kind"] == "interface"
    assert len(told["proposals"][0]["dependencies"]) == 2
    html = web("rte").get("/o/northwind/bottlenecks/", {"train": "PAY"}).content.decode()
    assert "versioned contract with tests" in html
    assert web("rte").get("/o/northwind/bottlenecks/", {"train": "NONE"}).status_code == 422


def test_trouble_is_recorded_once_through_the_api_and_needs_a_plan(world, api):
    from planning.models import DependencyTrouble

    dependency = late(world, "Refunds", world.pi, (2, 1))
    rest, address = api("rte"), "/api/v1/orgs/northwind/dependency-troubles/record"
    assert rest.post(address, {"dependency": str(dependency.pk), "cause": "capacity"}).status_code == 201
    assert rest.post(
        address, {"dependency": str(dependency.pk), "cause": "late", "late_by": 3}
    ).status_code in (200, 201)
    assert (DependencyTrouble.objects.get().cause, DependencyTrouble.objects.get().days_late) == ("late", 3)
    unplanned = world.needs(world.feature("One"), world.feature("Two"))
    refused = rest.post(address, {"dependency": str(unplanned.pk), "cause": "late"})
    assert refused.status_code == 422
    assert rest.post(address, {"dependency": str(dependency.pk), "cause": "weather"}).status_code == 422
