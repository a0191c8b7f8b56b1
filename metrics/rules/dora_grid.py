"""The five delivery metrics for every service (team, train) and every month (week, day) in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metrics.rules.dora import (
    ChangeInDeployment,
    DeploymentLog,
    FailureLink,
    LeadStart,
    RecoveryStart,
    failures,
    lead_times,
    recovery_times,
)
from metrics.rules.periods import ABSENT, Bucket, Period, Slot, micros, slots
from metrics.rules.samples import grouped_percentile
from releasetrain.kernel.lazy_numpy import np

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One group in one bucket. A share or a median without rows behind it is nothing, never zero."""

    group: str
    slot: Slot
    deployments: int
    failed: int
    rework: int
    changes: int
    recovered: int
    lead_seconds: float | None
    recovery_seconds: float | None

    @property
    def fail_rate(self) -> float | None:
        return self.failed / self.deployments if self.deployments else None

    @property
    def rework_rate(self) -> float | None:
        return self.rework / self.deployments if self.deployments else None


@dataclass(frozen=True, slots=True)
class Grid:
    """Arrays of (group, bucket)."""

    groups: tuple[str, ...]
    slots: tuple[Slot, ...]
    deployments: Any
    failed: Any
    rework: Any
    changes: Any
    recovered: Any
    lead_seconds: Any
    recovery_seconds: Any

    def cell(self, group: str, bucket: int) -> Cell:
        return self._cell(self.groups.index(group), bucket)

    def cells(self) -> Iterator[Cell]:
        """Every cell with a deployment, by group and bucket."""
        for at, bucket in zip(*np.nonzero(self.deployments), strict=True):
            yield self._cell(int(at), int(bucket))

    def _cell(self, at: int, bucket: int) -> Cell:
        def known(value: float) -> float | None:
            return None if np.isnan(value) else float(value)

        return Cell(
            group=self.groups[at],
            slot=self.slots[bucket],
            deployments=int(self.deployments[at, bucket]),
            failed=int(self.failed[at, bucket]),
            rework=int(self.rework[at, bucket]),
            changes=int(self.changes[at, bucket]),
            recovered=int(self.recovered[at, bucket]),
            lead_seconds=known(self.lead_seconds[at, bucket]),
            recovery_seconds=known(self.recovery_seconds[at, bucket]),
        )


def dora_grid(
    log: DeploymentLog,
    changes: Sequence[ChangeInDeployment],
    links: Sequence[FailureLink],
    period: Period,
    *,
    by: Literal["service", "team", "train"] = "service",
    bucket: Bucket = Bucket.MONTH,
    zone: str = "UTC",
    start: LeadStart = LeadStart.COMMITTED,
    recovery_start: RecoveryStart = RecoveryStart.FAILURE_STARTED,
    share: float = 0.5,
) -> Grid:
    """The same rules as the single metrics; `share` is the percentile of the two times, 0.5 for the
    median."""
    found = slots(period, bucket, zone)
    codes, names = log.codes(by)
    size = len(names) * len(found)
    counted = log.reached & (log.at >= micros(period.start)) & (log.at < micros(period.end))
    place = np.clip(np.searchsorted(found.edges, log.at, side="right") - 1, 0, len(found) - 1)
    cell = codes * len(found) + place
    failure = failures(log, links)
    recovery, _ = recovery_times(log, failure, recovery_start)
    recovered = counted & (recovery != ABSENT)
    lead = lead_times(log, changes, start)
    chosen = counted[lead.deployment]
    lead_cell = cell[lead.deployment[chosen]]

    def shape(values: Any) -> Any:
        return values.reshape(len(names), len(found))

    def count(cells: Any) -> Any:
        return shape(np.bincount(cells, minlength=size))

    return Grid(
        groups=tuple(names),
        slots=found,
        deployments=count(cell[counted]),
        failed=count(cell[counted & failure.failed]),
        rework=count(cell[counted & failure.rework]),
        changes=count(lead_cell),
        recovered=count(cell[recovered]),
        lead_seconds=shape(grouped_percentile(lead_cell, lead.micros[chosen], size, share)) / _MICROS,
        recovery_seconds=shape(grouped_percentile(cell[recovered], recovery[recovered], size, share))
        / _MICROS,
    )
