"""Drawing samples, matching sources, and the calendar's periods, as rules alone."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.rules import completeness, periods, sampling
from governance.rules.completeness import Observed, Promised, Recorded

rows = st.dictionaries(
    st.uuids().map(str), st.sampled_from(["high", "low", "medium", "high, emergency"]), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(rows, st.text(max_size=20), st.integers(1, 80), st.randoms())
def test_a_sample_follows_from_rows_seed_and_size_alone(rows, seed, size, random) -> None:
    listed = list(rows.items())
    first = sampling.draw(listed, seed, size)
    random.shuffle(listed)
    assert sampling.draw(listed, seed, size) == first
    assert len(first) == min(size, len(rows))
    assert len({d.id for d in first}) == len(first)
    assert all(rows[d.id] == d.stratum for d in first)
    assert [d.position for d in first] == list(range(1, len(first) + 1))
    strata = set(rows.values())
    if size >= len(strata):
        assert {d.stratum for d in first} == strata
    # Within a stratum nothing of a lower rank is passed over.
    for stratum in strata:
        drawn = {d.id for d in first if d.stratum == stratum}
        left = {i for i, s in rows.items() if s == stratum} - drawn
        assert (
            not drawn
            or not left
            or max(sampling.rank(seed, i) for i in drawn) < min(sampling.rank(seed, i) for i in left)
        )


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=4), st.integers(0, 500), max_size=8), st.integers(0, 400))
def test_strata_share_the_size(counts, size) -> None:
    given_ = sampling.allocate(counts, size)
    total = sum(counts.values())
    assert sum(given_.values()) == min(size, total)
    assert all(0 <= given_[name] <= counts[name] for name in given_)


def test_the_rank_is_what_sha256sum_prints() -> None:
    assert sampling.rank("2026-Q3", "a") == hashlib.sha256(b"2026-Q3:a").hexdigest()


T = datetime(2026, 8, 1, tzinfo=UTC)


def recorded(ident: str, version: str, days: int = 0, **but: object) -> Recorded:
    values: dict = {
        "id": ident,
        "label": f"ledger {version}",
        "place": ("ledger", "production"),
        "names": frozenset({version}),
        "at": T + timedelta(days=days),
        "in_period": True,
        "succeeded": True,
        "authorised": True,
        "why_not": "",
        "released": True,
        "traced": True,
    }
    return Recorded(**(values | but))


def observed(ident: str, version: str, days: int = 0, service: str = "ledger") -> Observed:
    return Observed(ident, version, (service, "production"), frozenset({version}), T + timedelta(days=days))


def found(*args: list) -> list[tuple[str, str]]:
    return [(gap.kind, gap.subject_id) for gap in completeness.of_deployments(*args)]


def test_what_matches_leaves_no_gap() -> None:
    assert found([recorded("d1", "5.2")], [observed("o1", "5.2", 1)], []) == []


def test_what_a_runtime_ran_and_nobody_recorded_is_listed_once() -> None:
    seen = [observed("o1", "5.2", 1), observed("o2", "6.0", 2), observed("o3", "6.0", 3)]
    assert found([recorded("d1", "5.2")], seen, []) == [("unrecorded", "o2")]


def test_a_version_seen_before_its_deployment_is_unrecorded() -> None:
    # Recorded afterwards, so the record does not explain what ran before; and nothing was seen since.
    assert found([recorded("d1", "5.2", 5)], [observed("o1", "5.2", 1)], []) == [
        ("unrecorded", "o1"),
        ("unobserved", "d1"),
    ]


def test_every_missing_counterpart_is_its_own_gap() -> None:
    bare = recorded(
        "d1", "5.2", authorised=False, why_not="It ran outside its window.", released=False, traced=False
    )
    gaps = list(completeness.of_deployments([bare], [], [Promised("release", "r1", "REL-9", T, False)]))
    assert [(g.kind, g.subject_id) for g in gaps] == [
        ("not_watched", "d1"),
        ("no_change", "d1"),
        ("no_release", "d1"),
        ("untraced", "d1"),
        ("not_deployed", "r1"),
    ]
    assert gaps[1].sentence == "It ran outside its window."


def test_earlier_deployments_explain_what_runs_but_are_not_judged() -> None:
    old = recorded("d0", "5.1", -90, in_period=False, authorised=False)
    assert found([old], [observed("o1", "5.1")], []) == []


@pytest.mark.parametrize(
    ("every", "day", "first", "following"),
    [
        ("week", "2026-11-21", "2026-11-16", "2026-11-23"),
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("quarter", "2026-11-21", "2026-10-01", "2027-01-01"),
        ("year", "2028-02-29", "2028-01-01", "2029-01-01"),
    ],
)
def test_periods_of_the_calendar(every, day, first, following) -> None:
    on = datetime.fromisoformat(day).date()
    assert periods.first_day(every, on).isoformat() == first
    assert periods.next_first_day(every, on).isoformat() == following


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["week", "month", "quarter", "year"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 900),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Tokyo"]),
)
def test_periods_follow_one_another_without_gap_or_overlap(every, since, days, zone) -> None:
    since = since.replace(tzinfo=UTC)
    until = since + timedelta(days=days)
    spans = list(periods.over(every, since, until, ZoneInfo(zone)))
    assert all(since < ends <= until for _, ends in spans)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    if spans:
        # Asking again where it ended gives only what comes after.
        assert list(periods.over(every, spans[0][1], until, ZoneInfo(zone))) == spans[1:]
