"""Weighted shortest job first: cost of delay ÷ job size, ranking, spread of scorers, sensitivity of the
ranking."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

SCALE = (1, 2, 3, 5, 8, 13, 20)
COLUMNS = ("value", "time_criticality", "risk_reduction", "size")
TITLES = {
    "value": "User-business value",
    "time_criticality": "Time criticality",
    "risk_reduction": "Risk reduction or opportunity enablement",
    "size": "Job size",
}


@dataclass(frozen=True, slots=True)
class Job:
    """A feature with its agreed scores."""

    id: str
    value: int
    time_criticality: int
    risk_reduction: int
    size: int
    created_at: datetime

    @property
    def cost_of_delay(self) -> int:
        return cost_of_delay(self.value, self.time_criticality, self.risk_reduction)

    @property
    def wsjf(self) -> Fraction:
        return wsjf(self.value, self.time_criticality, self.risk_reduction, self.size)


def cost_of_delay(value: int, time_criticality: int, risk_reduction: int) -> int:
    """User-business value + time criticality + risk reduction or opportunity enablement."""
    if min(value, time_criticality, risk_reduction) < 0:
        raise ValueError("Scores are zero or more.")
    return value + time_criticality + risk_reduction


def wsjf(value: int, time_criticality: int, risk_reduction: int, size: int) -> Fraction:
    """Cost of delay ÷ job size, as an exact fraction, so that equal scores are equal."""
    if size <= 0:
        raise ValueError("The job size must be larger than zero.")
    return Fraction(cost_of_delay(value, time_criticality, risk_reduction), size)


def off_scale(scores: Mapping[str, int]) -> tuple[str, ...]:
    """Sentences for the scores that are not on the modified Fibonacci scale."""
    steps = ", ".join(map(str, SCALE))
    return tuple(
        f"{TITLES[column]} is {score}; the scale is {steps}."
        for column, score in scores.items()
        if score not in SCALE
    )


def unanchored(jobs: Iterable[Job]) -> tuple[str, ...]:
    """Scores are relative: sentences for the columns in which no job is the 1 that others are compared
    with."""
    rows = list(jobs)
    return tuple(
        f"{TITLES[column]}: the smallest job should be 1; it is {smallest}."
        for column in COLUMNS
        if rows and (smallest := min(getattr(job, column) for job in rows)) != 1
    )


@dataclass(frozen=True, slots=True)
class Anchor:
    """The smallest of a column: the others are compared with it, and it should be the 1."""

    column: str
    smallest: int
    jobs: tuple[str, ...]

    @property
    def found(self) -> bool:
        return self.smallest == 1

    @property
    def sentence(self) -> str:
        title, named = TITLES[self.column], ", ".join(self.jobs[:3])
        more = f" and {len(self.jobs) - 3} more" if len(self.jobs) > 3 else ""
        if self.found:
            return f"{title}: {named}{more} {'is' if len(self.jobs) == 1 else 'are'} the 1."
        return f"{title}: the smallest job should be 1; {named}{more} {'is' if len(self.jobs) == 1 else 'are'} {self.smallest}."


def anchors(jobs: Iterable[Job]) -> tuple[Anchor, ...]:
    """The smallest jobs of each column; empty without jobs."""
    rows = list(jobs)
    found = []
    for column in COLUMNS if rows else ():
        smallest = min(getattr(job, column) for job in rows)
        found.append(
            Anchor(column, smallest, tuple(job.id for job in rows if getattr(job, column) == smallest))
        )
    return tuple(found)


def rescaled(scores: Mapping[str, int]) -> dict[str, int]:
    """One column as multiples of its smallest, on the scale: the smallest becomes 1 and no order is reversed."""
    if not scores:
        return {}
    smallest = min(scores.values())
    return {name: _nearest(Fraction(score, smallest)) for name, score in scores.items()}


def _nearest(number: Fraction) -> int:
    """The step of the scale nearest to a number; between two, the larger."""
    return min(reversed(SCALE), key=lambda step: abs(step - number))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A job with its rank from 1, and the sentence that says what put it there."""

    rank: int
    job: Job
    reason: str

    @property
    def score(self) -> str:
        return shown(self.job.wsjf)


