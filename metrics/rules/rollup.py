"""Roll-ups of deliveries: rows become cells of service, day and purpose; cells become the five metrics again.

Times stay single values in every cell, so that a figure put together from cells equals the one computed from the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from governance.rules.shares import wilson
from metrics.rules.definitions import DEFINITIONS, Definition, Metric
from metrics.rules.dora import (
    REASONS,
    ChangeInDeployment,
    DeploymentLog,
    FailureLink,
    LeadStart,
    Measure,
    Purpose,
    failures,
    first_deployed,
    frequency_figures,
    lead_times,
    recovery_times,
)
from metrics.rules.dora_grid import Grid
from metrics.rules.periods import ABSENT, Bucket, Period, Slots, slots
from metrics.rules.samples import grouped_percentile, percentiles, wording
from releasetrain.kernel.lazy_numpy import np

STARTS = tuple(start.value for start in LeadStart)
LEAD_REASONS = ("no_start", "negative")
LINK_REASONS = ("proposed", "disputed", "contributed")
OF_NEW = ("new_commits", "unsized_commits", "new_lines")
COUNTS = (
    "deployments", "failed", "rework", "aborted", "unfinished", "deployed_before",
    *(f"carrying_{s}" for s in STARTS), *(f"{r}_{s}" for r in LEAD_REASONS for s in STARTS),
    "not_restored", "restored_before", *LINK_REASONS, "known_commits", *OF_NEW,
)  # fmt: skip
TIMES = ("finished", *(f"lead_{s}" for s in STARTS), "recovery")
_MICROS = 1_000_000


def needed(start: LeadStart) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The counts and times that the five metrics take with this start of lead times."""
    others = tuple(f"_{other}" for other in STARTS if other != start)
    return (
        tuple(name for name in COUNTS if not name.endswith(others) and name not in OF_NEW),
        tuple(name for name in TIMES if not name.endswith(others)),
    )


class Cell(NamedTuple):
    """One service, day and purpose: counts by name, and times in microseconds as bytes by name."""

    service: str
    day: date
    purpose: str
    counts: Mapping[str, int]
    times: Mapping[str, bytes]


def cells_of(
    log: DeploymentLog, changes: Sequence[ChangeInDeployment], links: Sequence[FailureLink], zone: str
) -> list[Cell]:
    """The cells of these production deployments. Only whole days of a service make a right cell."""
    local = ZoneInfo(zone)
    known: dict[tuple[str, date, str], int] = {}
    codes = np.array(
        [
            known.setdefault((row.service, row.finished_at.astimezone(local).date(), row.purpose.value), len(known))
            for row in log.rows
        ],
        dtype=np.int64,
    )  # fmt: skip
    if not known:
        return []
    draft = _Draft(codes, len(known))
    counted, found = log.reached, failures(log, links)
    draft.count("deployments", counted)
    draft.count("failed", counted & found.failed)
    draft.count("rework", counted & found.rework)
    draft.count("aborted", log.finished & log.aborted)
    draft.count("unfinished", ~log.finished)
    draft.keep("finished", np.flatnonzero(counted), log.at[counted])
    for start in LeadStart:
        lead = lead_times(log, changes, start)
        draft.keep(f"lead_{start}", lead.deployment, lead.micros)
        draft.add(f"carrying_{start}", np.unique(lead.deployment))
        for reason, rows, _ in lead.problems:
            name = reason if reason == "deployed_before" else f"{reason}_{start}"
            if name in COUNTS:
                draft.set(name, rows[rows >= 0] if reason == "deployed_before" else rows[counted[rows]])
    taken, without = recovery_times(log, found)
    restored = counted & (taken != ABSENT)
    draft.keep("recovery", np.flatnonzero(restored), taken[restored])
    for reason, mask in without.items():
        draft.count(reason, counted & mask)
    for reason, rows, _ in found.left_out:
        if reason in LINK_REASONS:
            draft.add(reason, rows[counted[rows]])
    carried = np.array(sorted({log.place[c.deployment_id] for c in changes if c.deployment_id in log.place}), dtype=np.int64)  # fmt: skip
    planned = log.flags(lambda row: row.purpose is not Purpose.ROLLBACK)
    draft.add("known_commits", carried[(counted & planned)[carried]] if len(carried) else carried)
    new = first_deployed(log, changes)
    into = log.places(changes)[new]
    lines = np.array([-1 if c.lines is None else c.lines for c in changes], dtype=np.int64)[new]
    draft.add("new_commits", into)
    draft.add("unsized_commits", into[lines < 0])
    draft.add("new_lines", into[lines > 0], lines[lines > 0])
    return draft.cells(list(known))


