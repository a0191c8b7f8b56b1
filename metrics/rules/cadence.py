"""Other cadences tried on a train's own past: when changes were ready, and how long its releases take.

Changes wait for the next cut. A cut finds the release work free or waits for it (one release at a time), takes all that is
ready, and reaches production after as long as one of the train's past releases took, drawn anew in each run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from releasetrain.kernel.lazy_numpy import np

CANDIDATES = (1, 2, 7, 14, 21, 28, 42, 56, 84)
RUNS = 60
LEAST_CHANGES, LEAST_RELEASES = 20, 5
MOST_READ = 1_000
BUSY, LATE_CUTS = 0.8, 0.05
YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of the runs, and between what nine in ten of them lie."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What a cadence would have meant for this past."""

    days: float
    lead: Spread
    lead_85: Spread
    batch: Spread
    batch_95: Spread
    busy: float
    late_cuts: Spread
    releases_a_year: float
    feasible: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The trials, which of them is proposed, and what that rests on."""

    trials: tuple[Trial, ...]
    present: Trial | None
    proposed: Trial | None
    sentence: str
    refusal: str
    changes: int
    releases: int


def advise(
    ready: Sequence[float],
    durations: Sequence[float],
    present: float | None,
    *,
    candidates: Sequence[float] = CANDIDATES,
    runs: int = RUNS,
    seed: int = 1,
) -> Advice:
    """`ready`: days at which changes were ready, from any zero; `durations`: days that past releases took from freeze to
    production; `present`: days between releases now."""
    if len(ready) < LEAST_CHANGES or len(durations) < LEAST_RELEASES:
        said = (
            f"{len(ready)} changes and {len(durations)} releases that know how long they took are on record; a simulation needs at least"
            f" {LEAST_CHANGES} and {LEAST_RELEASES}."
        )
        return Advice((), None, None, "", said, len(ready), len(durations))
    wanted = sorted({float(d) for d in candidates} | ({round(present, 1)} if present else set()))
    trials = tuple(trial(ready, durations, days, runs=runs, seed=seed) for days in wanted)
    mine = next((t for t in trials if present and t.days == round(present, 1)), None)
    able = [t for t in trials if t.feasible]
    proposed = min(able, key=lambda t: (t.lead_85.middle, t.days), default=None)
    return Advice(trials, mine, proposed, _sentence(mine, proposed), "", len(ready), len(durations))


def trial(
    ready: Sequence[float], durations: Sequence[float], days: float, *, runs: int = RUNS, seed: int = 1
) -> Trial:
    """One cadence over all runs. The first cut falls on another day in each run, so that no lucky day decides."""
    if days <= 0:
        raise ValueError("A cadence is longer than nothing.")
    arrivals = np.sort(np.asarray(ready, dtype=np.float64))
    listed, taken = arrivals.tolist(), list(map(float, durations))
    draw = Random(seed)  # noqa: S311 - a simulation
    leads: list[float] = []
    tails: list[float] = []
    batches: list[float] = []
    tops: list[float] = []
    late: list[float] = []
    for run in range(runs):
        lead, sizes, waited = _run(arrivals, listed, taken, days, (run + 0.5) / runs * days, draw)
        # Of very many changes every so-manieth is read: they stand in the order of time.
        some = lead[:: max(1, len(lead) // MOST_READ)]
        for into, out_of, shares in (((leads, tails), some, (50, 85)), ((batches, tops), sizes, (50, 95))):
            for each, value in zip(into, np.percentile(out_of, shares), strict=True):
                each.append(float(value))
        late.append(waited)
    busy = sum(taken) / len(taken) / days
    waits = _spread(late)
    feasible = busy <= BUSY and waits.middle <= LATE_CUTS
    return Trial(
        days, _spread(leads), _spread(tails), _spread(batches), _spread(tops), busy, waits, YEAR / days, feasible,
        "" if feasible else _why_not(busy, waits),
    )  # fmt: skip


def _run(
    arrivals: Any, listed: Sequence[float], taken: Sequence[float], days: float, offset: float, draw: Random
) -> tuple[Any, Any, float]:
    """Lead times, batch sizes and the share of cuts that found the release work busy."""
    free = cut = listed[0] - days + offset
    done, waited = 0, 0
    ends: list[float] = []
    sizes: list[int] = []
    while done < len(listed):
        cut += days
        start = max(cut, free)
        upto = bisect_right(listed, start, done)
        if upto == done:
            continue
        waited += start > cut
        free = start + draw.choice(taken)
        ends.append(free)
        sizes.append(upto - done)
        done = upto
        # A cut that waited for the one before takes the place of those that fell into the wait.
        cut = max(cut, start - (start - cut) % days)
    return np.repeat(ends, sizes) - arrivals, np.asarray(sizes), waited / len(sizes)


def _spread(values: list[float]) -> Spread:
    low, middle, high = (float(v) for v in np.percentile(np.asarray(values), (5, 50, 95)))
    return Spread(middle, low, high)


def _why_not(busy: float, waits: Spread) -> str:
    if busy > BUSY:
        return f"Release work would be busy {busy:.0%} of the time; above {BUSY:.0%} queues grow quickly."
    return f"{waits.middle:.0%} of the cuts would find the release before still under way."


def every(days: float) -> str:
    """A cadence in words."""
    return "day" if days == 1 else f"{days:g} days"


def _sentence(present: Trial | None, proposed: Trial | None) -> str:
    if proposed is None:
        return "At none of these cadences would releases stop getting in each other's way: shorten the release work first."
    gain = f"85 % of changes in production within {proposed.lead_85.middle:.1f} days"
    if present is None:
        return f"Every {every(proposed.days)} would have had {gain}."
    if proposed.days == present.days:
        return f"The present cadence of {present.days:g} days is the best of those tried: {gain}."
    if proposed.lead_85.high >= present.lead_85.low:
        return (
            f"Every {every(proposed.days)} instead of {every(present.days)} would have made no difference that stands out from"
            " the spread of the runs."
        )
    return (
        f"Every {every(proposed.days)} instead of {every(present.days)} would have had {gain} instead of"
        f" {present.lead_85.middle:.1f}."
    )
