"""Stages, cadence, volatility, pipelines, production signals, recurrence: by hand and against plain second computations."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.rules import cadence, cycle, pipelines, recurrence, signals, volatility

T0 = datetime(2026, 1, 5, tzinfo=UTC)
WAY = [step.since for step in cycle.WAY] + [cycle.WAY[-1].until]


def travel(ident: int, hours: list[float], *, bad: bool = False) -> cycle.Travel:
    moments, at = {WAY[0]: T0}, T0
    for name, each in zip(WAY[1:], hours, strict=True):
        at += timedelta(hours=each)
        moments[name] = at
    return cycle.Travel(ident, moments, bad)


@given(st.lists(st.lists(st.integers(0, 500).map(float), min_size=7, max_size=7), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_stages_add_up_to_the_whole_way(table: list[list[float]]) -> None:
    found = cycle.cycle([travel(n, hours) for n, hours in enumerate(table)])
    assert found.whole[50] == pytest.approx(median(sum(hours) for hours in table))
    for place, stage in enumerate(found.stages):
        assert stage.hours == pytest.approx([hours[place] for hours in table])
        assert stage.missing == 0
    known = [s.share for s in found.stages if s.share is not None]
    assert not known or sum(known) == pytest.approx(1)


def test_what_is_not_known_is_counted_and_not_made_up() -> None:
    whole = travel(1, [10, 20, 30, 0, 50, 5, 1])
    gap = cycle.Travel(2, {**travel(2, [10, 20, 30, 0, 50, 5, 1]).moments, "approved": None})
    backwards = cycle.Travel(3, {**whole.moments, "frozen": T0 - timedelta(hours=1)})
    underway = cycle.Travel(4, {**whole.moments, "released": None})
    found = cycle.cycle([whole, gap, backwards, underway])
    assert found.count == 3, "what has not arrived has no way yet"
    missing = {s.step.name: s.missing for s in found.stages}
    assert (missing["approve"], missing["window"], missing["integrate"], missing["start"]) == (1, 1, 1, 0)
    assert found.longest is not None and found.longest.step.name == "approve"
    assert cycle.cycle([]).longest is None and "No features" in cycle.cycle([]).sample


def test_late_releases_waited_where_the_hours_say() -> None:
    well = [({"approve": 10.0 + n, "window": 5.0 + n % 3}, False) for n in range(12)]
    late = [({"approve": 60.0 + n, "window": 5.0 + n % 3}, True) for n in range(8)]
    found = cycle.where_they_waited(well + late, {"approve": "Approval", "window": "Window"})
    assert [w.name for w in found] == ["approve", "window"]
    assert found[0].more == pytest.approx(48) and found[0].found.reading.value == "worse_with_more"
    assert found[1].found.reading.value == "unclear"
    few = cycle.where_they_waited(well + late[:2], {"approve": "Approval"})
    assert few[0].found.reading.value == "too_little"


def test_boards_are_told_apart_by_step() -> None:
    def asked(
        ident: int, board: str, first: float, last: float, *, revisions: int = 1, state: str = "closed"
    ):
        at = T0 + timedelta(hours=first)
        done = at + timedelta(hours=last)
        moments = {"submitted": T0, "first_vote": at, "approved": done, "window": done + timedelta(hours=4)}
        return cycle.Approval(ident, board, moments, revisions, state)

    found = cycle.boards(
        [asked(n, "Slow", 40, 2, revisions=2) for n in range(3)]
        + [asked(n, "Quick", 1, 2) for n in range(4)]
        + [cycle.Approval(9, "Quick", {"submitted": T0}, 1, "expired")]
    )
    assert [(b.board, b.decided, b.asked_again, b.lapsed) for b in found] == [
        ("Slow", 3, 3, 0),
        ("Quick", 4, 0, 1),
    ]
    assert "until the first vote" in found[0].sentence and "1 of 5 approvals lapsed" in found[1].sentence


def plainly(ready: list[float], taken: float, days: float, offset: float) -> list[float]:
    """One release at a time on a grid of cuts, hour by hour in the head: no queueing code shared with the rule."""
    first = min(ready)
    grid = [first - days + offset + k * days for k in range(1, 3000)]
    waiting, free, leads = sorted(ready), float("-inf"), []
    for place, cut in enumerate(grid):
        if not waiting:
            break
        start = max(cut, free)
        if place + 1 < len(grid) and start >= grid[place + 1]:
            continue  # the next cut comes before the release work is free: that cut takes it
        taking = [r for r in waiting if r <= start]
        if taking:
            free = start + taken
            leads += [free - r for r in taking]
            waiting = [r for r in waiting if r > start]
    return sorted(leads)


@given(
    st.lists(st.integers(0, 300).map(float), min_size=1, max_size=40),
    st.sampled_from([1.0, 3.0, 10.0, 30.0]),
    st.sampled_from([7.0, 14.0, 28.0]),
)
@settings(max_examples=40, deadline=None)
def test_the_simulation_is_the_plain_one(ready: list[float], taken: float, days: float) -> None:
    import numpy as np

    listed = sorted(ready)
    lead, sizes, _ = cadence._run(np.array(listed), listed, [taken], days, 0.37 * days, random.Random(1))
    assert sorted(lead) == pytest.approx(plainly(ready, taken, days, 0.37 * days))
    assert sum(sizes) == len(ready) and min(lead) >= taken - 1e-9


def test_shorter_is_better_until_releases_get_in_each_others_way() -> None:
    ready = [d * 0.9 for d in range(300)]
    found = cadence.advise(ready, [4, 5, 5, 6, 5], 42)
    by = {t.days: t for t in found.trials}
    assert by[84].lead.middle > by[42].lead.middle > by[14].lead.middle
    assert not by[7].feasible or by[7].busy <= cadence.BUSY
    assert (
        found.proposed is not None
        and found.proposed.days == 7
        and found.proposed.busy == pytest.approx(5 / 7)
    )
    assert "Every 7 days instead of 42 days" in found.sentence
    slow = cadence.advise(ready, [20, 22, 19, 25, 21], 42)
    assert slow.proposed is not None and slow.proposed.days >= 28
    assert {t.days for t in slow.trials if t.feasible} == {28, 42, 56, 84}
    assert "busy" in next(t.reason for t in slow.trials if t.days == 21)
    assert cadence.advise(ready, [4, 5, 5, 6, 5], 42) == found, "the same past gives the same advice"


def test_a_short_past_gives_no_advice() -> None:
    found = cadence.advise([1.0] * 10, [3.0] * 9, 14)
    assert not found.trials and found.proposed is None and "10 changes and 9 releases" in found.refusal


def changes(**acts: int) -> tuple[volatility.Change, ...]:
    return tuple(
        volatility.Change(act, "Regulator asked") for act, times in acts.items() for _ in range(times)
    )


def test_volatility_counts_and_coaching_names_the_outlier_only() -> None:
    scopes = [volatility.Scope(f"T{n}", f"R{r}", 20, changes(added=1)) for n in range(4) for r in range(3)]
    scopes += [
        volatility.Scope("Wild", f"R{r}", 20, changes(added=7, removed=2, changed=1)) for r in range(3)
    ]
    scopes += [volatility.Scope("Once", "R0", 4, changes(added=4))]
    found = {v.group: v for v in volatility.volatility(scopes)}
    wild = found["Wild"]
    assert (wild.added, wild.removed, wild.changed, wild.baseline) == (21, 6, 3, 60)
    assert wild.rate.value == pytest.approx(0.5) and wild.causes == (("Regulator asked", 30),)
    listed = volatility.coaching(found.values())
    assert [c.group for c in listed] == ["Wild"], "one release is no pattern"
    assert (
        "Work arrives after the baseline" in listed[0].talk_about
        and "Regulator asked" in listed[0].talk_about
    )
    assert volatility.coaching([]) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["", "c1", "c2"]), st.sampled_from(list(pipelines.Outcome))
        ),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_a_failure_is_flaky_if_the_same_commit_also_passed(runs: list[tuple[str, str, str]]) -> None:
    attempts = [pipelines.Attempt(*row) for row in runs]
    found = pipelines.flakiness(attempts)
    plain = sum(
        a.outcome == "failed"
        and bool(a.commit)
        and any(b.outcome == "passed" and (b.stage, b.commit) == (a.stage, a.commit) for b in attempts)
        for a in attempts
    )
    assert found.flaky == plain <= found.failures


def test_pipelines_pass_only_when_enough_is_known() -> None:
    judge = {"most_failing": 10, "most_flaky": 2}
    assert pipelines.health(0, 0, 0, **judge, least_runs=0).verdict == "pending"
    assert pipelines.health(19, 0, 0, **judge).verdict == "pending"
    assert pipelines.health(100, 10, 2, **judge).verdict == "pass"
    assert pipelines.health(100, 11, 2, **judge).verdict == "fail"
    assert "flaky" in pipelines.health(100, 10, 3, **judge).reason


def test_production_speaks_louder_the_more_often_and_the_worse() -> None:
    now = T0 + timedelta(days=400)

    def at(days: float, times: int, severity: int = 3) -> signals.Count:
        return signals.Count(now - timedelta(days=days), times, severity)

    assert signals.pressure([], now) is None and signals.pressure([at(365, 9)], now) is None
    assert signals.pressure([at(-1, 9)], now) is None, "what has not happened yet does not count"
    calm = signals.pressure([at(100, 1, 4)], now)
    loud = signals.pressure([at(1, 9, 1), at(40, 2, 3)], now)
    assert calm is not None and loud is not None
    assert (loud.recent, loud.before, loud.year, loud.worst, loud.rising) == (9, 2, 11, 1, True)
    assert loud.exposure == 25 and loud.risk_reduction == 20
    assert calm.exposure < loud.exposure and calm.risk_reduction < loud.risk_reduction


@given(st.lists(st.tuples(st.floats(0, 360), st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_one_more_signal_never_lowers_the_priority(found: list[tuple[float, int, int]]) -> None:
    now = T0 + timedelta(days=400)
    counts = [signals.Count(now - timedelta(days=d), times, severity) for d, times, severity in found]
    less, more = signals.pressure(counts[:-1], now), signals.pressure(counts, now)
    assert more is not None and (less is None or more.exposure >= less.exposure)


def test_recurrence_judges_only_fixes_whose_observation_ended() -> None:
    def fix(n: int, outcome: str, team: str = "Ledger", days: float | None = None) -> recurrence.Fix:
        return recurrence.Fix(
            n, f"PRB-{n}", team, "code", outcome, T0, T0 + timedelta(days=days) if days is not None else None
        )

    listed = [
        fix(1, "passed"),
        fix(2, "passed"),
        fix(3, "breached", days=4),
        fix(4, "void"),
        fix(5, "running"),
    ]
    listed += [fix(6, "breached", "Cards", 2)]
    found = recurrence.recurrence(listed)
    assert (found.total.judged, found.total.back, found.total.rolled_back, found.total.observed) == (
        4,
        2,
        1,
        1,
    )
    assert found.days[50] == pytest.approx(3) and "2 recurrences only" in found.sample
    teams = recurrence.by(listed, lambda f: f.team)
    assert [(t.group, t.share.value) for t in teams] == [("Cards", 1.0), ("Ledger", pytest.approx(1 / 3))]
