"""Rules of the loop on their own: signals, success, risk classes, patch tags, urgency, analysis of fixes, RCA steps."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from problems.rules import analysis, fix_analysis, fix_risk, patch_tags, signals, success, urgency

AT = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
calm = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)


# -- signals -----------------------------------------------------------------------------------------------------------


@calm
@given(st.lists(st.floats(0, 1), max_size=40), st.integers(1, 20), st.floats(0, 1))
def test_a_metric_crosses_only_when_it_stays_beyond_for_so_long(
    values: list[float], minutes: int, threshold: float
) -> None:
    points = [(AT + n * 5 * MINUTE, v) for n, v in enumerate(values)]
    found = signals.sustained(points, "above", threshold, minutes)
    runs = [list(g) for beyond, g in itertools.groupby(points, key=lambda p: p[1] > threshold) if beyond]
    expected = any(len(r) > 1 and r[-1][0] - r[0][0] >= minutes * MINUTE for r in runs)
    assert (found is not None) == bool(values)
    assert bool(found and found.crossed) == expected


def test_silence_is_neither_back_nor_gone() -> None:
    assert signals.sustained([], "above", 1, 10) is None


@pytest.mark.parametrize(
    ("counts", "crossed"),
    [([1, 1, 1], False), ([2, 2], True), ([4], True), ([0, 0, 0], False), ([], False)],
)
def test_counts_add_up_within_their_time(counts: list[float], crossed: bool) -> None:
    rows = [(AT + n * 10 * MINUTE, AT + (n + 1) * 10 * MINUTE, c) for n, c in enumerate(counts)]
    assert signals.counted(rows, "above", 3, 60) is crossed


def test_counts_far_apart_do_not_add_up() -> None:
    rows = [(AT, AT + MINUTE, 2.0), (AT + timedelta(hours=5), AT + timedelta(hours=5, minutes=1), 2.0)]
    assert signals.counted(rows, "above", 3, 60) is False


# -- success criteria ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "since", "target", "met"),
    [(4, 0, 90, True), (4, 1, 90, False), (4, 1, 50, True), (0, 0, 50, None), (2, 4, 10, False)],
)
def test_incidents_a_week_are_compared_by_rate(
    before: int, since: int, target: float, met: bool | None
) -> None:
    found = success.incidents_a_week(before, timedelta(days=28), since, timedelta(days=14), target)
    assert found.met is met, found.sentence


def test_nothing_to_measure_never_passes() -> None:
    assert success.hours_to_restore([2.0], [], 10).met is None
    assert success.metric("metric_at_most", [1.0], [], 10).met is None
    assert success.metric("metric_by", [], [1.0], 10).met is None
    assert success.metric("metric_at_most", [], [1.0, 2.0], 1.5).met is True


# -- risk classes ----------------------------------------------------------------------------------------------------------


FACTS = st.builds(
    fix_risk.Facts,
    severity=st.sampled_from([1, 2, 3, 4, None]),
    tier=st.sampled_from([1, 2, 3, 4, None]),
    services=st.integers(0, 6),
    problems=st.integers(1, 6),
    came_back=st.integers(0, 3),
    emergency=st.booleans(),
    reaches=st.integers(0, 8),
)


@calm
@given(FACTS)
def test_the_points_are_those_of_the_reasons_and_unknown_is_worst(facts: fix_risk.Facts) -> None:
    from dataclasses import replace

    found = fix_risk.classify(facts)
    assert found.points == sum(p for p, _ in found.reasons)
    for worse in (replace(facts, severity=1), replace(facts, severity=None), replace(facts, emergency=True)):
        assert fix_risk.classify(worse).points >= found.points
    assert fix_risk.CLASSES.index(found.name) == (2 if found.points >= 6 else 1 if found.points >= 3 else 0)


# -- patch tags --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "before", "fault"),
    [
        ("5.1.1", ["5.1.0", "5.0.9"], None),
        ("5.1.3", ["5.1.0"], None),
        ("5.2.0", ["5.1.0"], "5.2.0 is no patch of 5.1.0; the next patch is 5.1.1."),
        ("5.0.10", ["5.1.0", "5.0.9"], None),
        ("5.1.0", [], "No earlier release is on record that 5.1.0 could be a patch of."),
        ("26.10", ["26.9"], "26.10 is no version by SemVer 2.0."),
        ("5.1.1-rc.1", ["5.1.0"], "5.1.1-rc.1 is a pre-release; a fix goes out under a patch version."),
    ],
)
def test_a_fix_is_the_next_patch_of_what_is_out(version: str, before: list[str], fault: str | None) -> None:
    assert patch_tags.fault(version, before) == fault


def test_a_tag_names_its_problems_and_stays_semver() -> None:
    import semver

    tag = patch_tags.tag("5.1.1", ["PRB-12", "PRB-7"])
    assert tag == "v5.1.1+PRB-7.PRB-12"
    assert semver.Version.parse(tag.removeprefix("v")).compare("5.1.1") == 0
    assert patch_tags.message([("PRB-7", "Deadlocks")]) == "Fixes PRB-7: Deadlocks"


# -- urgency against stability -------------------------------------------------------------------------------------------------


@calm
@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_of_a_share_holds_the_share(hits: int, more: int) -> None:
    of = hits + more
    low, high = urgency.wilson(hits, of)
    assert 0 <= low <= hits / of <= high <= 1


def test_wilsons_interval_as_printed() -> None:
    # Newcombe 1998, table I: 81 of 263.
    low, high = urgency.wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_waiting_costs_by_the_week_and_few_cases_count_at_their_worst() -> None:
    past = [urgency.Past(1, False, True)] * 3 + [urgency.Past(12, True, False)] * 20
    options = urgency.weigh(
        [("now", AT, 1), ("REL-9", AT + timedelta(days=14), 12)],
        at=AT,
        incidents_a_week=2,
        cost_of_incident=100,
        cost_of_failure=1_000,
        past=past,
    )
    assert [o.label for o in options] == ["now", "REL-9"]
    now, later = options
    assert (later.waiting, later.risk) == (400.0, 1_000.0)
    assert now.record.few
    assert math.isclose(now.risk, 1_000 * urgency.wilson(0, 3)[1])


# -- analysis of fixes -----------------------------------------------------------------------------------------------------------


def _fix(n: int, *, failed: bool = False, back: bool | None = False, items: int = 1) -> fix_analysis.Fix:
    return fix_analysis.Fix(n, "Core", "data", "2026-03", items, None, failed, back)


def test_what_is_still_observed_is_no_fix_that_held() -> None:
    fixes = [_fix(1), _fix(2, back=True), _fix(3, back=None)]
    found = fix_analysis.recurrence(fixes, "x")
    assert (found.hits, found.of, found.ids) == (1, 2, (2,))


def test_a_failed_fix_without_a_cause_says_so() -> None:
    (found,) = fix_analysis.patterns([_fix(1, failed=True), _fix(2)])
    assert (found.name, found.hits, found.of) == ("no cause found yet", 1, 1)


def test_an_association_is_said_as_one_and_few_say_nothing() -> None:
    few = fix_analysis.association("a", [1, 2], [0, 1], ("up", "down"))
    assert few.rho is None
    assert "too few" in few.sentence
    xs = list(range(40))
    sure = fix_analysis.association("a", xs, [float(x > 20) for x in xs], ("Larger went with more.", "down"))
    assert sure.low is not None
    assert sure.low > 0
    assert sure.sentence == "Larger went with more. It went together in the past; it need not be the cause."
    flat = fix_analysis.association("a", xs, [float(x % 2) for x in xs], ("up", "down"))
    assert flat.sentence == "No association can be told from chance."


# -- steps of a method ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", list(analysis.METHODS))
def test_what_was_written_reads_back(method: str) -> None:
    lines = {
        "five_whys": ["Why a? B.", "Why b? C: because.", "Why c? D."],
        "fishbone": ["people: nobody knew", "Process: no handover"],
        "timeline": [f"2026-03-01T21:4{n}Z: step {n}" for n in range(3)],
        "fault_tree": ["Deadlock: two writers", "Two writers: month end"],
        "change_analysis": ["Isolation: before and after"],
        "reproduction": ["Start both jobs.", "Wait."],
    }[method]
    steps = analysis.read(method, "\n".join(lines))
    assert len(steps) == len(lines)
    assert analysis.read(method, analysis.written(method, steps)) == steps


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("five_whys", "Because."),
        ("five_whys", "Why? A.\nWhy? B.\nWhy not"),
        ("fishbone", "Weather: rain\nPeople: few"),
        ("timeline", "2026-03-01T21:42Z: a\n2026-03-01T21:41Z: b\n2026-03-01T21:43Z: c"),
        ("timeline", "2026-03-01T21:42: a\n2026-03-01T21:43: b\n2026-03-01T21:44: c"),
        ("fault_tree", "no colon\nnone"),
    ],
)
def test_steps_that_are_none_of_the_method_are_refused(method: str, text: str) -> None:
    with pytest.raises(analysis.AnalysisError):
        analysis.read(method, text)
