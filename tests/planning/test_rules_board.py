"""The board: states of strings, slack in working days, load of cells, conflicts in words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.board import (
    Agreement,
    Board,
    Capacity,
    Card,
    Dependency,
    Iteration,
    LoadState,
    StringState,
    cell_load,
)
from planning.rules.working_days import WorkingCalendar

MONDAY = date(2024, 1, 8)
ITERATIONS = [
    Iteration(f"I{n + 1}", MONDAY + timedelta(weeks=2 * n), MONDAY + timedelta(weeks=2 * n + 2))
    for n in range(5)
]


def string(provider: int | None, consumer: int | None, min_slack: int = 0, **fields):
    forecast = fields.pop("forecast", None)
    cards = [
        Card("F-1", "Login", "Blue", provider, 5, forecast=forecast),
        Card("F-2", "Checkout", "Red", consumer, 5),
    ]
    return Board(ITERATIONS, cards).string(Dependency("D-1", "F-1", "F-2", **fields), min_slack)


@pytest.mark.parametrize(
    ("provider", "consumer", "fields", "state", "slack"),
    [
        (0, 1, {}, "healthy", 0),
        (0, 2, {}, "healthy", 10),
        (1, 1, {}, "conflict", -10),
        (2, 1, {}, "conflict", -20),
        (None, 1, {}, "at_risk", None),
        (1, None, {}, "at_risk", None),
        (1, None, {"needed": 3}, "healthy", 10),
        (2, 4, {"needed": 2}, "conflict", -10),
        (0, 2, {"agreement": Agreement.PROPOSED}, "at_risk", 10),
        (0, 2, {"agreement": Agreement.AT_RISK}, "at_risk", 10),
        (0, 2, {"agreement": Agreement.BLOCKED}, "at_risk", 10),
        (0, 2, {"agreement": Agreement.COMMITTED}, "healthy", 10),
        (2, 1, {"agreement": Agreement.DONE}, "healthy", -20),
        (0, 1, {"min_slack": 1}, "at_risk", 0),
        (0, 1, {"forecast": MONDAY + timedelta(weeks=2, days=3)}, "conflict", -3),
        (0, 2, {"forecast": MONDAY + timedelta(weeks=2, days=5)}, "healthy", 5),
    ],
)
def test_the_state_of_a_string(provider, consumer, fields, state, slack):
    found = string(provider, consumer, **fields)
    assert (found.state, found.slack_days) == (StringState(state), slack)
    assert found.sentence.endswith(".")


def test_strings_say_why_they_are_coloured():
    assert (
        string(1, 1).sentence == "F-2 (Red) needs F-1 (Blue) by I2, but it is planned in the same iteration."
    )
    assert string(3, 1).sentence.endswith("but it is planned in I4, which is later.")
    assert string(0, 1, forecast=MONDAY + timedelta(weeks=2, days=1)).sentence.endswith(
        "but it is expected 1 working day after that starts."
    )
    assert string(None, 1).sentence.endswith("F-1 (Blue) is not placed in an iteration.")


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
def test_moving_the_provider_later_never_makes_a_string_better(provider, later, consumer):
    order = [StringState.HEALTHY, StringState.AT_RISK, StringState.CONFLICT]
    first, second = sorted((provider, later))
    one, two = string(first, consumer), string(second, consumer)
    assert order.index(one.state) <= order.index(two.state)
    assert one.slack_days >= two.slack_days
    assert (two.state is StringState.CONFLICT) == (second >= consumer)


@pytest.mark.parametrize(
    ("load", "capacity", "state"),
    [
        (8, Capacity(10, 2), LoadState.FITS),
        (8.5, Capacity(10, 2), LoadState.IN_BUFFER),
        (10, Capacity(10, 2), LoadState.IN_BUFFER),
        (10.5, Capacity(10, 2), LoadState.OVER),
        (1, Capacity(0, 2), LoadState.OVER),
        (1, None, LoadState.UNKNOWN),
    ],
)
def test_load_against_capacity_minus_buffer(load, capacity, state):
    assert cell_load("Blue", "I1", [Card("F", "", "Blue", 0, load)], capacity).state is state


def test_conflicts_of_strings_and_cells_are_told():
    cards = [Card("F-1", "", "Blue", 1, 8), Card("F-2", "", "Red", 1, 3), Card("F-3", "", "Blue", 1, 5)]
    board = Board(ITERATIONS, cards)
    conflicts = board.conflicts([Dependency("D", "F-1", "F-2")], {("Blue", 1): Capacity(12, 2)})
    assert conflicts == (
        "F-2 (Red) needs F-1 (Blue) by I2, but it is planned in the same iteration.",
        "Blue in I2: 13 planned, 1 above the capacity of 12.",
    )
    loads = {(load.team, load.iteration): load.state for load in board.loads({("Green", 0): Capacity(5)})}
    assert loads[("Green", "I1")] is LoadState.FITS
    assert loads[("Red", "I2")] is LoadState.UNKNOWN


def test_overlapping_iterations_are_refused():
    with pytest.raises(ValueError, match="starts before"):
        Board([ITERATIONS[0], replace_start(ITERATIONS[1])], [])


def replace_start(iteration: Iteration) -> Iteration:
    return Iteration(iteration.name, iteration.start - timedelta(days=1), iteration.end)


days = st.dates(date(2023, 1, 1), date(2025, 12, 31))


@given(days, days, days, st.sets(days, max_size=20))
def test_working_days_count_like_a_loop_and_add_up(one, two, three, holidays):
    calendar = WorkingCalendar(holidays)
    first, last = sorted((one, two))
    everyday = (first + timedelta(days=n) for n in range((last - first).days))
    assert calendar.between(first, last) == sum(d.weekday() < 5 and d not in holidays for d in everyday)
    assert calendar.between(one, three) + calendar.between(three, two) == calendar.between(one, two)
    assert calendar.is_working(one) == (one.weekday() < 5 and one not in holidays)


def test_a_full_board_is_quick():
    cards = [Card(f"F{n}", "", f"T{n % 30}", n % 5, 3) for n in range(400)]
    board = Board(ITERATIONS, cards)
    strings = board.strings([Dependency(f"D{n}", f"F{n}", f"F{(n * 7 + 1) % 400}") for n in range(300)])
    assert {each.state for each in strings} == {StringState.HEALTHY, StringState.CONFLICT}
