"""Predictability: uncommitted objectives in the numerator only, both ways of summing named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.predictability import Objective, predictability, train_predictability

objectives = st.lists(
    st.builds(Objective, st.sampled_from("ABC"), st.integers(0, 10), st.integers(0, 10), st.booleans()),
    max_size=12,
)


def test_uncommitted_objectives_count_in_the_numerator_only():
    rows = [Objective("A", 8, 8), Objective("A", 2, 0), Objective("A", 5, 4, committed=False)]
    found = predictability("A", rows)
    assert (found.planned, found.actual, found.percent) == (10, 12, 120.0)
    assert "too little commitment" in found.sentence


def test_the_train_is_the_sum_and_the_average_of_teams_stands_beside_it():
    rows = [Objective("A", 10, 10), Objective("B", 10, 5), Objective("B", 10, 5), Objective("C", 9, 9, False)]
    found = train_predictability(rows)
    assert found.total.percent == pytest.approx(2900 / 30)
    assert [team.percent for team in found.teams] == [100.0, 50.0, None]
    assert found.average_of_teams == 75.0


@pytest.mark.parametrize(
    ("actual", "words"), [(79, "below"), (80, "within"), (100, "within"), (101, "above 100 %")]
)
def test_the_healthy_band_includes_its_ends(actual, words):
    rows = [Objective("A", 10, min(10, max(0, actual - 10 * n))) for n in range(10)]
    rows.append(Objective("A", 5, max(0, actual - 100), committed=False))
    found = predictability("A", rows)
    assert found.percent == actual
    assert words in found.sentence


@given(objectives)
def test_sums_agree_and_more_actual_value_never_lowers_it(rows):
    found = train_predictability(rows)
    assert found.total.actual == sum(team.actual for team in found.teams)
    assert found.total.planned == sum(team.planned for team in found.teams)
    assert (found.total.percent is None) == (found.total.planned == 0)
    more = train_predictability([*rows, Objective("A", 5, 3, committed=False)])
    assert found.total.percent is None or more.total.percent >= found.total.percent


def test_values_outside_the_scale_are_refused():
    with pytest.raises(ValueError, match="0 to 10"):
        Objective("A", 11, 0)
