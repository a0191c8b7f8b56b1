"""Control charts: limits from declared baselines, one signal for one run, points on a limit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.interface.charts.limits import compare, moving_range, p_chart, u_chart, xmr
from releasetrain.interface.charts.run_rules import RULES, Standard, fires, signals

STEADY = [10.0, 12.0] * 10


@pytest.mark.parametrize(
    ("standard", "rule", "z"),
    [
        ("nelson", 1, [3.0, -3.0]),
        ("nelson", 2, [0.0] * 12),
        ("nelson", 5, [2.0] * 3),
        ("nelson", 6, [1.0] * 5),
        ("nelson", 7, [1.0] * 15),
        ("nelson", 8, [1.0, -1.0] * 4),
        ("western_electric", 1, [3.0, -3.0]),
        ("western_electric", 2, [-2.0] * 3),
        ("western_electric", 3, [1.0] * 5),
        ("western_electric", 4, [0.0] * 10),
    ],
)
def test_points_on_a_limit_are_no_signal(standard, rule, z):
    assert not any(fires(z, rule, standard))


def test_a_computed_limit_counts_as_the_limit():
    chart = xmr(STEADY, baseline=(0, 20))
    upper = chart.upper[0]
    assert xmr([*STEADY, upper], baseline=(0, 20)).outside == ()
    assert xmr([*STEADY, upper + 1e-6], baseline=(0, 20)).outside == (20,)


@pytest.mark.parametrize(("standard", "rule", "length"), [("nelson", 2, 9), ("western_electric", 4, 8)])
def test_a_run_on_one_side_fires_when_complete_and_stays_one_signal(standard, rule, length):
    z = [-0.5, *[0.5] * (length - 1)]
    assert not any(fires(z, rule, standard))
    z += [0.5, 0.5, 0.5]
    assert fires(z, rule, standard).index(True) == length
    (signal,) = signals(z, standard, rules=[rule])
    assert (signal.at, signal.first, signal.last) == (length, 1, length + 2)


def test_two_separate_points_outside_are_two_signals():
    assert [signal.at for signal in signals([4, 4, 0, -4], rules=[1])] == [0, 1, 3]


@given(st.lists(st.floats(-5, 5), max_size=60), st.sampled_from(list(Standard)))
def test_rules_agree_with_their_words_read_point_by_point(z, standard):
    def plain(rule: int, at: int) -> bool:
        window = {r.number: r.length for r in RULES[standard]}[rule]
        part = z[max(0, at - window + 1) : at + 1]
        kind = {Standard.WESTERN_ELECTRIC: {1: 1, 2: 5, 3: 6, 4: 2}}.get(standard, {}).get(rule, rule)
        full = len(part) == window
        steps = [b - a for a, b in pairwise(part)]
        tiny = 1e-9

        def side(limit: float, needed: int) -> bool:
            return any(
                s * part[-1] > limit + tiny and sum(s * x > limit + tiny for x in part) >= needed
                for s in (1, -1)
            )

        if kind == 1:
            return abs(z[at]) > 3 + tiny
        if kind in (5, 6):
            return side(*{5: (2, 2), 6: (1, 4)}[kind])
        if not full:
            return False
        if kind == 2:
            return side(0, window)
        if kind == 3:
            return all(s > tiny for s in steps) or all(s < -tiny for s in steps)
        if kind == 4:
            return all(a * b < 0 for a, b in pairwise(steps)) and all(abs(s) > tiny for s in steps)
        if kind == 7:
            return all(abs(x) < 1 - tiny for x in part)
        return all(abs(x) > 1 + tiny for x in part) and max(part) > 1 and min(part) < -1

    for rule in RULES[standard]:
        assert fires(z, rule.number, standard) == [plain(rule.number, at) for at in range(len(z))], rule


def test_limits_come_from_the_declared_baseline_only():
    wild = [*STEADY, 40.0, 50.0, 60.0]
    assert xmr(wild, baseline=(0, 20)).center[-1] == 11.0
    assert xmr(wild, baseline=(0, 20)).outside == (20, 21, 22)
    assert xmr(wild).center[-1] > 16


def test_limits_are_set_anew_at_declared_changes_and_runs_do_not_cross_them():
    values = STEADY + [x + 20 for x in STEADY]
    chart = xmr(values, changes=[20])
    assert (chart.center[19], chart.center[20]) == (11.0, 31.0)
    assert [each.start for each in chart.limits] == [0, 20]
    assert chart.outside == ()
    assert [s for s in chart.signals("western_electric") if s.rule == 4] == []
    assert xmr(values, baseline=(0, 20)).outside
    late = xmr([*values, 60.0], changes=[20]).signals(rules=[1])
    assert [(signal.at, signal.first, signal.last) for signal in late] == [(40, 40, 40)]


def test_a_baseline_without_variation_sets_no_limits():
    chart = xmr([5.0, 5.0, 5.0, 9.0], baseline=(0, 3))
    assert not chart.limits[0].usable
    assert chart.signals() == ()
    assert "does not vary" in chart.limits[0].sentence
    assert p_chart([0, 0, 3], 10, baseline=(0, 2)).signals() == ()


def test_few_points_are_said_to_be_few():
    assert xmr(STEADY[:8]).limits[0].sentence.startswith("Limits from 8 points only")
    assert xmr(STEADY).limits[0].sentence == ""


def test_shares_and_rates_have_limits_of_their_own_size():
    chart = p_chart([5, 5], [10, 1000])
    assert chart.upper[0] > chart.upper[1]
    assert min(chart.lower) == 0.0
    assert max(p_chart([9, 9], [10, 10]).upper) == 1.0
    rates = u_chart([4, 9, 2], [2.0, 3.0, 1.0])
    assert rates.center == (2.5, 2.5, 2.5)
    assert rates.upper[0] == pytest.approx(2.5 + 3 * (2.5 / 2) ** 0.5)


def test_moving_ranges_have_their_own_chart():
    chart = moving_range([1.0, 3.0, 2.0, 2.0])
    assert chart.values == (2.0, 1.0, 0.0)
    assert chart.upper[0] == pytest.approx(3.267)
    assert chart.lower[0] == 0.0


def test_whether_an_improvement_changed_anything_is_answered_in_words():
    shifted = compare(STEADY + [x - 6 for x in STEADY], 20)
    assert shifted.changed
    assert "fell from 11 to 5" in shifted.sentence
    same = compare(STEADY + STEADY, 20)
    assert not same.changed
    assert same.sentence.startswith("No signal")


@pytest.mark.parametrize(
    "call",
    [
        lambda: xmr([]),
        lambda: xmr([1.0, float("nan")]),
        lambda: xmr(STEADY, changes=[99]),
        lambda: xmr(STEADY, baseline=(5, 15), changes=[10]),
        lambda: p_chart([11], 10),
        lambda: p_chart([-1], 10),
        lambda: u_chart([1], 0),
        lambda: fires([1.0], 9),
        lambda: moving_range([1.0]),
        lambda: compare(STEADY, 1),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match=r"."):
        call()
