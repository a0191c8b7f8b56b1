"""Release load by week, and a sequencer that lowers its peak within what each release allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

# What a release of a risk tier asks of whoever carries it.
WEIGHTS = {1: 4, 2: 3, 3: 2, 4: 1}
MOST_MOVES = 100


@dataclass(frozen=True)
class Item:
    """A release in a week, the weeks it may go to, and what it loads on whom."""

    id: str
    week: int
    earliest: int
    latest: int
    loads: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Move:
    """A release that should go to another week; the peak of all before and after it."""

    id: str
    week: int
    to: int
    peak: Fraction
    peak_after: Fraction
    relieves: str


def by_week(items: Sequence[Item]) -> dict[tuple[str, int], int]:
    """The load of each carrier in each week that has any."""
    found: dict[tuple[str, int], int] = {}
    for item in items:
        for carrier, load in item.loads:
            found[carrier, item.week] = found.get((carrier, item.week), 0) + load
    return found


def peak(items: Sequence[Item], limits: dict[str, int]) -> Fraction:
    """The highest load as a share of its limit."""
    shares = [Fraction(load, limits[c]) for (c, _), load in by_week(items).items() if c in limits]
    return max(shares, default=Fraction(0))


def overload(items: Sequence[Item], limits: dict[str, int]) -> int:
    """The sum of what lies above the limits."""
    return sum(max(0, load - limits[c]) for (c, _), load in by_week(items).items() if c in limits)


def sequence(items: Sequence[Item], limits: dict[str, int]) -> list[Move]:
    """Moves, one after the other, each of which lowers the peak, or the overload without raising the peak."""
    now = list(items)
    moves: list[Move] = []
    while overload(now, limits) and len(moves) < MOST_MOVES:
        at = (peak(now, limits), overload(now, limits))
        best: tuple[tuple[Fraction, int, int, str], int, int] | None = None
        for index, item in enumerate(now):
            if not any(_too_much(now, limits, carrier, item.week) for carrier, _ in item.loads):
                continue
            for week in range(item.earliest, item.latest + 1):
                if week == item.week:
                    continue
                then = [*now[:index], replace(item, week=week), *now[index + 1 :]]
                key = (peak(then, limits), overload(then, limits))
                if key < at:
                    rank = (*key, abs(week - item.week), item.id)
                    if best is None or rank < best[0]:
                        best = (rank, index, week)
        if best is None:
            break
        (after, *_), index, week = best
        item = now[index]
        relieved = next(c for c, _ in item.loads if _too_much(now, limits, c, item.week))
        moves.append(Move(item.id, item.week, week, at[0], after, relieved))
        now[index] = replace(item, week=week)
    return moves


def _too_much(items: Sequence[Item], limits: dict[str, int], carrier: str, week: int) -> bool:
    return carrier in limits and by_week(items).get((carrier, week), 0) > limits[carrier]
