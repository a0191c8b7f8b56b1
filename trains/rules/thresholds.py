"""Measurements against limits, one after another: when a metric has failed, passed, or says nothing yet.

The limits are those of Argo Rollouts' analyses. One difference on purpose: an analysis that is ended before anything
was measured is inconclusive here, never successful.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How it stands, from best to worst."""

    SUCCESSFUL = "Successful"
    RUNNING = "Running"
    PENDING = "Pending"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"
    FAILED = "Failed"


_WORST_LAST = list(Phase)


@dataclass(frozen=True)
class Limits:
    """What a metric may show before it is over.

    failures              more failed measurements than this fail it; negative: any number may fail
    inconclusive          more inconclusive ones than this leave it inconclusive
    consecutive_errors    more errors in a row than this end it in error
    consecutive_successes so many successes in a row are enough; 0: not asked for
    count                 so many measurements are wanted; None: one if there is no interval, else no end
    """

    failures: int = 0
    inconclusive: int = 0
    consecutive_errors: int = 4
    consecutive_successes: int = 0
    count: int | None = None
    interval: float | None = None

    @property
    def wanted(self) -> int | None:
        return self.count if self.count else None if self.interval else 1


@dataclass(frozen=True)
class Tally:
    """The measurements so far."""

    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    consecutive_errors: int = 0
    consecutive_successes: int = 0


def measured(success: bool | None, failure: bool | None) -> Phase:
    """What one measurement says; None: that condition was not set. A condition that cannot be read is an error before."""
    if failure:
        return Phase.FAILED
    if success is None and failure is None:
        return Phase.SUCCESSFUL
    if success is None or success:
        return Phase.SUCCESSFUL
    return Phase.FAILED if failure is None else Phase.INCONCLUSIVE


def tally(phases: Sequence[Phase]) -> Tally:
    """The counts of measurements in their order."""
    errors = successes = 0
    for phase in phases:
        errors = errors + 1 if phase is Phase.ERROR else 0
        successes = successes + 1 if phase is Phase.SUCCESSFUL else 0
    return Tally(
        count=len(phases),
        successful=sum(phase is Phase.SUCCESSFUL for phase in phases),
        failed=sum(phase is Phase.FAILED for phase in phases),
        inconclusive=sum(phase is Phase.INCONCLUSIVE for phase in phases),
        consecutive_errors=errors,
        consecutive_successes=successes,
    )


def assess(limits: Limits, so_far: Tally, *, terminating: bool = False) -> Phase:
    """How a metric stands after its finished measurements."""
    if not so_far.count:
        return Phase.INCONCLUSIVE if terminating else Phase.PENDING
    if 0 <= limits.failures < so_far.failed:
        return Phase.FAILED
    if so_far.inconclusive > limits.inconclusive:
        return Phase.INCONCLUSIVE
    if so_far.consecutive_errors > limits.consecutive_errors:
        return Phase.ERROR
    asks_for_successes = limits.consecutive_successes > 0
    if asks_for_successes and so_far.consecutive_successes >= limits.consecutive_successes:
        return Phase.SUCCESSFUL
    if limits.wanted is not None and so_far.count >= limits.wanted:
        if not asks_for_successes:
            return Phase.SUCCESSFUL
        return Phase.INCONCLUSIVE if limits.failures >= 0 else Phase.FAILED
    return Phase.SUCCESSFUL if terminating else Phase.RUNNING


def worst(phases: Iterable[Phase]) -> Phase:
    """The phase of several metrics together; of none it is pending."""
    return max(phases, key=_WORST_LAST.index, default=Phase.PENDING)


def next_at(metrics: Iterable[tuple[float, float]]) -> float | None:
    """When to measure next: the earliest of (last finished, interval) over the metrics that still run."""
    return min((last + interval for last, interval in metrics), default=None)