def rank(jobs: Iterable[Job]) -> tuple[Ranked, ...]:
    """Highest WSJF first; ties by higher time criticality, then the older job, then the id."""
    ordered = sorted(jobs, key=_order)
    found = []
    for place, job in enumerate(ordered):
        reason = (
            f"({job.value} + {job.time_criticality} + {job.risk_reduction}) ÷ {job.size} = {shown(job.wsjf)}"
        )
        before = ordered[place - 1] if place else None
        if before is not None and before.wsjf == job.wsjf:
            reason += f"; tied with {before.id}, behind it by {_tie(before, job)}"
        found.append(Ranked(place + 1, job, reason))
    return tuple(found)


def shown(score: Fraction) -> str:
    """A score for reading: two digits, none when whole."""
    return str(score.numerator) if score.denominator == 1 else f"{float(score):.2f}"


def _order(job: Job) -> tuple[Fraction, int, datetime, str]:
    return -job.wsjf, -job.time_criticality, job.created_at, job.id


def _tie(before: Job, job: Job) -> str:
    if before.time_criticality != job.time_criticality:
        return "time criticality"
    return "age" if before.created_at != job.created_at else "id"


@dataclass(frozen=True, slots=True)
class Scores:
    """What one person gave a job."""

    scorer: str
    value: int
    time_criticality: int
    risk_reduction: int
    size: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the scorers lie apart in one column, in steps of the scale, and who holds the ends."""

    column: str
    low: int
    high: int
    middle: int
    steps: int
    lowest: tuple[str, ...]
    highest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        title = TITLES[self.column]
        if self.steps == 0:
            return f"{title}: all say {self.low}."
        ends = f"{self.low} ({', '.join(self.lowest)}) to {self.high} ({', '.join(self.highest)})"
        advice = " Talk about it before agreeing." if self.steps > 1 else ""
        return f"{title}: {ends}, {self.steps} step{'s' if self.steps > 1 else ''} apart.{advice}"


def spread(scores: Sequence[Scores]) -> tuple[Spread, ...]:
    """The spread of each column; empty without scores. `middle` is the lower median, a value somebody
    gave."""
    if not scores:
        return ()
    found = []
    for column in COLUMNS:
        given = sorted(getattr(each, column) for each in scores)
        low, high = given[0], given[-1]
        found.append(
            Spread(
                column=column,
                low=low,
                high=high,
                middle=given[(len(given) - 1) // 2],
                steps=_step(high) - _step(low),
                lowest=tuple(each.scorer for each in scores if getattr(each, column) == low),
                highest=tuple(each.scorer for each in scores if getattr(each, column) == high),
            )
        )
    return tuple(found)


def steps_between(low: int, high: int) -> int:
    """How many steps of the scale lie between two scores."""
    return _step(high) - _step(low)


def _step(score: int) -> int:
    """The place of a score on the scale; one between two steps counts as the higher, above the scale as its
    end."""
    return next((place for place, step in enumerate(SCALE) if score <= step), len(SCALE) - 1)


@dataclass(frozen=True, slots=True)
class Flip:
    """Where a job falls when its size was underestimated by one step."""

    job: str
    size: int
    larger: int
    rank: int
    new_rank: int
    overtaken_by: tuple[str, ...]

    @property
    def sentence(self) -> str:
        named = ", ".join(self.overtaken_by[:3])
        more = f" and {len(self.overtaken_by) - 3} more" if len(self.overtaken_by) > 3 else ""
        return (
            f"If {self.job} is {self.larger} instead of {self.size}, it falls from rank {self.rank} "
            f"to {self.new_rank}, behind {named}{more}."
        )


def sensitivity(jobs: Sequence[Job]) -> tuple[Flip, ...]:
    """The jobs whose rank flips if their size is one step larger, in the order of the ranking.

    Each job is tried alone, the others stay as they are. A job at the end of the scale cannot grow.
    """
    ordered = sorted(jobs, key=_order)
    keys = [_order(job) for job in ordered]
    found = []
    for place, job in enumerate(ordered):
        larger = next((step for step in SCALE if step > job.size), None)
        if larger is None:
            continue
        behind = bisect_left(keys, _order(replace(job, size=larger)), lo=place + 1)
        if behind > place + 1:
            overtakers = tuple(other.id for other in ordered[place + 1 : behind])
            found.append(Flip(job.id, job.size, larger, place + 1, behind, overtakers))
    return tuple(found)
