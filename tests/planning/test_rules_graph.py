"""Cycles are named; orders respect needs and priority."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.graph import CycleError, find_cycle, topological_order, would_cycle

NODES = range(8)
pairs = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


def reachable(needs, start):
    seen, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        for source, target in needs:
            if source == node and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def test_a_cycle_is_named():
    needs = [("A", "B"), ("B", "C"), ("C", "B"), ("D", "A")]
    assert find_cycle(needs) == ("B", "C", "B")
    with pytest.raises(CycleError, match="These need each other: B needs C needs B") as caught:
        topological_order("ABCD", needs)
    assert caught.value.cycle == ("B", "C", "B")
    assert find_cycle([("A", "A")]) == ("A", "A")


def test_a_new_pair_that_closes_a_cycle_is_named_before_it_is_made():
    needs = [("A", "B"), ("B", "C")]
    assert would_cycle(needs, ("C", "A")) == ("C", "A", "B", "C")
    assert would_cycle(needs, ("A", "C")) is None
    assert would_cycle([], ("A", "A")) == ("A", "A")


@given(pairs)
def test_either_a_real_cycle_or_an_order_that_respects_every_need(needs):
    cycle = find_cycle(needs)
    looped = any(node in reachable(needs, node) for node in NODES)
    assert (cycle is not None) == looped
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert set(pairwise(cycle)) <= set(needs)
        with pytest.raises(CycleError):
            topological_order(NODES, needs)
    else:
        order = topological_order(NODES, needs)
        assert sorted(order) == list(NODES)
        assert all(order.index(target) < order.index(source) for source, target in needs)


@given(pairs, st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_would_cycle_agrees_with_adding_the_pair(needs, new):
    found = would_cycle(needs, new)
    assert (found is not None) == (new[0] == new[1] or new[0] in reachable(needs, new[1]))
    if found:
        assert found[0] == found[-1]
        assert set(pairwise(found)) <= {*needs, new}


def test_priority_decides_among_those_that_are_free():
    wsjf = {"A": 1, "B": 9, "C": 5, "D": 7}
    order = topological_order("ABCD", [("B", "A")], priority=lambda node: -wsjf[node])
    assert order == ("D", "C", "A", "B")
    assert topological_order("CAB", []) == ("C", "A", "B")


def test_unknown_nodes_are_refused_and_long_chains_are_fine():
    with pytest.raises(ValueError, match="Not among the nodes: Z"):
        topological_order("A", [("A", "Z")])
    chain = [(n, n + 1) for n in range(20_000)]
    assert find_cycle(chain) is None
    assert find_cycle([*chain, (20_000, 0)])[0] == 0
    assert topological_order(range(20_001), chain)[0] == 20_000
