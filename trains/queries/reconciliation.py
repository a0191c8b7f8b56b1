"""Reconciliation: pipelines' records against runtimes' sights, for every service and environment of a period."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from trains.models import Deployment, Environment, RuntimeObservation, Service
from trains.rules.reconciliation import Gap, Recorded, Seen, gaps_of

KINDS = ("unrecorded", "missing", "early", "late", "unobserved")
SENTENCES = {
    "unrecorded": "Ran, and no pipeline recorded its deployment.",
    "missing": "Recorded as deployed, and the runtime saw something else.",
    "early": "Ran before the pipeline says its deployment began.",
    "late": "Began to run after the pipeline said it was done.",
    "unobserved": "Recorded as deployed, and no runtime has looked since.",
}
# How far back a deployment is taken for what still ran when the period began.
BEFORE = timedelta(days=400)


@dataclass
class Line:
    """A gap with its place and the rows on both sides."""

    gap: Gap
    service: Service
    environment: Environment
    deployment: Deployment | None
    observation: RuntimeObservation | None

    @property
    def sentence(self) -> str:
        return SENTENCES[self.gap.kind]


@dataclass
class Reconciliation:
    """What was compared, and where it disagrees."""

    since: datetime
    until: datetime
    lines: list[Line] = field(default_factory=list)
    deployments: int = 0
    observations: int = 0
    places: int = 0

    @property
    def counts(self) -> dict[str, int]:
        found = dict.fromkeys(KINDS, 0)
        for line in self.lines:
            found[line.gap.kind] += 1
        return found


def reconcile(
    since: datetime,
    until: datetime,
    *,
    services: Iterable[Service] | None = None,
    environments: Iterable[Environment] | None = None,
    kinds: Iterable[str] = KINDS,
) -> Reconciliation:
    """Compare both sides in [since, until). Two queries, however many services there are."""
    records = Deployment.objects.filter(
        outcome=Deployment.State.SUCCEEDED, started_at__gte=since - BEFORE, started_at__lt=until
    ).select_related("service", "environment", "artifact", "restores__artifact")
    sights = RuntimeObservation.objects.filter(observed_at__gte=since, observed_at__lt=until).select_related(
        "service", "environment"
    )
    if services is not None:
        ids = [s.pk for s in services]
        records, sights = records.filter(service__in=ids), sights.filter(service__in=ids)
    if environments is not None:
        ids = [e.pk for e in environments]
        records, sights = records.filter(environment__in=ids), sights.filter(environment__in=ids)
    recorded: dict[tuple[uuid.UUID, uuid.UUID], list[Deployment]] = defaultdict(list)
    seen: dict[tuple[uuid.UUID, uuid.UUID], list[RuntimeObservation]] = defaultdict(list)
    for deployment in records:
        recorded[deployment.service_id, deployment.environment_id].append(deployment)
    for sight in sights:
        seen[sight.service_id, sight.environment_id].append(sight)
    report = Reconciliation(since, until)
    wanted = set(kinds)
    for place in recorded.keys() | seen.keys():
        # A place that no runtime ever reports is said once, not for each of its deployments.
        report.lines += _lines(recorded[place], seen[place], since, until, wanted)
    report.deployments = sum(1 for rows in recorded.values() for d in rows if _finished(d) >= since)
    report.observations = sum(len(rows) for rows in seen.values())
    report.places = len(recorded.keys() | seen.keys())
    report.lines.sort(key=lambda line: (line.gap.at, line.service.name), reverse=True)
    return report


def _lines(
    deployments: list[Deployment],
    sights: list[RuntimeObservation],
    since: datetime,
    until: datetime,
    wanted: set[str],
) -> list[Line]:
    by_id: dict[Any, Deployment] = {d.pk: d for d in deployments}
    seen_by_id: dict[Any, RuntimeObservation] = {s.pk: s for s in sights}
    gaps = gaps_of(
        [_recorded(d) for d in deployments],
        [Seen(s.pk, s.observed_at, s.started_at, s.digest, s.version) for s in sights],
        since=since,
        until=until,
    )
    # Nobody looked before the first sight, or ever: that is said once, for the last deployment of that time.
    first = min((s.observed_at for s in sights), default=until)
    unwatched = [gap for gap in gaps if gap.kind == "unobserved" and gap.at < first]
    gaps = [gap for gap in gaps if gap not in unwatched[:-1]]
    anything = deployments[0] if deployments else sights[0]
    return [
        Line(
            gap,
            anything.service,
            anything.environment,
            by_id.get(gap.recorded.id) if gap.recorded else None,
            seen_by_id.get(gap.seen.id) if gap.seen else None,
        )
        for gap in gaps
        if gap.kind in wanted
    ]


def _finished(deployment: Deployment) -> datetime:
    moment: datetime = deployment.finished_at or deployment.started_at
    return moment


def _recorded(deployment: Deployment) -> Recorded:
    """A rollback that names nothing brought back what it restored."""
    source = deployment
    if deployment.restores and not deployment.version and deployment.artifact_id is None:
        source = deployment.restores
    return Recorded(
        deployment.pk,
        deployment.started_at,
        _finished(deployment),
        source.artifact.digest if source.artifact else "",
        source.version,
    )
