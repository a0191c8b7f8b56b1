"""Capacity from people and days, buffers from risk exposure."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.capacity import (
    STANDARD_RULE,
    BufferRule,
    Exposure,
    Person,
    buffer,
    combined_exposure,
    team_capacity,
)

START, END = date(2024, 1, 8), date(2024, 1, 22)
exposures = st.lists(st.builds(Exposure, st.just("r"), st.integers(1, 5), st.integers(1, 5)), max_size=8)


def test_people_times_days_times_load_factor():
    people = [
        Person("Ann"),
        Person("Bob", 0.5),
        Person("Cem", 1.0, (date(2024, 1, 9), date(2024, 1, 13), date(2024, 2, 1), date(2024, 1, 9))),
    ]
    found = team_capacity(people, START, END, load_factor=0.8, holidays=[date(2024, 1, 15)])
    assert found.working_days == 9
    assert found.present_days == 9 + 4.5 + 8
    assert found.days == pytest.approx(17.2)
    assert found.sentence == "3 people, 9 working days, 21.5 person-days present × 0.8 = 17.2."


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1), st.floats(0, 1))
def test_capacity_grows_with_people_and_with_the_load_factor(shares, more, factor):
    people = [Person(str(n), share) for n, share in enumerate(shares)]
    low = team_capacity(people, START, END, load_factor=factor * 0.5).days
    assert low <= team_capacity(people, START, END, load_factor=factor).days
    assert low <= team_capacity([*people, Person("x", more)], START, END, load_factor=factor * 0.5).days
    assert 0 <= low <= 10 * len(people)


@given(exposures, st.integers(1, 5), st.integers(1, 5))
def test_one_more_risk_never_lowers_exposure_or_buffer(found, likelihood, impact):
    more = [*found, Exposure("new", likelihood, impact)]
    assert 0 <= combined_exposure(found) <= combined_exposure(more) <= 1
    assert buffer(100, found).days <= buffer(100, more).days


def test_the_rule_is_visible_and_an_override_needs_a_reason():
    found = buffer(40, [Exposure("integration", 3, 4)])
    assert (found.share, found.days) == (0.20, 8.0)
    assert found.sentence == "Exposure 0.48, so 20% by rule version 1, 8.0 days."
    assert buffer(40, []).share == 0.10
    assert buffer(40, [Exposure("sure", 5, 5)]).share == STANDARD_RULE.steps[-1][1]
    changed = buffer(40, [], override=0.5, reason="new supplier")
    assert (changed.days, changed.overridden) == (20.0, True)
    assert "set to 50%: new supplier" in changed.sentence
    with pytest.raises(ValueError, match="needs a reason"):
        buffer(40, [], override=0.0, reason=" ")


@pytest.mark.parametrize(
    "call",
    [
        lambda: BufferRule(1, ()),
        lambda: BufferRule(1, ((0.1, 0.1),)),
        lambda: BufferRule(1, ((0.0, 0.2), (0.5, 0.1))),
        lambda: BufferRule(1, ((0.0, 1.0),)),
        lambda: Exposure("x", 0, 3),
        lambda: team_capacity([], END, START),
        lambda: team_capacity([], START, END, load_factor=1.1),
        lambda: team_capacity([Person("x", 2)], START, END),
        lambda: buffer(1, [], override=1.0, reason="x"),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match=r"."):
        call()
