"""The forecast is reproducible, ordered and right where arithmetic knows the answer; stays and efforts likewise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.rules.aging import Entry, limits, spells
from planning.rules.effort import Effort, experience
from planning.rules.forecast import MOST_WEEKS, NoHistoryError, Week, forecast

START = date(2026, 11, 23)


def weeks(*done: int) -> list[Week]:
    return [Week(START - timedelta(weeks=len(done) - n), value) for n, value in enumerate(done)]


def test_without_variation_the_answer_is_arithmetic():
    found = forecast(weeks(2, 2, 2, 2), 9, START, until=START + timedelta(weeks=3))
    assert [(d.percent, d.weeks, d.on) for d in found.dates] == [
        (p, 5, START + timedelta(weeks=5)) for p in (50, 85, 95)
    ]
    assert [(r.percent, r.done) for r in found.reach] == [(50, 6), (85, 6), (95, 6)]
    assert found.share_by_then == 0
    assert forecast(weeks(2, 2, 2, 2), 6, START, until=START + timedelta(weeks=3)).share_by_then == 1


def test_a_fair_coin_gives_the_known_distribution():
    # One item, done in half of the weeks: geometric, P(≤1) = 0.5, P(≤3) = 0.875, P(≤5) = 0.969.
    found = forecast(weeks(0, 1, 0, 1), 1, START, seed=7, runs=40_000)
    assert [d.weeks for d in found.dates] == [2, 3, 5] or [d.weeks for d in found.dates] == [1, 3, 5]
    shares = {w: n / 40_000 for w, n in found.spread}
    assert shares[1] == pytest.approx(0.5, abs=0.02)
    assert shares[2] == pytest.approx(0.25, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=4, max_size=30).filter(any),
    st.integers(0, 80),
    st.integers(0, 2**32 - 1),
    st.integers(-1, 40),
)
def test_likelier_is_never_earlier_and_the_seed_decides(done, remaining, seed, ahead):
    until = START + timedelta(weeks=ahead)
    found = forecast(weeks(*done), remaining, START, seed=seed, until=until, runs=500)
    again = forecast(weeks(*done), remaining, START, seed=seed, until=until, runs=500)
    assert found == again
    taken = [d.weeks if d.weeks is not None else MOST_WEEKS + 1 for d in found.dates]
    assert taken == sorted(taken)
    least = -(-remaining // max(done))
    assert all(t >= least for t in taken)
    reached = [r.done for r in found.reach]
    assert reached == sorted(reached, reverse=True)
    assert all(0 <= r <= remaining for r in reached)
    assert 0 <= found.share_by_then <= 1


def test_other_seeds_agree_roughly():
    dates = {s: forecast(weeks(1, 3, 0, 2, 4, 1), 40, START, seed=s).dates[1].weeks for s in range(5)}
    assert max(dates.values()) - min(dates.values()) <= 1


def test_too_little_history_is_said():
    with pytest.raises(NoHistoryError, match="needs 4 finished weeks; there are 3"):
        forecast(weeks(1, 1, 1), 5, START)
    with pytest.raises(NoHistoryError, match="Nothing was finished"):
        forecast(weeks(0, 0, 0, 0), 5, START)


def test_what_would_take_longer_than_ten_years_has_no_date():
    found = forecast(weeks(0, 0, 0, 1), 10_000, START, runs=50)
    assert [d.on for d in found.dates] == [None, None, None]


def at(day: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def test_stays_are_what_lies_between_entries():
    found = spells([Entry("A", "funnel", at(0)), Entry("A", "funnel", at(3)), Entry("A", "ready", at(5))])
    assert [(s.state, s.days(at(9))) for s in found] == [("funnel", 5), ("ready", 4)]


def test_limits_follow_history_once_there_is_enough():
    few = limits(spells([Entry("A", "funnel", at(0)), Entry("A", "ready", at(5))]))
    assert (few["funnel"].days, few["funnel"].stays) == (90, 1)
    entries = [e for n in range(20) for e in (Entry(n, "funnel", at(0)), Entry(n, "ready", at(n + 1)))]
    many = limits(spells(entries))
    assert (many["funnel"].days, many["funnel"].median) == (17, 10)
    assert many["funnel"].sentence == "85 % of 20 features left within 17 days, a week at the least"


def test_experience_refines_estimates_only_when_there_is_enough_of_it():
    assert experience([Effort(8, 16)] * 4).refined(5) == 5
    taught = experience([Effort(8, 12)] * 5)
    assert (taught.ratio, taught.refined(5), taught.refined(0)) == (1.5, 8, 1)
    assert taught.sentence == "60 hours taken for 40 planned over 5 items: × 1.50."
    assert experience([Effort(0, 5)] * 9).count == 0