class _Draft:
    """Counts and times per cell while they are collected."""

    def __init__(self, codes: Any, size: int):
        self.codes, self.size = codes, size
        self.counts = {name: np.zeros(size, dtype=np.int64) for name in COUNTS}
        self.times: dict[str, list[bytes]] = {}

    def count(self, name: str, mask: Any) -> None:
        self.counts[name] = self.counts[name] + np.bincount(self.codes[mask], minlength=self.size)

    def add(self, name: str, rows: Any, weights: Any = None) -> None:
        counted = np.bincount(self.codes[rows], weights, minlength=self.size)
        self.counts[name] = self.counts[name] + counted.astype(np.int64)

    def set(self, name: str, rows: Any) -> None:
        self.counts[name] = np.bincount(self.codes[rows], minlength=self.size)

    def keep(self, name: str, rows: Any, values: Any) -> None:
        cells = self.codes[rows]
        order = np.lexsort((values, cells))
        ends = np.cumsum(np.bincount(cells, minlength=self.size))
        sorted_values = np.asarray(values, dtype="<i8")[order]
        self.times[name] = [
            sorted_values[start:end].tobytes() for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        ]  # fmt: skip

    def cells(self, keys: Sequence[tuple[str, date, str]]) -> list[Cell]:
        return [
            Cell(
                *key,
                {name: int(values[at]) for name, values in self.counts.items()},
                {name: values[at] for name, values in self.times.items()},
            )
            for at, key in enumerate(keys)
        ]


