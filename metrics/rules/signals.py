"""What monitoring and support report, counted into the priority of the backlog item that answers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from planning.rules.exposure import impact_of, likelihood_of, proposed_risk_reduction

WINDOW = timedelta(days=28)
# Production counts while it speaks; a report older than this no longer raises anything.
MEMORY_DAYS = 364


@dataclass(frozen=True, slots=True)
class Count:
    """So many signals at a moment."""

    at: datetime
    times: int
    severity: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """Signals of the last four weeks and of the four before, and the exposure and risk reduction that follow."""

    recent: int
    before: int
    year: int
    worst: int | None
    likelihood: int
    impact: int
    exposure: int
    risk_reduction: int
    sentence: str

    @property
    def rising(self) -> bool:
        return self.recent > self.before


def pressure(counts: Iterable[Count], moment: datetime) -> Pressure | None:
    """The pressure at a moment, or nothing without a signal in the last year."""
    listed = [
        c for c in counts if timedelta(0) <= moment - c.at < timedelta(days=MEMORY_DAYS) and c.times > 0
    ]
    if not listed:
        return None
    recent = sum(c.times for c in listed if moment - c.at < WINDOW)
    before = sum(c.times for c in listed if WINDOW <= moment - c.at < 2 * WINDOW)
    year = sum(c.times for c in listed)
    worst = min(c.severity for c in listed)
    likelihood = max(likelihood_of(recent, WINDOW.days), likelihood_of(year, MEMORY_DAYS))
    impact = impact_of(worst)
    exposure = likelihood * impact
    proposed = proposed_risk_reduction(exposure)
    said = (
        f"{recent} signals in the last four weeks, {before} in the four before, worst severity {worst}: likelihood"
        f" {likelihood} × impact {impact} = exposure {exposure}, so risk reduction {proposed}."
    )
    return Pressure(recent, before, year, worst, likelihood, impact, exposure, proposed, said)
