"""Cycles are named."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from planning.rules.graph import cycle_sentence, find_cycle, would_cycle

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
    assert cycle_sentence(("B", "C", "B")) == "These need each other: B needs C needs B."
    assert find_cycle([("A", "A")]) == ("A", "A")


def test_a_new_pair_that_closes_a_cycle_is_named_before_it_is_made():
    needs = [("A", "B"), ("B", "C")]
    assert would_cycle(needs, ("C", "A")) == ("C", "A", "B", "C")
    assert would_cycle(needs, ("A", "C")) is None
    assert would_cycle([], ("A", "A")) == ("A", "A")


@given(pairs)
def test_what_is_found_is_a_real_cycle(needs):
    cycle = find_cycle(needs)
    looped = any(node in reachable(needs, node) for node in NODES)
    assert (cycle is not None) == looped
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert set(pairwise(cycle)) <= set(needs)


@given(pairs, st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_would_cycle_agrees_with_adding_the_pair(needs, new):
    found = would_cycle(needs, new)
    assert (found is not None) == (new[0] == new[1] or new[0] in reachable(needs, new[1]))
    if found:
        assert found[0] == found[-1]
        assert set(pairwise(found)) <= {*needs, new}


def test_long_chains_are_fine():
    chain = [(n, n + 1) for n in range(20_000)]
    assert find_cycle(chain) is None
    assert find_cycle([*chain, (20_000, 0)])[0] == 0
