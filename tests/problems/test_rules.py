"""Pure rules: the order of an incident's moments, suspects, recurrence and observation windows."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems.rules.incident_times import NAMES, Times
from problems.rules.recurrence import BREACHED, PASSED, RUNNING, VOID, Signal, Watch, matches, standing
from problems.rules.suspects import Candidate, suspect

T0 = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
hours = st.integers(-200, 200).map(lambda h: T0 + h * HOUR)
maybe = st.none() | hours


@given(st.builds(Times, detected_at=hours, started_at=maybe, mitigated_at=maybe, resolved_at=maybe))
def test_moments_out_of_order_are_named(times: Times) -> None:
    known = [m for n in NAMES if (m := getattr(times, n)) is not None]
    assert (times.disorder() is None) == (known == sorted(known))


@given(
    st.lists(
        st.builds(Times, detected_at=hours, started_at=maybe, mitigated_at=maybe, resolved_at=maybe),
        min_size=2,
        max_size=4,
    )
)
def test_reports_in_any_order_say_the_same(reports: list[Times]) -> None:
    merged = set()
    for order in itertools.permutations(reports):
        whole = order[0]
        for report in (*order[1:], order[0]):
            whole = whole.merged(report)
        merged.add(whole)
    assert len(merged) == 1


@given(detected=hours, offsets=st.lists(st.integers(-100, 100), max_size=8))
def test_the_suspect_went_live_in_the_day_before(detected: datetime, offsets: list[int]) -> None:
    candidates = [Candidate(i, detected + o * HOUR) for i, o in enumerate(offsets)]
    found = suspect(detected, detected, candidates)
    fitting = [c for c in candidates if timedelta(0) <= detected - c.live_at <= 24 * HOUR]
    assert (found is None) == (not fitting)
    if found is not None:
        assert candidates[found].live_at == max(c.live_at for c in fitting)


def test_what_went_live_after_it_began_is_no_suspect() -> None:
    began, detected = T0, T0 + 5 * HOUR
    assert suspect(detected, began, [Candidate("late", T0 + HOUR)]) is None
    assert (
        suspect(detected, began, [Candidate("late", T0 + HOUR), Candidate("before", T0 - HOUR)]) == "before"
    )
    assert suspect(detected, began, [Candidate("cancelled", T0 - HOUR, cancelled=True)]) is None


WATCH = Watch(starts=T0, ends=T0 + 14 * 24 * HOUR, service="ledger", fingerprint="deadlock", min_exposure=10)


@pytest.mark.parametrize(
    ("signal", "counts"),
    [
        (Signal(1, T0, "deadlock"), True),
        (Signal(1, T0 - HOUR, "deadlock"), False),
        (Signal(1, WATCH.ends, "deadlock"), False),
        (Signal(1, T0, "other", frozenset({"ledger"})), False),
        (Signal(1, T0, "other", linked=True), True),
    ],
)
def test_which_incidents_count(signal: Signal, counts: bool) -> None:
    assert matches(WATCH, signal) is counts


def test_without_fingerprint_every_incident_of_the_service_counts() -> None:
    watch = Watch(starts=T0, ends=T0 + HOUR, service="ledger")
    assert matches(watch, Signal(1, T0, "anything", frozenset({"ledger"})))
    assert not matches(watch, Signal(1, T0, "anything", frozenset({"web"})))


@pytest.mark.parametrize(
    ("at", "exposure", "signals", "live", "state"),
    [
        (T0 + HOUR, 99, [], True, RUNNING),
        (WATCH.ends - timedelta(microseconds=1), 99, [], True, RUNNING),
        (WATCH.ends, 99, [], True, PASSED),
        (WATCH.ends, 10, [], True, PASSED),
        (WATCH.ends, 9, [], True, RUNNING),
        (WATCH.ends + 1000 * HOUR, 0, [], True, RUNNING),
        (T0 + HOUR, 0, [Signal(1, T0, "deadlock")], True, BREACHED),
        (WATCH.ends, 99, [Signal(1, T0, "deadlock")], True, BREACHED),
        (T0 + HOUR, 0, [Signal(1, T0 + 2 * HOUR, "deadlock")], True, RUNNING),
        (T0 + HOUR, 99, [], False, VOID),
        (T0 + HOUR, 99, [Signal(1, T0, "deadlock")], False, BREACHED),
    ],
)
def test_what_a_window_says(
    at: datetime, exposure: int, signals: list[Signal], live: bool, state: str
) -> None:
    assert standing(WATCH, signals, at=at, exposure=exposure, fix_live=live).state == state


@given(threshold=st.integers(1, 4), count=st.integers(0, 6), at=hours, exposure=st.integers(0, 20))
def test_it_never_passes_early_unexposed_or_with_recurrences(
    threshold: int, count: int, at: datetime, exposure: int
) -> None:
    watch = Watch(T0, T0 + 50 * HOUR, "ledger", "deadlock", threshold, 10)
    signals = [Signal(i, T0 + i * HOUR, "deadlock") for i in range(count)]
    said = standing(watch, signals, at=at, exposure=exposure)
    seen = sum(s.began_at <= at for s in signals)
    assert (said.state == BREACHED) == (seen >= threshold)
    assert (said.state == PASSED) == (seen < threshold and at >= watch.ends and exposure >= 10)