@dataclass(frozen=True)
class Rolled:
    """Cells as columns, perhaps several days of a cell together; `day` is the first day of their bucket."""

    services: Sequence[str]
    days: Sequence[date]
    purposes: Sequence[str]
    counts: Mapping[str, Any]
    times: Mapping[str, Sequence[bytes]]

    def __len__(self) -> int:
        return len(self.services)

    def total(self, name: str, chosen: Any) -> int:
        return int(self.counts[name][chosen].sum())

    def values(self, name: str, chosen: Any) -> Any:
        """All times of the chosen cells."""
        return np.frombuffer(
            b"".join(self.times[name][at] for at in np.flatnonzero(chosen).tolist()), dtype="<i8"
        )

    def placed(self, name: str, chosen: Any) -> tuple[Any, Any]:
        """All times of the chosen cells, and the cell of each."""
        at = np.flatnonzero(chosen)
        sizes = np.array([len(self.times[name][i]) // 8 for i in at.tolist()], dtype=np.int64)
        return self.values(name, chosen), np.repeat(at, sizes)


@dataclass(frozen=True, slots=True)
class LeftOut:
    reason: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric without the ids behind it: what pages, files and tiers are made from."""

    definition: Definition
    value: float | None
    count: int
    counts: Mapping[str, int]
    excluded: tuple[LeftOut, ...]
    sample: str
    percentiles: Mapping[int, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    basis: str = ""

    @property
    def unit(self) -> str:
        return self.definition.unit


def summary_of(measure: Measure) -> Summary:
    """The same of a metric that was computed from rows."""
    return Summary(
        measure.definition,
        measure.value,
        len(measure.used),
        dict(measure.counts),
        tuple(LeftOut(e.reason, e.sentence, len(e.ids)) for e in measure.excluded),
        measure.sample,
        dict(measure.percentiles),
        measure.interval,
        dict(measure.figures),
        measure.basis,
    )


def chosen_of(rolled: Rolled, purposes: frozenset[Purpose] = frozenset()) -> Any:
    """Which cells have the purposes asked for; none asked is all."""
    if not purposes:
        return np.ones(len(rolled), dtype=bool)
    wanted = {purpose.value for purpose in purposes}
    return np.array([purpose in wanted for purpose in rolled.purposes], dtype=bool)


def five_of(
    rolled: Rolled,
    period: Period,
    *,
    start: LeadStart = LeadStart.COMMITTED,
    zone: str = "UTC",
    bucket: Bucket = Bucket.WEEK,
    purposes: frozenset[Purpose] = frozenset(),
) -> dict[Metric, Summary]:
    """The five metrics from cells that lie within the period."""
    every, mine = np.ones(len(rolled), dtype=bool), chosen_of(rolled, purposes)
    total = rolled.total("deployments", mine)
    deployments_out = [
        ("aborted", rolled.total("aborted", every)),
        ("unfinished", rolled.total("unfinished", every)),
    ]
    if purposes:
        deployments_out.append(("purpose", rolled.total("deployments", ~mine)))
    links_out = [(reason, rolled.total(reason, mine)) for reason in LINK_REASONS]
    finished = np.sort(rolled.values("finished", mine))
    figures, days, with_deployments = frequency_figures(finished, len(rolled), period, bucket, zone)
    lead = rolled.values(f"lead_{start}", mine) / _MICROS
    spread = percentiles(lead)
    recovery = rolled.values("recovery", mine) / _MICROS
    recovered = percentiles(recovery)
    failed, rework = rolled.total("failed", mine), rolled.total("rework", mine)
    return {
        Metric.DEPLOYMENT_FREQUENCY: Summary(
            DEFINITIONS[Metric.DEPLOYMENT_FREQUENCY],
            total / period.days if len(rolled) else None,
            total,
            {"deployments": total, "days_with_deployments": with_deployments, "days": days},
            _left_out(deployments_out),
            wording(total, "deployments"),
            figures=figures,
            basis=f"by {bucket} in {zone}",
        ),
        Metric.CHANGE_LEAD_TIME: Summary(
            DEFINITIONS[Metric.CHANGE_LEAD_TIME],
            spread.get(50),
            len(lead),
            {
                "changes": len(lead),
                "deployments_with_changes": rolled.total(f"carrying_{start}", mine),
                "deployments": total,
            },
            _left_out(
                [
                    ("deployed_before", rolled.total("deployed_before", mine)),
                    *((reason, rolled.total(f"{reason}_{start}", mine)) for reason in LEAD_REASONS),
                ]
            ),
            wording(len(lead), "changes"),
            spread,
            basis=f"from {start}",
        ),
        Metric.CHANGE_FAIL_RATE: _share(
            Metric.CHANGE_FAIL_RATE, "failed", failed, total, deployments_out + links_out
        ),
        Metric.RECOVERY_TIME: Summary(
            DEFINITIONS[Metric.RECOVERY_TIME],
            recovered.get(50),
            len(recovery),
            {"recovered": len(recovery), "failed": failed, "deployments": total},
            _left_out([(r, rolled.total(r, mine)) for r in ("not_restored", "restored_before")] + links_out),
            wording(len(recovery), "recoveries"),
            recovered,
            basis="from failure started",
        ),
        Metric.REWORK_RATE: _share(
            Metric.REWORK_RATE,
            "rework",
            rework,
            total,
            deployments_out + [(reason, n) for reason, n in links_out if reason != "contributed"],
        ),
    }


def by_service(
    rolled: Rolled,
    period: Period,
    *,
    start: LeadStart = LeadStart.COMMITTED,
    purposes: frozenset[Purpose] = frozenset(),
) -> dict[str, dict[Metric, float | None]]:
    """The values of the five metrics for each service, all services at once."""
    names: dict[str, int] = {}
    group = np.array([names.setdefault(service, len(names)) for service in rolled.services], dtype=np.int64)
    mine, size = chosen_of(rolled, purposes), len(names)

    def summed(name: str) -> list[int]:
        found = np.bincount(group[mine], weights=rolled.counts[name][mine], minlength=size)
        return found.astype(np.int64).tolist()  # type: ignore[no-any-return]

    def median(name: str) -> list[float | None]:
        values, at = rolled.placed(name, mine)
        found = grouped_percentile(group[at], values, size, 0.5) / _MICROS
        return [None if np.isnan(value) else float(value) for value in found]

    total = summed("deployments")
    shares = {
        metric: [count / of if of else None for count, of in zip(summed(name), total, strict=True)]
        for metric, name in ((Metric.CHANGE_FAIL_RATE, "failed"), (Metric.REWORK_RATE, "rework"))
    }
    columns: dict[Metric, list[float | None]] = {
        Metric.DEPLOYMENT_FREQUENCY: [count / period.days for count in total],
        Metric.CHANGE_LEAD_TIME: median(f"lead_{start}"),
        Metric.RECOVERY_TIME: median("recovery"),
        **shares,
    }
    return {
        service: {metric: values[at] for metric, values in columns.items()} for service, at in names.items()
    }


def _share(metric: Metric, name: str, hits: int, total: int, out: list[tuple[str, int]]) -> Summary:
    return Summary(
        DEFINITIONS[metric],
        hits / total if total else None,
        hits,
        {name: hits, "deployments": total},
        _left_out(out),
        wording(total, "deployments"),
        interval=wilson(hits, total),
    )


def _left_out(counts: list[tuple[str, int]]) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(reason, REASONS[reason], count) for reason, count in counts if count)


def cells_in_grid(
    rolled: Rolled, period: Period, groups: Mapping[str, str], *, bucket: Bucket, zone: str
) -> tuple[tuple[str, ...], Slots, Any]:
    """The groups, the buckets, and for each cell its place among group times bucket."""
    found = slots(period, bucket, zone)
    place = {slot.day: at for at, slot in enumerate(found)}
    names: dict[str, int] = {}
    group = [names.setdefault(groups.get(service, ""), len(names)) for service in rolled.services]
    at = [place[day] for day in rolled.days]
    return tuple(names), found, np.array(group, dtype=np.int64) * len(found) + np.array(at, dtype=np.int64)


def summed(
    rolled: Rolled,
    name: str,
    cell: Any,
    groups: int,
    buckets: int,
    purposes: frozenset[Purpose] = frozenset(),
) -> Any:
    """A count of the cells by group and bucket."""
    mine = chosen_of(rolled, purposes)
    found = np.bincount(cell[mine], weights=rolled.counts[name][mine], minlength=groups * buckets)
    return found.astype(np.int64).reshape(groups, buckets)


def grid_of(
    rolled: Rolled,
    period: Period,
    groups: Mapping[str, str],
    *,
    bucket: Bucket,
    zone: str,
    start: LeadStart = LeadStart.COMMITTED,
    purposes: frozenset[Purpose] = frozenset(),
) -> Grid:
    """Groups and buckets at once; `groups` names the group of each service."""
    names, found, cell = cells_in_grid(rolled, period, groups, bucket=bucket, zone=zone)
    mine = chosen_of(rolled, purposes)
    size = len(names) * len(found)

    def shape(values: Any) -> Any:
        return values.reshape(len(names), len(found))

    def total(name: str) -> Any:
        return summed(rolled, name, cell, len(names), len(found), purposes)

    lead, lead_at = rolled.placed(f"lead_{start}", mine)
    recovery, recovery_at = rolled.placed("recovery", mine)
    return Grid(
        groups=names,
        slots=found,
        deployments=total("deployments"),
        failed=total("failed"),
        rework=total("rework"),
        changes=shape(np.bincount(cell[lead_at], minlength=size)),
        recovered=shape(np.bincount(cell[recovery_at], minlength=size)),
        lead_seconds=shape(grouped_percentile(cell[lead_at], lead, size, 0.5)) / _MICROS,
        recovery_seconds=shape(grouped_percentile(cell[recovery_at], recovery, size, 0.5)) / _MICROS,
    )
