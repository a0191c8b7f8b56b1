"""Sequencing: whatever comes in, no dependency and no capacity is broken, and everything has its reason."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planning.rules.sequencing import Item, propose

TEAMS = ("A", "B", "C")


@st.composite
def backlogs(draw):
    """Items with scores and bounds, pairs that may form cycles, and capacities that may be nothing."""
    count = draw(st.integers(1, 24))
    slots = draw(st.integers(1, 5))
    items = [
        Item(
            id=n,
            label=f"F-{n}",
            team=draw(st.sampled_from(TEAMS)),
            size=draw(st.integers(0, 9)),
            cost=draw(st.integers(0, 60)),
            job=draw(st.sampled_from((1, 2, 3, 5, 8, 13, 20))),
            age=n,
            fixed=draw(st.sampled_from((None, None, None, None, 0, -1))),
            earliest=draw(st.sampled_from((0, 0, 0, 1))),
            latest=draw(st.sampled_from((None, None, None, 1))),
            obstacle=draw(st.sampled_from(("", "", "", "It has no estimate."))),
        )
        for n in range(count)
    ]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=40))
    acyclic = draw(st.booleans())
    needs = (
        [(max(p), min(p)) for p in pairs if p[0] != p[1]] if acyclic else [p for p in pairs if p[0] != p[1]]
    )
    capacity = {(t, n): draw(st.integers(0, 15)) for t in TEAMS for n in range(slots)}
    return items, needs, [f"It {n + 1}" for n in range(slots)], capacity


@settings(max_examples=150, deadline=None)
@given(backlogs())
def test_dependencies_and_capacities_hold_and_nothing_is_lost(given_):
    items, needs, slots, capacity = given_
    found = propose(items, needs, slots, capacity)
    fixed = {i.id: i.fixed for i in items if i.fixed is not None}
    at = fixed | {p.item.id: p.slot for p in found.placed}
    by_id = {i.id: i for i in items}
    for consumer, provider in needs:
        if consumer in at and consumer not in fixed:
            assert provider in at
            assert at[provider] < at[consumer]
    for team in TEAMS:
        for n in range(len(slots)):
            taken = sum(i.size for i in items if i.fixed == n and i.team == team)
            new = sum(p.item.size for p in found.placed if p.slot == n and p.item.team == team)
            assert not new or taken + new <= capacity[team, n]
    for placed in found.placed:
        assert placed.item.earliest <= placed.slot
        assert placed.item.latest is None or placed.slot <= placed.item.latest
        assert not placed.item.obstacle
    everything = sorted([p.item.id for p in found.placed + found.left_out] + list(fixed))
    assert everything == sorted(by_id)
    assert all(p.reason for p in found.placed + found.left_out)
    assert [p.turn for p in found.placed] == list(range(1, len(found.placed) + 1))


@settings(max_examples=100, deadline=None)
@given(backlogs())
def test_room_is_not_wasted(given_):
    """What stays out, could stand nowhere: no slot after its providers has room for it."""
    items, needs, slots, capacity = given_
    found = propose(items, needs, slots, capacity)
    at = {i.id: i.fixed for i in items if i.fixed is not None} | {p.item.id: p.slot for p in found.placed}
    cyclic = {name for cycle in found.cycles for name in cycle}
    for left in found.left_out:
        providers = [p for c, p in needs if c == left.item.id]
        if left.item.obstacle or left.item.label in cyclic or any(p not in at for p in providers):
            continue
        opens = max([at[p] + 1 for p in providers] + [left.item.earliest, 0])
        until = len(slots) if left.item.latest is None else min(len(slots), left.item.latest + 1)
        assert all(found.room[left.item.team, n] < left.item.size for n in range(opens, until))


@settings(max_examples=40, deadline=None)
@given(backlogs())
def test_the_same_backlog_gives_the_same_proposal(given_):
    items, needs, slots, capacity = given_
    first, second = propose(items, needs, slots, capacity), propose(list(items), list(needs), slots, capacity)
    assert [(p.item.id, p.slot, p.reason) for p in first.placed] == [
        (p.item.id, p.slot, p.reason) for p in second.placed
    ]


def test_a_cheap_provider_of_something_valuable_goes_before_a_better_score_of_its_own():
    items = [
        Item("api", "API", "A", 5, cost=2, job=2),
        Item("refunds", "Refunds", "B", 5, cost=40, job=2),
        Item("nice", "Nice", "A", 5, cost=10, job=2),
    ]
    found = propose(items, [("refunds", "api")], ["It 1", "It 2"], {("A", 0): 5, ("A", 1): 5, ("B", 1): 5})
    assert [(p.item.id, p.slot) for p in found.placed] == [("api", 0), ("nice", 1), ("refunds", 1)] or [
        (p.item.id, p.slot) for p in found.placed
    ] == [("api", 0), ("refunds", 1), ("nice", 1)]
    api = next(p for p in found.placed if p.item.id == "api")
    assert api.reason == "WSJF 1.0; opens Refunds, together 10.5; waits for nothing."
    refunds = next(p for p in found.placed if p.item.id == "refunds")
    assert refunds.reason == "WSJF 20.0; after API in It 1."
    nice = next(p for p in found.placed if p.item.id == "nice")
    assert nice.reason == "WSJF 5.0; waits for nothing; no room for 5 points in It 1 after API."


def test_a_cycle_is_named_and_only_what_hangs_on_it_stays_out():
    items = [Item(n, n.upper(), "A", 1, cost=5, job=1) for n in "abcd"]
    found = propose(items, [("a", "b"), ("b", "a"), ("c", "a")], ["It 1", "It 2"], {("A", 0): 9, ("A", 1): 9})
    assert found.cycles == [("A", "B", "A")] or found.cycles == [("B", "A", "B")]
    assert [p.item.id for p in found.placed] == ["d"]
    why = {p.item.id: p.reason for p in found.left_out}
    assert why["a"].startswith("These need each other: ")
    assert why["c"] == "It waits for A, which is not placed."


def test_too_big_too_late_and_no_capacity_have_their_own_words():
    items = [
        Item("big", "Big", "A", 30, cost=9, job=1),
        Item("none", "None", "Z", 3, cost=9, job=1),
        Item("first", "First", "A", 8, cost=9, job=1),
        Item("soon", "Soon", "A", 5, cost=1, job=1, latest=0),
    ]
    found = propose(items, [], ["It 1", "It 2"], {("A", 0): 10, ("A", 1): 4})
    why = {p.item.id: p.reason for p in found.left_out}
    assert why["big"] == "Its 30 points are more than the team can take in any iteration (10). Split it."
    assert why["none"] == "Its team has no capacity in these iterations."
    assert why["soon"].startswith("It is needed after It 1, and its team has no room")
