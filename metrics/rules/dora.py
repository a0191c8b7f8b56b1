"""The five delivery metrics as published since 2024, with counts, rows used and rows left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from governance.rules.shares import wilson
from metrics.rules.definitions import DEFINITIONS, Definition, Metric
from metrics.rules.periods import ABSENT, Bucket, Period, Slot, Slots, micros, moments, slots
from metrics.rules.samples import percentiles, wording
from releasetrain.kernel.lazy_numpy import np


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    RUNNING = "running"


class Purpose(StrEnum):
    PLANNED = "planned"
    EMERGENCY = "emergency"
    PROBLEM_FIX = "problem_fix"
    ROLLBACK = "rollback"


class LinkKind(StrEnum):
    CAUSED = "caused"
    CONTRIBUTED = "contributed"
    RECOVERED_BY = "recovered_by"


class LinkStatus(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"


class LeadStart(StrEnum):
    COMMITTED = "committed"
    OPENED = "opened"
    MERGED = "merged"


class RecoveryStart(StrEnum):
    FAILURE_STARTED = "failure_started"
    DEPLOYED = "deployed"


class Deployment(NamedTuple):
    """One deployment of one service. `outcome` FAILED means failed in production, ABORTED never got there.

    A tuple, like the change below, because a page over years makes tens of thousands of them.
    """

    id: str
    service: str
    finished_at: datetime | None
    production: bool = True
    outcome: Outcome = Outcome.SUCCEEDED
    purpose: Purpose = Purpose.PLANNED
    rework: bool = False
    team: str = ""
    train: str = ""


class ChangeInDeployment(NamedTuple):
    """A commit or merge request contained in a deployment. A request's `committed_at` is its first
    commit's. `deployed_before` says that the service got it earlier, by a deployment that is not among the rows.
    `lines` are those added and removed, where known."""

    change_id: str
    deployment_id: str
    committed_at: datetime | None = None
    opened_at: datetime | None = None
    merged_at: datetime | None = None
    deployed_before: bool = False
    lines: int | None = None


@dataclass(frozen=True, slots=True)
class FailureLink:
    """What a deployment has to do with a failure (an incident, a roll-back), and whether that is agreed."""

    id: str
    deployment_id: str
    failure_id: str
    kind: LinkKind = LinkKind.CAUSED
    status: LinkStatus = LinkStatus.ACCEPTED
    started_at: datetime | None = None
    restored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are asked for; an empty set asks for all. Rows outside are not counted as left out."""

    services: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    trains: frozenset[str] = frozenset()
    purposes: frozenset[Purpose] = frozenset()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rows of the period that were left out, and why."""

    reason: str
    sentence: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotCount:
    slot: Slot
    count: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that can be taken apart: value, counts, the ids behind it, what was left out, the words of
    its meaning."""

    definition: Definition
    period: Period
    value: float | None
    counts: Mapping[str, int]
    used: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    sample: str
    percentiles: Mapping[int, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    series: tuple[SlotCount, ...] = ()
    basis: str = ""

    @property
    def unit(self) -> str:
        return self.definition.unit


REASONS = {
    "not_production": "The environment is not production.",
    "aborted": "The deployment was aborted before it reached production.",
    "unfinished": "The deployment has not finished.",
    "purpose": "Its purpose was not asked for.",
    "observing": "The deployment is still under observation.",
    "no_deployment": "The deployment it names is not known.",
    "deployed_before": "The change was deployed to this service already.",
    "no_start": "The chosen start is not recorded.",
    "negative": "It was deployed before its start.",
    "proposed": "The link is proposed and not accepted yet.",
    "disputed": "The link is disputed.",
    "contributed": "The deployment contributed to the failure without causing it.",
    "not_restored": "Service is not restored yet, or the moment is not recorded.",
    "restored_before": "Service was restored before the failure started.",
}
_FAILED = frozenset({Outcome.FAILED, Outcome.ROLLED_BACK})
_MICROS = 1_000_000


class DeploymentLog:
    """Deployments as columns, built once and asked many times."""

    def __init__(self, rows: Iterable[Deployment]):
        self.rows: Sequence[Deployment] = rows if isinstance(rows, list | tuple) else list(rows)
        self._codes: dict[str, tuple[Any, list[str]]] = {}
        if len({row.id for row in self.rows}) != len(self.rows):
            raise ValueError("Every deployment needs an id of its own.")

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def ids(self) -> Any:
        return _objects([row.id for row in self.rows])

    @cached_property
    def place(self) -> dict[str, int]:
        return {row.id: at for at, row in enumerate(self.rows)}

    def places(self, changes: Sequence[ChangeInDeployment]) -> Any:
        """The row of each change's deployment; -1 where it is not among them."""
        place = self.place
        return np.fromiter(
            (place.get(c.deployment_id, -1) for c in changes), dtype=np.int64, count=len(changes)
        )

    @cached_property
    def at(self) -> Any:
        return moments([row.finished_at for row in self.rows])

    @cached_property
    def finished(self) -> Any:
        return (self.at != ABSENT) & ~self.flags(lambda row: row.outcome is Outcome.RUNNING)

    @cached_property
    def production(self) -> Any:
        return self.flags(attrgetter("production"))

    @cached_property
    def aborted(self) -> Any:
        return self.flags(lambda row: row.outcome is Outcome.ABORTED)

    @cached_property
    def failed_by_outcome(self) -> Any:
        return self.flags(lambda row: row.outcome in _FAILED)

    @cached_property
    def rework(self) -> Any:
        return self.flags(attrgetter("rework"))

    @cached_property
    def reached(self) -> Any:
        """Finished in production: what may count at all."""
        return self.finished & self.production & ~self.aborted

    def codes(self, by: str) -> tuple[Any, list[str]]:
        """The rows' services, teams or trains as numbers, with their names in the order of the numbers."""
        if by not in self._codes:
            known: dict[str, int] = {}
            codes = [known.setdefault(name, len(known)) for name in map(attrgetter(by), self.rows)]
            self._codes[by] = np.array(codes, dtype=np.int64), list(known)
        return self._codes[by]

    def within(self, scope: Scope) -> Any:
        """Rows of the asked services, teams and trains."""
        mask = np.ones(len(self.rows), dtype=bool)
        for by, wanted in (("service", scope.services), ("team", scope.teams), ("train", scope.trains)):
            if wanted:
                get = attrgetter(by)
                inside = (get(row) in wanted for row in self.rows)
                mask &= np.fromiter(inside, dtype=bool, count=len(self.rows))
        return mask

    def flags(self, test: Callable[[Deployment], bool]) -> Any:
        """For every row, whether the test holds."""
        return np.fromiter(map(test, self.rows), dtype=bool, count=len(self.rows))


@dataclass(frozen=True, slots=True)
class _Counted:
    """The deployments that count in a period, and the ones of the period that do not."""

    mask: Any
    excluded: list[Exclusion]


def _counted(log: DeploymentLog, period: Period, scope: Scope) -> _Counted:
    asked = log.within(scope)
    inside = asked & (log.at >= micros(period.start)) & (log.at < micros(period.end))
    unfinished = asked & ~log.finished & (inside | (log.at == ABSENT))
    left_out = [
        _exclusion("not_production", log.ids[inside & log.finished & ~log.production]),
        _exclusion("aborted", log.ids[inside & log.finished & log.production & log.aborted]),
        _exclusion("unfinished", log.ids[unfinished & log.production]),
    ]
    mask = inside & log.reached
    if scope.purposes:
        wanted = log.flags(lambda row: row.purpose in scope.purposes)
        left_out.append(_exclusion("purpose", log.ids[mask & ~wanted]))
        mask &= wanted
    return _Counted(mask, left_out)


def deployment_frequency(
    log: DeploymentLog,
    period: Period,
    *,
    bucket: Bucket = Bucket.WEEK,
    zone: str = "UTC",
    scope: Scope = EVERYTHING,
) -> Measure:
    """How often production was deployed to."""
    counted = _counted(log, period, scope)
    at = np.sort(log.at[counted.mask])
    buckets = slots(period, bucket, zone)
    series = tuple(
        SlotCount(slot, int(count)) for slot, count in zip(buckets, _histogram(at, buckets), strict=True)
    )
    figures, days, with_deployments = frequency_figures(at, len(log), period, bucket, zone)
    recorded = bool(np.any(log.within(scope))) if len(log) else False
    return Measure(
        definition=DEFINITIONS[Metric.DEPLOYMENT_FREQUENCY],
        period=period,
        value=len(at) / period.days if recorded else None,
        counts={"deployments": len(at), "days_with_deployments": with_deployments, "days": days},
        used=_ids(log.ids[counted.mask]),
        excluded=_shown(counted.excluded),
        sample=wording(len(at), "deployments"),
        figures=figures,
        series=series,
        basis=f"by {bucket} in {zone}",
    )


def frequency_figures(
    at: Any, recorded: int, period: Period, bucket: Bucket, zone: str
) -> tuple[dict[str, float], int, int]:
    """Medians of buckets, of days a week and of the time between, from sorted moments; then how many days there
    are, and how many of them with deployments. Nothing `recorded` gives no medians."""
    buckets, days, weeks = (slots(period, each, zone) for each in (bucket, Bucket.DAY, Bucket.WEEK))
    used_days = np.unique(np.searchsorted(days.edges, at, side="right") - 1)
    first_of_used_days = days.edges[used_days] if len(used_days) else used_days
    figures: dict[str, float] = {}
    if recorded and (whole := _whole(_histogram(at, buckets), buckets)):
        figures[f"median_per_{bucket}"] = float(np.median(whole))
    if recorded and (whole := _whole(_histogram(first_of_used_days, weeks), weeks)):
        figures["median_days_a_week"] = float(np.median(whole))
    if len(at) > 1:
        figures["median_seconds_between"] = float(np.median(np.diff(at))) / _MICROS
    return figures, len(days), len(used_days)


def _whole(counts: Any, found: tuple[Slot, ...]) -> list[int]:
    """Counts of the buckets that the period covers wholly."""
    return [int(n) for n, slot in zip(counts, found, strict=True) if slot.complete]


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Lead times in microseconds with the deployment row and the change of each, over all periods."""

    deployment: Any
    micros: Any
    change_ids: Any
    problems: list[tuple[str, Any, Any]]


def lead_times(log: DeploymentLog, changes: Sequence[ChangeInDeployment], start: LeadStart) -> LeadTimes:
    """The lead time of every change at its first deployment to each service."""
    rows = log.places(changes)
    ids = _objects([change.change_id for change in changes])
    unknown = rows < 0
    reached = _reached(log, rows)
    begun = moments(list(map(attrgetter(f"{start}_at"), changes)))
    first = _first_of_each(log, changes, rows, reached)
    absent = first & (begun == ABSENT)
    candidates = first & ~absent
    taken = np.zeros(len(changes), dtype=np.int64)
    taken[candidates] = log.at[rows[candidates]] - begun[candidates]
    negative = candidates & (taken < 0)
    good = candidates & ~negative
    again = reached & ~first
    return LeadTimes(
        deployment=rows[good],
        micros=taken[good],
        change_ids=ids[good],
        problems=[
            ("deployed_before", rows[again], ids[again]),
            ("no_start", rows[absent], ids[absent]),
            ("negative", rows[negative], ids[negative]),
            ("no_deployment", rows[unknown], ids[unknown]),
        ],
    )


def first_deployed(log: DeploymentLog, changes: Sequence[ChangeInDeployment]) -> Any:
    """Marks the changes that a service got in production for the first time."""
    rows = log.places(changes)
    return _first_of_each(log, changes, rows, _reached(log, rows))


def _reached(log: DeploymentLog, rows: Any) -> Any:
    """Whether the deployment of each row is known and reached production."""
    reached = np.zeros(len(rows), dtype=bool)
    reached[rows >= 0] = log.reached[rows[rows >= 0]]
    return reached


def _first_of_each(log: DeploymentLog, changes: Sequence[ChangeInDeployment], rows: Any, reached: Any) -> Any:
    """Marks, among changes that reached production, the earliest row of each (change, service)."""
    services, _ = log.codes("service")
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(c.change_id, len(known)) for c in changes], dtype=np.int64)
    first = np.zeros(len(changes), dtype=bool)
    new_here = ~np.fromiter((c.deployed_before for c in changes), dtype=bool, count=len(changes))
    at = np.flatnonzero(reached & new_here)
    if len(at):
        service, change, moment = services[rows[at]], codes[at], log.at[rows[at]]
        order = np.lexsort((moment, change, service))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(service[order]) != 0) | (np.diff(change[order]) != 0)
        first[at[order[new]]] = True
    return first


def change_lead_time(
    log: DeploymentLog,
    changes: Sequence[ChangeInDeployment],
    period: Period,
    *,
    start: LeadStart = LeadStart.COMMITTED,
    scope: Scope = EVERYTHING,
) -> Measure:
    """How long changes took to reach production."""
    counted = _counted(log, period, scope)
    found = lead_times(log, changes, start)
    chosen = counted.mask[found.deployment]
    seconds = found.micros[chosen] / _MICROS
    spread = percentiles(seconds)
    left_out = []
    for reason, rows, ids in found.problems:
        mine = counted.mask[rows] if reason != "no_deployment" else np.ones(len(rows), dtype=bool)
        left_out.append(_exclusion(reason, ids[mine]))
    deployments = np.unique(found.deployment[chosen])
    return Measure(
        definition=DEFINITIONS[Metric.CHANGE_LEAD_TIME],
        period=period,
        value=spread.get(50),
        counts={
            "changes": len(seconds),
            "deployments_with_changes": len(deployments),
            "deployments": int(counted.mask.sum()),
        },
        used=_ids(found.change_ids[chosen]),
        excluded=_shown(left_out),
        sample=wording(len(seconds), "changes"),
        percentiles=spread,
        basis=f"from {start}",
    )


@dataclass(frozen=True, slots=True)
class Failures:
    """Which deployments failed, with the start and end of their failures in microseconds."""

    failed: Any
    started: Any
    restored: Any
    rework: Any
    left_out: list[tuple[str, Any, Any]]


def failures(log: DeploymentLog, links: Sequence[FailureLink]) -> Failures:
    """The failed and the rework deployments, from outcomes and accepted links."""
    failed, rework = log.failed_by_outcome.copy(), log.rework.copy()
    started = np.full(len(log), np.iinfo(np.int64).max)
    restored = np.full(len(log), ABSENT)
    unrestored = np.zeros(len(log), dtype=bool)
    apart: dict[str, list[tuple[int, str]]] = {}
    for link in links:
        at = log.place.get(link.deployment_id, -1)
        if at < 0:
            apart.setdefault("no_deployment", []).append((at, link.id))
        elif link.status is not LinkStatus.ACCEPTED:
            apart.setdefault(str(link.status), []).append((at, link.id))
        elif link.kind is LinkKind.RECOVERED_BY:
            rework[at] = True
        elif link.kind is LinkKind.CONTRIBUTED:
            apart.setdefault("contributed", []).append((at, link.id))
        else:
            failed[at] = True
            begun = log.at[at] if link.started_at is None else micros(_zoned(link.started_at))
            started[at] = min(started[at], begun)
            if link.restored_at is None:
                unrestored[at] = True
            else:
                restored[at] = max(restored[at], micros(_zoned(link.restored_at)))
    restored[unrestored] = ABSENT
    left_out = [
        (reason, np.array([at for at, _ in rows], dtype=np.int64), _objects([link for _, link in rows]))
        for reason, rows in apart.items()
    ]
    return Failures(failed, started, restored, rework, left_out)


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("Every moment needs a time zone.")
    return moment


def _links_left_out(found: Failures, mask: Any, only: frozenset[str]) -> list[Exclusion]:
    shown = []
    for reason, rows, ids in found.left_out:
        if reason in only:
            mine = mask[rows] if reason != "no_deployment" else np.ones(len(rows), dtype=bool)
            shown.append(_exclusion(reason, ids[mine]))
    return shown


_FAILURE_REASONS = frozenset({"no_deployment", "proposed", "disputed", "contributed"})
_REWORK_REASONS = frozenset({"no_deployment", "proposed", "disputed"})


def change_fail_rate(
    log: DeploymentLog,
    links: Sequence[FailureLink],
    period: Period,
    *,
    scope: Scope = EVERYTHING,
    as_of: datetime | None = None,
    observation: timedelta = timedelta(0),
) -> Measure:
    """The share of deployments that failed. With `as_of`, deployments younger than `observation` wait."""
    counted = _counted(log, period, scope)
    found = failures(log, links)
    mask, left_out = counted.mask, list(counted.excluded)
    if as_of is not None:
        young = mask & (log.at > micros(_zoned(as_of) - observation)) & ~found.failed
        left_out.append(_exclusion("observing", log.ids[young]))
        mask = mask & ~young
    left_out += _links_left_out(found, counted.mask, _FAILURE_REASONS)
    return _share(
        log,
        Metric.CHANGE_FAIL_RATE,
        period=period,
        mask=mask,
        hit=found.failed,
        name="failed",
        left_out=left_out,
    )


def deployment_rework_rate(
    log: DeploymentLog, links: Sequence[FailureLink], period: Period, *, scope: Scope = EVERYTHING
) -> Measure:
    """The share of deployments that were unplanned and made because of a fault in production."""
    counted = _counted(log, period, scope)
    found = failures(log, links)
    left_out = counted.excluded + _links_left_out(found, counted.mask, _REWORK_REASONS)
    return _share(
        log,
        Metric.REWORK_RATE,
        period=period,
        mask=counted.mask,
        hit=found.rework,
        name="rework",
        left_out=left_out,
    )


def _share(
    log: DeploymentLog,
    metric: Metric,
    *,
    period: Period,
    mask: Any,
    hit: Any,
    name: str,
    left_out: list[Exclusion],
) -> Measure:
    total, hits = int(mask.sum()), int((mask & hit).sum())
    return Measure(
        definition=DEFINITIONS[metric],
        period=period,
        value=hits / total if total else None,
        counts={name: hits, "deployments": total},
        used=_ids(log.ids[mask & hit]),
        excluded=_shown(left_out),
        sample=wording(total, "deployments"),
        interval=wilson(hits, total),
    )


def recovery_times(
    log: DeploymentLog, found: Failures, start: RecoveryStart = RecoveryStart.FAILURE_STARTED
) -> tuple[Any, dict[str, Any]]:
    """Recovery in microseconds for each row (ABSENT where there is none), and masks of the failed rows
    without."""
    begun = np.where(found.started == np.iinfo(np.int64).max, log.at, found.started)
    if start is RecoveryStart.DEPLOYED:
        begun = log.at
    missing = found.failed & (found.restored == ABSENT)
    times = np.full(len(log), ABSENT)
    known = found.failed & ~missing
    times[known] = found.restored[known] - begun[known]
    backwards = known & (times < 0)
    times[backwards] = ABSENT
    return times, {"not_restored": missing, "restored_before": backwards}


def failed_deployment_recovery_time(
    log: DeploymentLog,
    links: Sequence[FailureLink],
    period: Period,
    *,
    start: RecoveryStart = RecoveryStart.FAILURE_STARTED,
    scope: Scope = EVERYTHING,
) -> Measure:
    """How long service took to come back after deployments that failed."""
    counted = _counted(log, period, scope)
    found = failures(log, links)
    times, without = recovery_times(log, found, start)
    chosen = counted.mask & (times != ABSENT)
    seconds = times[chosen] / _MICROS
    spread = percentiles(seconds)
    left_out = [_exclusion(reason, log.ids[counted.mask & mask]) for reason, mask in without.items()]
    left_out += _links_left_out(found, counted.mask, _FAILURE_REASONS)
    return Measure(
        definition=DEFINITIONS[Metric.RECOVERY_TIME],
        period=period,
        value=spread.get(50),
        counts={
            "recovered": len(seconds),
            "failed": int((counted.mask & found.failed).sum()),
            "deployments": int(counted.mask.sum()),
        },
        used=_ids(log.ids[chosen]),
        excluded=_shown(left_out),
        sample=wording(len(seconds), "recoveries"),
        percentiles=spread,
        basis=f"from {start}".replace("_", " "),
    )


def five_metrics(
    log: DeploymentLog,
    changes: Sequence[ChangeInDeployment],
    links: Sequence[FailureLink],
    period: Period,
    *,
    start: LeadStart = LeadStart.COMMITTED,
    zone: str = "UTC",
    bucket: Bucket = Bucket.WEEK,
    scope: Scope = EVERYTHING,
) -> dict[Metric, Measure]:
    """All five over the same rows."""
    return {
        Metric.DEPLOYMENT_FREQUENCY: deployment_frequency(log, period, bucket=bucket, zone=zone, scope=scope),
        Metric.CHANGE_LEAD_TIME: change_lead_time(log, changes, period, start=start, scope=scope),
        Metric.CHANGE_FAIL_RATE: change_fail_rate(log, links, period, scope=scope),
        Metric.RECOVERY_TIME: failed_deployment_recovery_time(log, links, period, scope=scope),
        Metric.REWORK_RATE: deployment_rework_rate(log, links, period, scope=scope),
    }


def _histogram(at: Any, found: Slots) -> Any:
    return np.bincount(np.searchsorted(found.edges, at, side="right") - 1, minlength=len(found))


def _objects(values: list[str]) -> Any:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _ids(values: Any) -> tuple[str, ...]:
    return tuple(values.tolist())


def _exclusion(reason: str, ids: Any) -> Exclusion:
    return Exclusion(reason, REASONS[reason], _ids(ids))


def _shown(left_out: list[Exclusion]) -> tuple[Exclusion, ...]:
    return tuple(each for each in left_out if each.ids)
