"""Tiers by year: every answer names its year, traps of the tables are said, missing years have none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.rules.definitions import Metric
from metrics.rules.tiers import DAY, HALF_YEAR, HOUR, MONTH, WEEK, YEARS, tier

LEAD, FAIL = Metric.CHANGE_LEAD_TIME, Metric.CHANGE_FAIL_RATE
FREQUENCY, RECOVERY = Metric.DEPLOYMENT_FREQUENCY, Metric.RECOVERY_TIME


@pytest.mark.parametrize(
    ("metric", "value", "year", "expected"),
    [
        (LEAD, HOUR, 2021, "high"),
        (LEAD, HOUR - 1, 2021, "elite"),
        (LEAD, DAY, 2024, "high"),
        (LEAD, DAY - 1, 2024, "elite"),
        (LEAD, WEEK, 2023, "medium"),
        (LEAD, MONTH, 2023, "low"),
        (LEAD, 2 * WEEK, 2021, "medium"),
        (LEAD, 2 * HALF_YEAR, 2024, "low"),
        (LEAD, HOUR, 2022, "high"),
        (FREQUENCY, 1.0, 2024, "high"),
        (FREQUENCY, 1.01, 2024, "elite"),
        (FREQUENCY, 1 / 7, 2024, "high"),
        (FREQUENCY, 1 / 8, 2024, "medium"),
        (FREQUENCY, 0.0, 2024, "low"),
        (RECOVERY, HOUR - 1, 2024, "elite"),
        (RECOVERY, DAY - 1, 2024, "high"),
        (RECOVERY, DAY, 2024, "low"),
        (FAIL, 0.0, 2024, "elite"),
        (FAIL, 0.05, 2023, "elite"),
        (FAIL, 0.10, 2023, "high"),
        (FAIL, 0.15, 2023, "medium"),
        (FAIL, 0.151, 2023, "low"),
        (FAIL, 0.08, 2024, "high"),
        (FAIL, 0.21, 2024, "low"),
    ],
)
def test_the_best_tier_reached(metric, value, year, expected):
    answer = tier(metric, value, year)
    assert answer.tier == expected
    assert str(year) in answer.sentence
    assert "cut:" in answer.sentence


def test_the_traps_of_the_tables_are_said():
    assert "worse than the medium" in tier(FAIL, 0.08, 2024).sentence
    assert tier(FAIL, 0.2, 2021).published == ("high", "medium", "low")
    assert tier(FAIL, 0.1, 2019).published == ("elite", "high", "medium")
    gap = tier(LEAD, 2 * WEEK, 2021)
    assert gap.published == ()
    assert "no published range" in gap.sentence
    assert tier(LEAD, 2 * WEEK, 2023).published == ("medium", "low")
    assert "elite" not in YEARS[2022].table[LEAD]
    assert not tier(LEAD, 1.0, 2022).verified


@pytest.mark.parametrize("year", [2020, 2025, 1999])
def test_years_without_a_table_give_no_tier(year):
    answer = tier(LEAD, 5.0, year)
    assert answer.tier is None
    assert str(year) in answer.sentence


def test_no_value_or_no_table_for_the_metric_gives_no_tier():
    assert tier(LEAD, None, 2024).tier is None
    assert tier(Metric.REWORK_RATE, 0.1, 2024).tier is None
    with pytest.raises(ValueError, match="zero or more"):
        tier(LEAD, float("nan"), 2024)


@given(
    st.sampled_from([LEAD, FAIL, RECOVERY, FREQUENCY]),
    st.sampled_from(list(YEARS)),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
)
def test_a_better_value_never_has_a_worse_tier(metric, year, one, other):
    order = ["elite", "high", "medium", "low"]
    small, large = sorted((one, other))
    better, worse = (large, small) if metric is FREQUENCY else (small, large)
    assert order.index(tier(metric, better, year).tier) <= order.index(tier(metric, worse, year).tier)
