"""What pipelines recorded against what runtimes saw, for one service in one environment. Pure: no rows, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """A deployment that a pipeline says has succeeded."""

    id: Any
    started_at: datetime
    finished_at: datetime
    digest: str
    version: str


@dataclass(frozen=True)
class Seen:
    """A sight of a runtime."""

    id: Any
    observed_at: datetime
    started_at: datetime | None
    digest: str
    version: str


@dataclass(frozen=True)
class Gap:
    """One disagreement.

    unrecorded   something ran that no pipeline says it deployed
    missing      a pipeline says it deployed something, and the runtime looked and saw something else
    early        it ran before the pipeline says that its deployment began
    late         it began to run long after the pipeline says that it was done
    unobserved   a deployment that no runtime has looked at since
    """

    kind: str
    at: datetime
    recorded: Recorded | None = None
    seen: Seen | None = None
    apart: timedelta | None = None


def same(recorded: Recorded, seen: Seen) -> bool:
    """Whether both speak of the same build: by digest where both know it, else by version."""
    if recorded.digest and seen.digest:
        return recorded.digest == seen.digest
    return bool(recorded.version) and recorded.version == seen.version


def gaps_of(
    recorded: Sequence[Recorded],
    seen: Sequence[Seen],
    *,
    since: datetime,
    until: datetime,
    tolerance: timedelta = timedelta(minutes=5),
    patience: timedelta = timedelta(hours=1),
) -> list[Gap]:
    """The disagreements in [since, until), oldest first.

    Records from before the period count as what ran when it began. `tolerance` is how far clocks and roll-outs may be
    apart; `patience` is how long a runtime may take before its silence about a deployment is a gap.
    """
    deployments = sorted(recorded, key=lambda r: (r.started_at, str(r.id)))
    sights = sorted(seen, key=lambda s: (s.observed_at, str(s.id)))
    found = [*_unrecorded(deployments, sights, since, until, tolerance)]
    for at, deployment in enumerate(deployments):
        if not since <= deployment.finished_at < until:
            continue
        following = deployments[at + 1].started_at if at + 1 < len(deployments) else until
        gap = _of(deployment, sights, max(following, deployment.finished_at), until, tolerance, patience)
        if gap:
            found.append(gap)
    return sorted(found, key=lambda gap: (gap.at, gap.kind))


def _unrecorded(
    deployments: list[Recorded], sights: list[Seen], since: datetime, until: datetime, tolerance: timedelta
) -> list[Gap]:
    """The first sight of each run of something that nobody recorded."""
    found: list[Gap] = []
    before: Seen | None = None
    for sight in sights:
        if not since <= sight.observed_at < until:
            continue
        known = [d for d in deployments if same(d, sight)]
        again = before is not None and (before.digest, before.version) == (sight.digest, sight.version)
        before = sight
        if not known and not again:
            found.append(Gap("unrecorded", sight.observed_at, seen=sight))
            continue
        began = min((d.started_at for d in known), default=None)
        earliest = min(sight.started_at or sight.observed_at, sight.observed_at)
        if began is not None and earliest < began - tolerance and not again:
            nearest = min(known, key=lambda d: d.started_at)
            found.append(Gap("early", earliest, nearest, sight, began - earliest))
    return found


def _of(
    deployment: Recorded,
    sights: list[Seen],
    following: datetime,
    until: datetime,
    tolerance: timedelta,
    patience: timedelta,
) -> Gap | None:
    """What is wrong with one deployment, if anything is."""
    during = [
        s
        for s in sights
        if deployment.started_at <= s.observed_at < max(following, deployment.finished_at + patience)
    ]
    agreeing = [s for s in during if same(deployment, s)]
    if not agreeing:
        after = [s for s in during if s.observed_at >= deployment.finished_at + tolerance]
        if after and following > deployment.finished_at + tolerance:
            return Gap("missing", deployment.finished_at, deployment, after[0])
        waited = min(following, until) >= deployment.finished_at + patience
        return Gap("unobserved", deployment.finished_at, deployment) if waited else None
    began = min((s.started_at for s in agreeing if s.started_at), default=None)
    if began is not None and began > deployment.finished_at + tolerance:
        first = next(s for s in agreeing if s.started_at == began)
        return Gap("late", began, deployment, first, began - deployment.finished_at)
    return None
