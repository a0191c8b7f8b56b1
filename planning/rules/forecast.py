"""Monte Carlo forecast: weeks of the past are drawn again and again until the work is done, or the day has come.

Bootstrap of whole weeks, with replacement, so that quiet weeks count as often as they happened. The same history,
question and seed give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

LIKELIHOODS = (50, 85, 95)
RUNS = 10_000
LEAST_WEEKS = 4
MOST_WEEKS = 520


@dataclass(frozen=True, slots=True)
class Week:
    """What was finished in the week that began on this Monday, and who counted it."""

    monday: date
    done: int
    source: str = "here"


@dataclass(frozen=True, slots=True)
class Likely:
    """With this likelihood in percent it takes no more than these weeks; None beyond ten years."""

    percent: int
    weeks: int | None
    on: date | None


@dataclass(frozen=True, slots=True)
class Reach:
    """With this likelihood in percent at least this much is done by the day."""

    percent: int
    done: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the remaining work is done, how much is done by a day, and what both rest on."""

    remaining: int
    start: date
    seed: int
    runs: int
    history: tuple[Week, ...]
    dates: tuple[Likely, ...]
    until: date | None
    reach: tuple[Reach, ...]
    share_by_then: float | None
    spread: tuple[tuple[int, int], ...]

    @property
    def sentence(self) -> str:
        total = sum(w.done for w in self.history)
        first, last = self.history[0].monday, self.history[-1].monday
        return (
            f"{self.runs:,} runs with seed {self.seed}, each drawing from {len(self.history)} weeks ({first} to {last}) "
            f"in which {total} were finished, {total / len(self.history):.1f} a week."
        )


class NoHistoryError(ValueError):
    """Too little is known of the past; the message says what is missing."""


def forecast(
    history: Sequence[Week],
    remaining: int,
    start: date,
    *,
    seed: int = 1,
    until: date | None = None,
    runs: int = RUNS,
) -> Forecast:
    """Forecast `remaining` items from `start` on. Raises NoHistoryError below four weeks or without anything done."""
    if len(history) < LEAST_WEEKS:
        raise NoHistoryError(f"A forecast needs {LEAST_WEEKS} finished weeks; there are {len(history)}.")
    if not any(week.done for week in history):
        raise NoHistoryError("Nothing was finished in the weeks of the history.")
    import numpy

    draw = numpy.random.default_rng(seed)
    past = numpy.array([week.done for week in history], dtype=numpy.int64)
    # Twice the plain average, and room for bad luck; runs that do not finish in it are drawn on.
    horizon = min(MOST_WEEKS, ceil(2 * remaining / past.mean()) + 12)
    done = numpy.cumsum(draw.choice(past, size=(runs, horizon)), axis=1)
    while horizon < MOST_WEEKS and (done[:, -1] < remaining).any():
        more = min(horizon, MOST_WEEKS - horizon)
        later = numpy.cumsum(draw.choice(past, size=(runs, more)), axis=1) + done[:, -1:]
        done, horizon = numpy.concatenate([done, later], axis=1), horizon + more
    finished = done[:, -1] >= remaining
    taken = numpy.where(finished, (done < remaining).sum(axis=1) + 1, MOST_WEEKS + 1)
    if remaining <= 0:
        taken = numpy.zeros(runs, dtype=numpy.int64)
    ordered = numpy.sort(taken)
    dates = tuple(
        _likely(percent, int(ordered[ceil(runs * percent / 100) - 1]), start) for percent in LIKELIHOODS
    )
    weeks, counts = numpy.unique(taken[taken <= MOST_WEEKS], return_counts=True)
    reach, share = _reach(numpy, done, remaining, taken, start, until)
    return Forecast(
        remaining=remaining,
        start=start,
        seed=seed,
        runs=runs,
        history=tuple(history),
        dates=dates,
        until=until,
        reach=reach,
        share_by_then=share,
        spread=tuple(zip(weeks.tolist(), counts.tolist(), strict=True)),
    )


def _likely(percent: int, weeks: int, start: date) -> Likely:
    if weeks > MOST_WEEKS:
        return Likely(percent, None, None)
    return Likely(percent, weeks, start + timedelta(weeks=weeks))


def _reach(numpy, done, remaining, taken, start, until):  # type: ignore[no-untyped-def]
    """How much is done in the whole weeks up to the day, and in how many runs that is everything."""
    if until is None:
        return (), None
    weeks = (until - start).days // 7
    if weeks <= 0:
        return tuple(Reach(percent, 0) for percent in LIKELIHOODS), 1.0 if remaining <= 0 else 0.0
    by_then = numpy.sort(done[:, min(weeks, done.shape[1]) - 1])
    runs = len(by_then)
    # At least: the value that this share of the runs reaches or exceeds.
    reach = tuple(
        Reach(percent, int(min(by_then[runs - ceil(runs * percent / 100)], remaining)))
        for percent in LIKELIHOODS
    )
    return reach, float((taken <= weeks).mean())
