"""Scoring models: weighted scores, their relation to WSJF, rankings and how they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules import wsjf
from planning.rules.scoring_model import BadCriteria, Entry, compare, explain, rank, read, score

step = st.sampled_from(wsjf.SCALE)
weight = st.integers(1, 100)
WSJF_PARTS = [
    {"title": "Value", "weight": 1},
    {"title": "Time", "weight": 1},
    {"title": "Risk", "weight": 1},
    {"title": "Size", "weight": 1, "direction": "cost"},
]
START = datetime(2026, 1, 1, tzinfo=UTC)


@given(step, step, step, step)
def test_with_equal_weights_and_its_four_parts_a_ratio_is_wsjf(value, time, risk, size):
    criteria = read(WSJF_PARTS, "ratio")
    found = score(criteria, "ratio", {"value": value, "time": time, "risk": risk, "size": size})
    assert found == wsjf.wsjf(value, time, risk, size)


@given(st.lists(st.tuples(weight, step, st.booleans()), min_size=1, max_size=6), st.integers(2, 9))
def test_a_weighted_average_stays_on_the_scale_and_knows_no_unit_of_weight(rows, factor):
    def build(by):
        return read(
            [
                {"title": f"C{n}", "weight": w / 10 * by, "direction": "cost" if cost else "benefit"}
                for n, (w, _, cost) in enumerate(rows)
            ],
            "sum",
        )

    values = {f"c{n}": v for n, (_, v, _) in enumerate(rows)}
    found = score(build(1), "sum", values)
    assert 1 <= found <= 20
    assert found == score(build(factor), "sum", values)


@given(st.lists(st.tuples(weight, step), min_size=2, max_size=5), st.data())
def test_a_better_value_never_lowers_a_score(rows, data):
    criteria = read([{"title": f"C{n}", "weight": w} for n, (w, _) in enumerate(rows)], "sum")
    values = {f"c{n}": v for n, (_, v) in enumerate(rows)}
    better = dict(values)
    chosen = data.draw(st.sampled_from(sorted(values)))
    better[chosen] = data.draw(st.sampled_from([s for s in wsjf.SCALE if s >= values[chosen]]))
    assert score(criteria, "sum", better) >= score(criteria, "sum", values)


def test_a_missing_value_is_no_score_and_is_named_but_a_weightless_one_does_not_matter():
    criteria = read([{"title": "Value", "weight": 1}, {"title": "Rules", "weight": 2}], "sum")
    assert score(criteria, "sum", {"value": 8}) is None
    assert explain(criteria, "sum", {"value": 8}) == "no score without Rules"
    idle = read([{"title": "Value", "weight": 1}, {"title": "Rules", "weight": 0}], "sum")
    assert score(idle, "sum", {"value": 8}) == 8


@pytest.mark.parametrize(
    ("criteria", "method", "word"),
    [
        ([], "sum", "1 to 12"),
        ([{"title": "A", "weight": 0}], "sum", "larger than zero"),
        ([{"title": "A", "weight": -1}], "sum", "0 to 100"),
        ([{"title": "A", "weight": float("nan")}], "sum", "0 to 100"),
        ([{"title": "A", "weight": True}], "sum", "0 to 100"),
        ([{"title": "A", "weight": 1}, {"title": "a", "weight": 1}], "sum", "twice"),
        ([{"title": "A", "weight": 1}], "ratio", "one cost"),
        ([{"title": " ", "weight": 1}], "sum", "needs a title"),
        ([{"title": "A", "weight": 1, "direction": "up"}], "sum", "benefit or cost"),
        ([{"title": "A", "weight": 1, "source": "moon"}], "sum", "source is one of"),
        ([{"title": "A", "weight": 1, "color": "red"}], "sum", "no property color"),
        (["A"], "sum", "must be an object"),
        ([{"title": "A", "weight": 1}], "product", "no method"),
    ],
)
def test_criteria_that_cannot_be_scored_with_are_named(criteria, method, word):
    with pytest.raises(BadCriteria, match=word):
        read(criteria, method)


def entry(name, number, time=1, age=0):
    return Entry(name, Fraction(number), time, START + timedelta(days=age))


def test_ties_go_by_time_criticality_then_age():
    listed = [entry("A", 5, 1, 1), entry("B", 5, 8, 2), entry("C", 5, 1, 0), entry("D", 9)]
    assert [e.id for e in rank(listed)] == ["D", "B", "C", "A"]


def test_a_comparison_has_every_feature_once_with_its_old_and_new_rank():
    before = [entry("A", 9), entry("B", 5), entry("C", 3)]
    after = [entry("C", 9), entry("A", 5), entry("D", 2)]
    found = {m.id: (m.before, m.after, m.by) for m in compare(before, after)}
    assert found == {"C": (3, 1, 2), "A": (1, 2, -1), "D": (None, 3, 0), "B": (2, None, 0)}


@given(st.dictionaries(st.text("ABCDEF", min_size=1, max_size=2), step, min_size=1))
def test_rescaling_a_column_makes_its_smallest_1_and_reverses_no_order(column):
    found = wsjf.rescaled(column)
    assert min(found.values()) == 1
    assert all(number in wsjf.SCALE for number in found.values())
    assert all(found[a] <= found[b] for a in column for b in column if column[a] <= column[b])
    assert wsjf.rescaled(found) == found
