"""Rules of the calendar: wall clocks over changes of the clock, landings, closed days, on-call, load, ceremonies."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trains.rules import ceremonies, closed_days, landing, load, on_call
from trains.rules.intervals import Interval
from trains.rules.recurrence import Recurrence, fault, occurrences, utc, whole_days

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "first", "rrule", "expected"),
    [
        # London springs forward on 29 March 2026: 22:00 local is 22:00Z, then 21:00Z.
        ("Europe/London", "2026-03-21T22:00", "FREQ=WEEKLY", ["2026-03-21T22:00", "2026-03-28T22:00", "2026-04-04T21:00"]),
        # 01:30 does not exist on the 29th: read with the offset before, it is 01:30Z (02:30 on the clock).
        ("Europe/London", "2026-03-28T01:30", "FREQ=DAILY", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        # 01:30 comes twice on 25 October: the first one counts.
        ("Europe/London", "2026-10-24T01:30", "FREQ=DAILY", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        ("America/New_York", "2026-03-07T02:30", "FREQ=DAILY", ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"]),
        ("America/New_York", "2026-10-31T01:30", "FREQ=DAILY", ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]),
        # Lord Howe moves its clock by half an hour.
        ("Australia/Lord_Howe", "2026-04-04T12:00", "FREQ=DAILY", ["2026-04-04T01:00", "2026-04-05T01:30"]),
        ("Australia/Lord_Howe", "2026-10-03T12:00", "FREQ=DAILY", ["2026-10-03T01:30", "2026-10-04T01:00"]),
        # Kathmandu is 5 hours 45 minutes ahead, always.
        ("Asia/Kathmandu", "2026-03-28T09:00", "FREQ=DAILY", ["2026-03-28T03:15", "2026-03-29T03:15"]),
        ("UTC", "2024-02-29T00:00", "FREQ=YEARLY", ["2024-02-29T00:00", "2028-02-29T00:00", "2032-02-29T00:00"]),
        ("UTC", "2024-02-29T00:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", ["2024-02-29T00:00", "2025-02-28T00:00"]),
        ("UTC", "2026-01-31T00:00", "FREQ=MONTHLY;BYMONTHDAY=31", ["2026-01-31T00:00", "2026-03-31T00:00"]),
        ("UTC", "2026-01-31T00:00", "FREQ=MONTHLY;BYDAY=-1SA;COUNT=2", ["2026-01-31T00:00", "2026-02-28T00:00"]),
    ],
)  # fmt: skip
def test_the_wall_clock_stays(zone: str, first: str, rrule: str, expected: list[str]) -> None:
    what = Recurrence(datetime.fromisoformat(first), HOUR, zone, rrule)
    assert not fault(rrule, what.first)
    found = occurrences(what, at("2024-01-01T00:00"), at("2033-01-01T00:00"))[: len(expected)]
    assert [each.starts for each in found] == [at(text) for text in expected]
    assert all(each.length == HOUR for each in found)


def test_until_counts_in_utc_in_local_time_and_as_a_day() -> None:
    first = datetime(2026, 7, 1, 0, 30)
    for until, count in (
        ("20260702T233000Z", 3),
        ("20260702T232959Z", 2),
        ("20260703T003000", 3),
        ("20260702", 2),
    ):
        what = Recurrence(first, HOUR, "Europe/London", f"FREQ=DAILY;UNTIL={until}")
        assert len(occurrences(what, at("2026-01-01T00:00"), at("2027-01-01T00:00"))) == count, until


@pytest.mark.parametrize(
    ("rrule", "says"),
    [
        ("BYDAY=MO", "names no FREQ"),
        ("FREQ=SECONDLY", "FREQ is one of"),
        ("FREQ=DAILY;BYHOUR=3", "not used here"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "not both"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes"),
        ("FREQ=WEEKLY;BYDAY=TU", "the first is 2026-01-06"),
        ("FREQ=DAILY;BYMONTH=13", "beyond 12"),
        ("FREQ=DAILY;UNTIL=20261399", "not understood"),
        ("FREQ=MONTHLY;BYDAY=0SA", "not understood"),
        ("", "names no FREQ"),
    ],
)
def test_a_bad_rule_is_said_in_words(rrule: str, says: str) -> None:
    assert says in fault(rrule, datetime(2026, 1, 5, 9))


zones = st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
rules = st.sampled_from(
    ["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY", "FREQ=YEARLY"]
)


@settings(max_examples=60)
@given(zones, rules, st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.times(), st.integers(0, 400))
def test_every_occurrence_shows_its_wall_clock_or_falls_into_a_gap(
    zone: str, rrule: str, day: date, clock: time, ahead: int
) -> None:
    first = datetime.combine(day, clock.replace(second=0, microsecond=0))
    starts = utc(first, zone) + timedelta(days=ahead)
    found = occurrences(Recurrence(first, HOUR, zone, rrule), starts, starts + 60 * DAY)
    for each in found:
        local = each.starts.astimezone(ZoneInfo(zone))
        moved = local.replace(tzinfo=None) - datetime.combine(local.date(), first.time())
        assert moved in (timedelta(), timedelta(minutes=30), HOUR)
        assert each.ends > starts
    assert [e.starts for e in found] == sorted({e.starts for e in found})


def test_runs_of_whole_days_do_not_feel_the_clock() -> None:
    runs = whole_days(
        date(2026, 3, 30),
        3,
        "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=30",
        date(2026, 1, 1),
        date(2027, 1, 1),
    )
    assert [run[0] for run in runs] == [date(2026, m, 30) for m in (3, 6, 9, 12)]
    assert runs[-1][1] == date(2027, 1, 2)


def hours(*pairs: tuple[int, int]) -> tuple[Interval, ...]:
    zero = at("2026-01-01T00:00")
    return tuple(Interval(zero + a * HOUR, zero + b * HOUR) for a, b in pairs)


SPAN = hours((0, 100))[0]


def test_a_release_lands_in_the_first_window_of_all() -> None:
    members = [
        landing.Member("mainframe", hours((10, 14), (50, 60))),
        landing.Member("web"),
        landing.Member("cards", hours((12, 13), (52, 70))),
    ]
    blocked = [landing.Obstacle("year end", hours((50, 54))[0])]
    assert landing.land(members, [], HOUR, SPAN).slot == hours((12, 13))[0]
    assert landing.land(members, blocked, 2 * HOUR, SPAN).slot == hours((54, 56))[0]


@pytest.mark.parametrize(
    ("members", "blocked", "who", "says"),
    [
        ([("a", ((1, 2),)), ("b", ())], [], "b", "b has no window"),
        ([("a", ((1, 5),)), ("b", None)], [("year end", (0, 6))], "a", "blocked, the next by year end"),
        ([("a", ((1, 5),)), ("b", ((1, 5),)), ("c", ((8, 12),))], [], "c", "c shares no window with the others"),
        ([("a", ((1, 3),)), ("b", ((1, 3),)), ("c", ((6, 9),)), ("d", ((6, 9),))], [], "a", "a and c share no window"),
        ([("a", None)], [("all", (0, 100))], "", "leave no room"),
    ],
)  # fmt: skip
def test_the_member_that_makes_it_impossible_is_named(
    members: list, blocked: list, who: str, says: str
) -> None:
    found = landing.land(
        [landing.Member(n, None if w is None else hours(*w)) for n, w in members],
        [landing.Obstacle(n, hours(w)[0]) for n, w in blocked],
        HOUR,
        SPAN,
    )
    assert found.slot is None
    assert found.member == who
    assert says in found.impossible


windows = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=8
)


@given(st.lists(st.none() | windows, max_size=4), windows, st.integers(1, 4))
def test_a_landing_lies_in_every_window_and_nothing_earlier_would(
    members: list, blocked: list, length: int
) -> None:
    crew = [landing.Member(str(n), None if w is None else hours(*w)) for n, w in enumerate(members)]
    stops = [landing.Obstacle("stop", hours(w)[0]) for w in blocked]
    found = landing.land(crew, stops, length * HOUR, SPAN)

    def fits(hour: int) -> bool:
        covered = range(hour, hour + length)
        return all(
            (w is None or all(any(a <= h < b for a, b in w) for h in covered)) for w in members
        ) and not any(a <= h < b for a, b in blocked for h in covered)

    first = next((h for h in range(100 - length + 1) if fits(h)), None)
    if first is None:
        assert found.slot is None
        assert found.impossible
    else:
        assert found.slot is not None
        assert found.slot.starts == SPAN.starts + first * HOUR


@given(
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 9)), max_size=5),
)
def test_the_nearest_clean_day_is_clean_and_none_is_nearer(day: date, runs: list[tuple[int, int]]) -> None:
    closed = [closed_days.Closed(day + a * DAY, day + (a + n) * DAY, "x") for a, n in runs]
    found = closed_days.nearest_clean(day, closed)
    assert found is not None
    assert found.weekday() < 5
    assert not closed_days.collisions(found, closed)
    for other in range(-60, 61):
        rival = day + other * DAY
        if rival.weekday() < 5 and not closed_days.collisions(rival, closed):
            assert abs(found - day) <= abs(rival - day)


def layer(number: int, *people: str, days: int = 7, hours_: tuple[int, int] | None = None) -> on_call.Layer:
    window = (time(hours_[0]), time(hours_[1])) if hours_ else (None, None)
    return on_call.Layer(number, datetime(2026, 3, 23, 9), days, people, *window)


def test_turns_hand_over_by_the_wall_clock() -> None:
    found = on_call.shifts(
        [layer(1, "ann", "bob")], [], "Europe/London", at("2026-03-23T09:00"), at("2026-04-06T08:00")
    )
    assert [(s.person, s.window.starts, s.window.ends) for s in found] == [
        ("ann", at("2026-03-23T09:00"), at("2026-03-30T08:00")),
        ("bob", at("2026-03-30T08:00"), at("2026-04-06T08:00")),
    ]


def test_later_layers_and_overrides_go_first() -> None:
    layers = [layer(1, "ann"), layer(2, "night", hours_=(22, 6))]
    over = [on_call.Override("eve", Interval(at("2026-03-24T23:00"), at("2026-03-25T00:00")))]
    who = {
        hour: getattr(
            on_call.on_call(layers, over, "UTC", at("2026-03-24T00:00") + hour * HOUR), "person", None
        )
        for hour in (1, 6, 21, 22, 23, 24, 29, 30)
    }
    assert who == {
        1: "night",
        6: "ann",
        21: "ann",
        22: "night",
        23: "eve",
        24: "night",
        29: "night",
        30: "ann",
    }
    assert on_call.on_call(layers, [], "UTC", at("2026-03-01T00:00")) is None


@settings(max_examples=40)
@given(
    zones,
    st.lists(
        st.tuples(st.integers(1, 9), st.none() | st.tuples(st.integers(0, 23), st.integers(0, 23))),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 300),
)
def test_the_schedule_has_one_person_at_a_time_and_no_gap_above_a_whole_layer(
    zone: str, kinds: list, ahead: int
) -> None:
    layers = [layer(1, "x", "y")] + [
        layer(n, f"p{n}", "q", days=d, hours_=h if h and h[0] != h[1] else None)
        for n, (d, h) in enumerate(kinds, 2)
    ]
    starts = at("2026-04-01T00:00") + timedelta(days=ahead)
    found = on_call.shifts(layers, [], zone, starts, starts + 20 * DAY)
    assert found[0].window.starts == starts
    assert found[-1].window.ends == starts + 20 * DAY
    assert all(a.window.ends == b.window.starts for a, b in itertools.pairwise(found))


items = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.integers(0, 3),
        st.integers(0, 3),
        st.sets(st.sampled_from("abc")),
        st.integers(1, 4),
    ),
    max_size=10,
).map(
    lambda rows: [
        load.Item(str(n), w, w - back, w + on, tuple((c, weight) for c in sorted(who)))
        for n, (w, back, on, who, weight) in enumerate(rows)
    ]
)


@settings(max_examples=150, deadline=None)
@given(items, st.fixed_dictionaries({"a": st.integers(1, 8), "b": st.integers(1, 8)}))
def test_the_sequencer_never_raises_the_peak_and_never_leaves_a_window(
    rows: list, limits: dict[str, int]
) -> None:
    before, over = load.peak(rows, limits), load.overload(rows, limits)
    now = {item.id: item for item in rows}
    last = before
    for move in load.sequence(rows, limits):
        item = now[move.id]
        assert item.week == move.week
        assert item.earliest <= move.to <= item.latest
        now[move.id] = load.Item(item.id, move.to, item.earliest, item.latest, item.loads)
        assert move.peak == last
        last = load.peak(list(now.values()), limits)
        assert last == move.peak_after <= move.peak
    after = list(now.values())
    assert (load.peak(after, limits), load.overload(after, limits)) <= (before, over)


def test_the_sequencer_lowers_the_peak() -> None:
    rows = [load.Item(n, 1, 0, 3, (("desk", 4),)) for n in "abc"]
    moves = load.sequence(rows, {"desk": 4})
    assert len(moves) == 2
    assert moves[-1].peak_after == 1


def test_the_pain_goes_round() -> None:
    nine, five = time(9), time(17)
    parties = [
        ceremonies.Party("London", "Europe/London", "12345", nine, five),
        ceremonies.Party("Sydney", "Australia/Sydney", "12345", nine, five),
    ]
    weeks = [date(2026, 6, 1) + timedelta(weeks=n) for n in range(4)]
    found = ceremonies.series(parties, weeks, 60, {})
    sums = {name: sum(dict(p.pain)[name] for p in found) for name in ("London", "Sydney")}
    assert abs(sums["London"] - sums["Sydney"]) <= 60
    assert all(sums.values())
    overlap = [parties[0], ceremonies.Party("Berlin", "Europe/Berlin", "12345", nine, five)]
    assert all(p.total == 0 for p in ceremonies.series(overlap, weeks, 60, {"London": 500}))
