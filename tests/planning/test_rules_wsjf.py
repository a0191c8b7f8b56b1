"""WSJF: exact scores, stable ranking with stated ties, spread of scorers, rank flips."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.wsjf import SCALE, Job, Scores, off_scale, rank, sensitivity, spread, unanchored, wsjf

score = st.sampled_from(SCALE)


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


jobs = st.lists(
    st.builds(Job, st.uuids().map(str), score, score, score, score, st.integers(1, 28).map(day)),
    max_size=12,
    unique_by=lambda job: job.id,
)


def job(name: str, value: int, time: int, risk: int, size: int, created: int = 1) -> Job:
    return Job(name, value, time, risk, size, day(created))


def test_scores_are_exact():
    assert wsjf(8, 5, 3, 3) == Fraction(16, 3)
    assert wsjf(1, 1, 1, 3) == 1
    for size in (0, -1):
        with pytest.raises(ValueError, match="larger than zero"):
            wsjf(1, 1, 1, size)
    with pytest.raises(ValueError, match="zero or more"):
        wsjf(-1, 1, 1, 1)


def test_ties_are_broken_by_time_criticality_then_age_and_the_reason_says_so():
    rows = [
        job("young", 8, 5, 3, 8, created=9),
        job("old", 5, 5, 6, 8, created=2),
        job("urgent", 1, 13, 2, 8, created=20),
        job("double", 8, 5, 3, 3),
    ]
    found = rank(rows)
    assert [each.job.id for each in found] == ["double", "urgent", "old", "young"]
    assert found[0].reason == "(8 + 5 + 3) ÷ 3 = 5.33"
    assert found[2].reason.endswith("tied with urgent, behind it by time criticality")
    assert found[3].reason.endswith("tied with old, behind it by age")


@given(jobs, st.randoms())
def test_the_ranking_does_not_depend_on_the_order_given(rows, random):
    expected = [each.job.id for each in rank(rows)]
    random.shuffle(rows)
    found = rank(rows)
    assert [each.job.id for each in found] == expected
    assert [each.rank for each in found] == list(range(1, len(rows) + 1))
    values = [each.job.wsjf for each in found]
    assert values == sorted(values, reverse=True)


@given(jobs)
def test_sensitivity_is_what_ranking_again_shows(rows):
    place = {each.job.id: each.rank for each in rank(rows)}
    flips = {flip.job: flip for flip in sensitivity(rows)}
    for each in rows:
        larger = next((step for step in SCALE if step > each.size), None)
        if larger is None:
            assert each.id not in flips
            continue
        again = rank([replace(other, size=larger) if other.id == each.id else other for other in rows])
        new = next(found.rank for found in again if found.job.id == each.id)
        assert new >= place[each.id], "a larger job never rises"
        if new == place[each.id]:
            assert each.id not in flips
        else:
            assert (flips[each.id].new_rank, flips[each.id].larger) == (new, larger)


def test_a_flip_is_told_in_a_sentence():
    (flip,) = sensitivity([job("A", 5, 3, 2, 2), job("B", 8, 3, 1, 3)])
    assert flip.sentence == "If A is 3 instead of 2, it falls from rank 1 to 2, behind B."


def test_spread_names_who_holds_the_ends():
    found = {
        each.column: each
        for each in spread([Scores("Ann", 1, 5, 3, 8), Scores("Bob", 8, 5, 5, 8), Scores("Cem", 3, 5, 3, 8)])
    }
    assert (found["value"].low, found["value"].high, found["value"].steps) == (1, 8, 4)
    expected = "User-business value: 1 (Ann) to 8 (Bob), 4 steps apart. Talk about it before agreeing."
    assert found["value"].sentence == expected
    assert found["time_criticality"].sentence == "Time criticality: all say 5."
    assert found["risk_reduction"].steps == 1
    assert found["value"].middle == 3
    assert spread([]) == ()


@given(st.lists(st.builds(Scores, st.text(max_size=3), score, score, score, score), min_size=1, max_size=9))
def test_the_middle_is_a_value_somebody_gave(scores):
    for each in spread(scores):
        given_values = [getattr(one, each.column) for one in scores]
        assert each.middle in given_values
        assert each.low <= each.middle <= each.high
        assert 0 <= each.steps < len(SCALE)
        assert (each.steps == 0) == (len(set(given_values)) == 1)


def test_scores_off_the_scale_and_columns_without_a_one_are_said():
    assert off_scale({"value": 4, "size": 20}) == (
        "User-business value is 4; the scale is 1, 2, 3, 5, 8, 13, 20.",
    )
    assert unanchored([job("A", 2, 1, 1, 1), job("B", 3, 2, 2, 2)]) == (
        "User-business value: the smallest job should be 1; it is 2.",
    )
    assert unanchored([]) == ()
