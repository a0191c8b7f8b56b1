"""Rules of endorsement, allocation, demand, trade-offs and the difference of pictures."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules import allocation, demand_rows, endorsement, picture, quarters, trade_off

maybe_tier = st.none() | st.integers(1, 4)
impacts = st.builds(
    endorsement.Impact,
    st.sampled_from(["feature", "enabler", "compliance"]),
    maybe_tier,
    st.none() | st.integers(1, 20),
    st.none() | st.integers(0, 40),
)


@given(impacts, st.integers(2, 4))
def test_a_stricter_tier_never_catches_more(impact, tier):
    strict, loose = endorsement.Condition("a", tier=tier - 1), endorsement.Condition("b", tier=tier)
    assert not endorsement.matches(strict, impact) or endorsement.matches(loose, impact)


@given(impacts, maybe_tier, st.none() | st.integers(1, 20))
def test_another_condition_never_catches_more(impact, tier, value):
    wide = endorsement.Condition("a", tier=tier, value=value)
    narrow = endorsement.Condition("b", tier=tier, value=value, points=8, kinds=("feature",))
    assert not endorsement.matches(narrow, impact) or endorsement.matches(wide, impact)


def test_a_rule_says_what_it_asks_for():
    rule = endorsement.Condition("r", tier=2, value=13, points=8, kinds=("compliance", "problem_fix"))
    assert rule.sentence == (
        "risk tier 2 or higher and user-business value from 13 and 8 points or more"
        " and kind compliance or problem fix"
    )


points = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 50))


@given(points, points)
def test_shares_add_up_to_all_of_it(planned, actual):
    found = allocation.shares(list("ABC"), {"A": 60}, planned, actual)
    for name, whole in (("planned", planned), ("actual", actual)):
        percents = [getattr(s, f"{name}_percent") for s in found]
        if sum(whole.values()):
            assert sum(percents) == pytest.approx(100)
        else:
            assert percents == [None, None, None]


def test_a_share_off_its_target_says_by_how_much():
    found = allocation.shares(["A", "B"], {"A": 50, "B": 50}, {"A": 80, "B": 20}, {})
    assert found[0].sentence == "A: planned 80 %, 30 points more than the target of 50 %."
    assert (found[0].tone, found[1].deviation) == ("warn", -30)


def test_demand_is_read_with_the_names_of_portfolio_tools_or_with_a_mapping():
    found = demand_rows.read_csv(b"Epic ID;Name;Size;Target date;Colour\nE-1;Refunds;13;2027-01-15;red\n")
    assert not found.errors
    row = found.rows[0]
    assert (row.external_id, row.title, row.points, str(row.wanted_by)) == (
        "E-1",
        "Refunds",
        13,
        "2027-01-15",
    )
    assert found.unused == ["Colour"]
    mapped = demand_rows.read_rows([{"nr": 7, "what": "Wallet"}], {"external_id": "nr", "title": "what"})
    assert (mapped.rows[0].external_id, mapped.rows[0].title) == ("7", "Wallet")


@pytest.mark.parametrize(
    ("rows", "mapping", "word"),
    [
        ([], None, "1 to 5000 rows"),
        ([3], None, "must be an object"),
        ([{"x": 1}], None, "mapped to external_id"),
        ([{"id": "1", "title": "A"}, {"id": "1", "title": "B"}], None, "stands in row 1"),
        ([{"id": "1", "title": "A", "points": "many"}], None, "not a whole number"),
        ([{"id": "1", "title": "A", "due date": "soon"}], None, "not a date"),
        ([{"id": "1", "title": " "}], None, "empty"),
        ([{"id": "1", "title": "A", "url": "javascript:x"}], None, "begins with https"),
        ([{"id": "1", "title": ["A"]}], None, "a text or a number"),
        ([{"id": "1", "title": "A"}], {"colour": "id"}, "no such field"),
        ([{"id": "1", "title": "A"}], {"title": "Name"}, "Nothing has this name"),
    ],
)
def test_rows_that_cannot_be_taken_in_are_named(rows, mapping, word):
    errors = demand_rows.read_rows(rows, mapping).errors
    assert word in " ".join(map(str, errors))


@given(st.binary(max_size=60))
def test_no_file_breaks_the_reader(content):
    found = demand_rows.read_csv(content)
    assert found.errors or found.rows


OPTIONS = [
    {"name": "Now", "stability": 2, "velocity": 5, "scores": {"Cost": 2}},
    {"name": "Later", "stability": 5, "velocity": 1, "scores": {"Cost": 4}},
]


@pytest.mark.parametrize(
    ("change", "criteria", "word"),
    [
        ({"stability": 6}, ["Cost"], "give stability 1"),
        ({"scores": {}}, ["Cost"], "give Cost 1"),
        ({"scores": {"Joy": 1, "Cost": 1}}, ["Cost"], "Joy is no criterion"),
        ({"name": "Later"}, ["Cost"], "stands there twice"),
        ({"mood": 1}, ["Cost"], "no property mood"),
        ({}, ["Cost", "cost"], "stands there already"),
        ({}, ["Cost", "Velocity"], "stands there already"),
    ],
)
def test_options_that_cannot_be_weighed_are_named(change, criteria, word):
    with pytest.raises(trade_off.BadOptions, match=word):
        trade_off.read([OPTIONS[0] | change, OPTIONS[1]], criteria)


def test_one_option_is_no_trade_off():
    with pytest.raises(trade_off.BadOptions, match="2 to 8"):
        trade_off.read(OPTIONS[:1], ["Cost"])


facts = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.fixed_dictionaries({"rank": st.integers(1, 3)}))


@given(facts, facts)
def test_a_difference_is_empty_exactly_for_equal_pictures_and_survives_json(before, after):
    found = picture.difference({"features": before}, json.loads(json.dumps({"features": after})))
    assert bool(found) == (before != after)
    assert {d.key for d in found if d.kind == "added"} == after.keys() - before.keys()
    assert {d.key for d in found if d.kind == "removed"} == before.keys() - after.keys()


def test_quarters():
    from datetime import date

    assert quarters.quarter_of(date(2026, 12, 31)) == "2026-Q4"
    assert quarters.quarter_of(date(2026, 1, 1)) == "2026-Q1"
    assert quarters.is_quarter("2026-Q4")
    assert not any(map(quarters.is_quarter, ("2026-Q5", "Q4 2026", "2026-Q4 ", "")))
