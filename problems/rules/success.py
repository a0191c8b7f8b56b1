"""Success criteria: what was before the fix, what is since, and whether that is what was agreed. Nothing to compare never passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

INCIDENTS, RESTORE = "incidents", "restore"
METRIC_BY, AT_MOST, AT_LEAST = "metric_by", "metric_at_most", "metric_at_least"
FEW = 5


@dataclass(frozen=True)
class Measured:
    """Before and since, how much each rests on, and what that means; `met` is None where nothing can be said."""

    before: float | None
    before_size: int
    since: float | None
    since_size: int
    met: bool | None
    sentence: str


def fall(before: float, since: float) -> float:
    """By how many percent it fell; negative when it rose."""
    return 100 * (before - since) / before


def incidents_a_week(
    before: int, before_span: timedelta, since: int, since_span: timedelta, target: float
) -> Measured:
    """How many fewer incidents a week there are."""
    week = timedelta(days=7)
    was = before / (before_span / week) if before_span > timedelta() else None
    now = since / (since_span / week) if since_span > timedelta() else None
    return _fell(was, before, now, since, target, "incidents a week")


def hours_to_restore(before: Sequence[float], since: Sequence[float], target: float) -> Measured:
    """By how much the mean time to restore fell."""
    return _fell(
        fmean(before) if before else None,
        len(before),
        fmean(since) if since else None,
        len(since),
        target,
        "hours to restore",
        of="restored incidents",
    )


def metric(kind: str, before: Sequence[float], since: Sequence[float], target: float) -> Measured:
    """The mean of a metric: fallen by so many percent, or at most or at least so much."""
    was, now = (fmean(values) if values else None for values in (before, since))
    if kind == METRIC_BY:
        return _fell(was, len(before), now, len(since), target, "on average", of="values")
    if now is None:
        return Measured(was, len(before), None, 0, None, "No value of it came in since the fix.")
    met = now <= target if kind == AT_MOST else now >= target
    word = "at most" if kind == AT_MOST else "at least"
    said = f"{now:.4g} on average of {len(since)} values; agreed was {word} {target:g}."
    return Measured(was, len(before), now, len(since), met, said + _small(len(since)))


def _fell(
    was: float | None,
    n_was: int,
    now: float | None,
    n_now: int,
    target: float,
    unit: str,
    of: str = "incidents",
) -> Measured:
    if was is None or was <= 0:
        return Measured(was, n_was, now, n_now, None, f"There were no {of} before the fix to compare with.")
    if now is None:
        return Measured(was, n_was, None, n_now, None, f"There are no {of} since the fix.")
    by = fall(was, now)
    moved = f"fell by {by:.0f} %" if by >= 0 else f"rose by {-by:.0f} %"
    said = f"{was:.3g} {unit} before, {now:.3g} since: {moved}; agreed was {target:g} %."
    return Measured(was, n_was, now, n_now, by >= target, said + _small(n_was))


def _small(size: int) -> str:
    return f" It rests on {size} only." if size < FEW else ""


def spans(
    starts: datetime, ends: datetime, at: datetime, before_days: int
) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    """The time before the fix, and that since, each [from, until)."""
    return (starts - timedelta(days=before_days), starts), (starts, min(ends, at))
