"""Rules of tiers, sizes, Definition of Done, exposure and test strategies, by themselves."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules import definition, exposure, refinement, splitting, strategy, tiering


def answers(**chosen: object) -> dict[str, object]:
    usual = {q.name: [] if q.many else "none" for q in tiering.QUESTIONS}
    return {**usual, **chosen}


_ANSWERS = st.fixed_dictionaries(
    {
        q.name: st.lists(st.sampled_from(list(q.answers)), unique=True)
        if q.many
        else st.sampled_from(list(q.answers))
        for q in tiering.QUESTIONS
    }
)


def test_the_standard_rule_can_be_published():
    assert tiering.faults(tiering.STANDARD) == []


def test_an_item_without_any_risk_is_tier_4_and_one_with_all_of_it_is_tier_1():
    assert tiering.tiering(tiering.STANDARD, answers()).tier == 4
    worst = answers(
        data_sensitivity="special",
        user_impact="everybody",
        regulatory_scope=["gdpr", "sox"],
        authentication="changes",
        third_party="new",
    )
    made = tiering.tiering(tiering.STANDARD, worst)
    assert (made.tier, made.compliance_class) == (1, "GDPR, SOX")
    assert ("checkpoint", "Audit sign-off") in made.requirements
    assert ("test", "Security test of authentication") in made.requirements


def test_a_floor_lifts_an_item_whose_points_would_be_few():
    made = tiering.tiering(tiering.STANDARD, answers(authentication="changes"))
    assert made.score == 4
    assert made.tier == 2
    assert "at least" in made.because[-1]


@given(_ANSWERS, st.sampled_from(tiering.QUESTIONS), st.integers(1, 50), st.data())
def test_more_points_for_an_answer_never_make_anything_less_risky(given_answers, question, more, data):
    harder = copy.deepcopy(tiering.STANDARD)
    answer = data.draw(st.sampled_from(list(question.answers)))
    harder["questions"][question.name][answer]["points"] += more
    before = tiering.tiering(tiering.STANDARD, given_answers)
    after = tiering.tiering(harder, given_answers)
    assert after.tier <= before.tier
    assert after.score >= before.score


@given(_ANSWERS)
def test_what_is_required_is_required_once_and_every_answer_leads_to_a_tier(given_answers):
    made = tiering.tiering(tiering.STANDARD, given_answers)
    assert made.tier in tiering.TIERS
    assert len(set(made.requirements)) == len(made.requirements)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_no_content_whatever_makes_the_check_of_a_rule_fall_over(content):
    assert tiering.faults(content)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("limits",), [3, 6, 11], "limits"),
        (("questions", "user_impact", "few", "points"), -1, "user_impact.few"),
        (("questions", "user_impact", "few", "at_least"), 5, "user_impact.few"),
        (("questions", "user_impact", "few", "adds"), [["party", "Cake"]], "user_impact.few"),
        (("tiers", "2", "test"), [""], "tier.2"),
    ],
)
def test_each_fault_of_a_rule_is_named_at_its_place(path, value, where):
    rule = copy.deepcopy(tiering.STANDARD)
    part = rule
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert [fault.where for fault in tiering.faults(rule)] == [where]


def test_refinement_names_what_is_missing_item_by_item():
    values = {"feasibility": "  ", "points": 5, "constraints": "none", "acceptance": "", "tier": None}
    assert refinement.missing(values, signed=False) == [
        "feasibility",
        "acceptance criteria",
        "risk tier",
        "signature of a technical lead",
    ]


@given(st.integers(0, 40), st.integers(0, 6), st.integers(0, 8))
def test_too_big_is_whatever_passes_a_limit_and_says_which(points, teams, services):
    limits = splitting.Limits(13, 2, 3)
    size = splitting.Size(
        points, tuple(f"t{n}" for n in range(teams)), tuple(f"s{n}" for n in range(services))
    )
    assert len(splitting.too_big(size, limits)) == (points > 13) + (teams > 2) + (services > 3)


@given(st.lists(st.integers(1, 20), min_size=1))
def test_parts_that_add_up_need_no_reason(children):
    assert splitting.difference(sum(children), children) == ""
    assert "add up to" in splitting.difference(sum(children) + 1, children)
    assert "no size yet" in splitting.difference(sum(children), [*children, None])


def test_a_team_adds_lines_but_does_not_repeat_the_trains():
    assert definition.faults(["Load tested"], ["Reviewed"]) == []
    assert definition.faults(["reviewed "], ["Reviewed"]) == [
        "“reviewed ” is in the train's definition already."
    ]
    assert definition.faults(["A", "a"]) == ["“a” stands there twice."]
    assert definition.faults([]) == ["A Definition of Done has at least one line."]


@given(st.lists(st.text(min_size=1), max_size=8), st.data())
def test_a_line_is_unmet_until_it_is_marked(lines, data):
    met = data.draw(st.lists(st.sampled_from(lines))) if lines else []
    unmet = definition.unmet(lines, met)
    assert not {definition.same(u) for u in unmet} & {definition.same(m) for m in met}
    assert definition.unmet(lines, lines) == []


@given(st.integers(0, 400), st.integers(1, 400))
def test_likelihood_never_falls_with_more_occurrences(times, days):
    assert 1 <= exposure.likelihood_of(times, days) <= exposure.likelihood_of(times + 1, days) <= 5


@given(st.integers(1, 24))
def test_a_larger_exposure_never_proposes_less_risk_reduction(value):
    assert exposure.proposed_risk_reduction(value) <= exposure.proposed_risk_reduction(value + 1)


def line(level: str = "unit", **more: object) -> strategy.Line:
    return strategy.Line(
        **{"level": level, "what": level, "automated": True, "owned": True, "in_place": True, **more}
    )


def test_a_strategy_without_gaps_tests_every_level_its_tier_wants():
    lines = [line(level) for level in strategy.WANTED[3]]
    assert strategy.gaps(lines, tier=3, agreed=True) == []
    assert strategy.automated_share(lines) == 100


def test_gaps_name_the_level_the_owner_what_is_missing_and_the_agreement():
    lines = [
        line("unit", automated=False),
        line("integration", owned=False),
        line("acceptance", in_place=False),
    ]
    found = strategy.gaps(lines, tier=2, agreed=False, words=["Security test of authentication"])
    assert [gap.code for gap in found] == ["level", "level", "owner", "not_in_place", "agreement", "manual"]
    assert "system" in found[0].sentence
    assert "security" in found[1].sentence


@given(st.lists(st.sampled_from(list(strategy.TITLES))), st.integers(2, 4))
def test_a_riskier_tier_never_has_fewer_gaps(levels, tier):
    lines = [line(level) for level in levels]
    riskier = strategy.gaps(lines, tier=tier - 1, agreed=True)
    assert len(riskier) >= len(strategy.gaps(lines, tier=tier, agreed=True))
