"""The findings of what is about to be approved: by severity and state, overdue, accepted, and new since production."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, QuerySet

from governance.models import Finding, FindingOccurrence, Result, ResultKind
from releasetrain.kernel.clock import now
from trains.models import Artifact, Deployment, Environment, Release, Service

SEVERITIES = ("critical", "high", "medium", "low", "info", "unknown")
STATES = ("open", "triaged", "reopened", "accepted", "false_positive", "fixed")
LIVING = ("open", "triaged", "reopened")
SCANS = (
    ResultKind.STATIC_ANALYSIS,
    ResultKind.COMPOSITION,
    ResultKind.SECRETS,
    ResultKind.CONTAINER,
    ResultKind.DYNAMIC,
)
# What nobody scanned for is said; these are usual for every build.
USUAL = (ResultKind.STATIC_ANALYSIS, ResultKind.COMPOSITION, ResultKind.SECRETS)
LISTED = 200


@dataclass
class Build:
    """A build of the subject, the scans it has and lacks, and the build it would replace."""

    artifact: Artifact
    before: Artifact | None
    scans: list[Result]
    missing: list[str]


@dataclass
class Report:
    """Everything a page, the API and the CSV say; every count has the filter that lists its rows."""

    subject: Release | Service
    at: datetime
    builds: list[Build] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    overdue: int = 0
    new: int = 0
    exempt: int = 0
    accepted: list[Finding] = field(default_factory=list)

    @property
    def living(self) -> dict[str, int]:
        """Severity → findings that are neither accepted, false nor fixed."""
        return {s: sum(self.counts[s][state] for state in LIVING) for s in SEVERITIES}

    @property
    def total(self) -> int:
        return sum(sum(states.values()) for states in self.counts.values())

    @property
    def unscanned(self) -> list[Build]:
        return [build for build in self.builds if build.missing]


def builds_of(subject: Release | Service) -> list[Artifact]:
    """The builds of a release; of a service the newest that was scanned and those that run somewhere."""
    if isinstance(subject, Release):
        links = subject.artifacts.select_related("artifact__service").order_by("service__name")
        return [link.artifact for link in links]
    from governance.queries.components import running_artifacts

    ids = set(running_artifacts(subject.artifacts.values_list("pk", flat=True)))
    newest = (
        Result.objects.filter(artifact__service=subject, kind__in=SCANS)
        .order_by("-reported_at", "-id")
        .first()
    )
    if newest:
        ids.add(newest.artifact_id)
    rows = Artifact.objects.filter(service=subject, pk__in=ids).select_related("service")
    return list(rows.order_by("-built_at", "-created_at"))


def replaced_by(artifacts: list[Artifact]) -> dict[uuid.UUID, Artifact]:
    """Artifact id → the build of the same service that last arrived in production, other than this one."""
    rows = Deployment.objects.filter(
        service_id__in={a.service_id for a in artifacts},
        environment__kind=Environment.Kind.PRODUCTION,
        state=Deployment.State.SUCCEEDED,
        artifact__isnull=False,
    )
    # Of each build of a service its last arrival; few builds of a service are compared at a time.
    arrivals = list(
        rows.order_by("service_id", "artifact_id", "-started_at", "-id")
        .distinct("service_id", "artifact_id")
        .select_related("artifact__service")
    )
    arrivals.sort(key=lambda d: (d.started_at, str(d.pk)), reverse=True)
    found: dict[uuid.UUID, Artifact] = {}
    for artifact in artifacts:
        before = next(
            (
                d.artifact
                for d in arrivals
                if d.service_id == artifact.service_id and d.artifact_id != artifact.pk
            ),
            None,
        )
        if before is not None:
            found[artifact.pk] = before
    return found


def standing_scans(artifacts: Iterable[Artifact]) -> dict[uuid.UUID, list[Result]]:
    """Artifact id → its scans of all kinds that nothing has replaced."""
    listed = list(artifacts)
    found: dict[uuid.UUID, list[Result]] = {artifact.pk: [] for artifact in listed}
    rows = (
        Result.objects.filter(artifact__in=list(found), kind__in=SCANS)
        .order_by("artifact_id", "kind", "tool", "stream", "-reported_at", "-id")
        .distinct("artifact_id", "kind", "tool", "stream")
        .select_related("artifact__service")
    )
    for row in rows:
        found[row.artifact_id].append(row)
    return found


def findings_in(results: Iterable[Result], *, counted: bool = False) -> QuerySet[Finding]:
    """The findings that these results report; `counted` leaves out those that every one of them exempts."""
    seen = FindingOccurrence.objects.filter(finding=OuterRef("pk"), result__in=[r.pk for r in results])
    if counted:
        seen = seen.filter(exempt="")
    return Finding.objects.filter(Exists(seen))


def in_builds_of(subject: Release | Service) -> QuerySet[Finding]:
    """The findings in the builds of a subject."""
    if isinstance(subject, Service):
        return Finding.objects.filter(service=subject)
    scans = standing_scans(builds_of(subject))
    return findings_in([r for rows in scans.values() for r in rows], counted=True)


def new_in(subject: Release | Service) -> QuerySet[Finding]:
    """Those that the build which runs in production does not have; all where nothing runs there or was scanned."""
    own = in_builds_of(subject)
    artifacts = builds_of(subject)
    before = list(replaced_by(artifacts[:1] if isinstance(subject, Service) else artifacts).values())
    old = [r for rows in standing_scans(before).values() for r in rows]
    return own.exclude(pk__in=findings_in(old).values("pk")) if old else own


def overdue_at(rows: QuerySet[Finding], at: datetime) -> QuerySet[Finding]:
    return rows.filter(state__in=LIVING, due_at__lte=at)


def report_of(subject: Release | Service) -> Report:
    """The report of a release or of a service."""
    artifacts = builds_of(subject)
    scans = standing_scans(artifacts)
    report = Report(subject, now())
    replaced = replaced_by(artifacts)
    for artifact in artifacts:
        kinds = {r.kind for r in scans[artifact.pk]}
        missing = [kind.label for kind in USUAL if kind not in kinds]
        report.builds.append(Build(artifact, replaced.get(artifact.pk), scans[artifact.pk], missing))
    rows = in_builds_of(subject)
    report.counts = {severity: dict.fromkeys(STATES, 0) for severity in SEVERITIES}
    grouped = rows.order_by().values_list("severity", "state").annotate(number=Count("pk"))
    for severity, state, number in grouped:
        report.counts[severity][state] = number
    report.overdue = overdue_at(rows, report.at).count()
    report.new = new_in(subject).filter(state__in=LIVING).count()
    report.accepted = list(
        rows.filter(state=Finding.State.ACCEPTED)
        .select_related("service")
        .order_by("accepted_until")[:LISTED]
    )
    listed = [r.pk for build in report.builds for r in build.scans]
    exempt = FindingOccurrence.objects.filter(result__in=listed).exclude(exempt="")
    report.exempt = exempt.values("finding_id").distinct().count()
    return report


def rows_of(subject: Release | Service) -> QuerySet[Finding]:
    """The rows behind the report, worst first, as the CSV lists them."""
    from django.db.models import Case, IntegerField, Value, When

    order = Case(
        *(When(severity=s, then=Value(at)) for at, s in enumerate(SEVERITIES)), output_field=IntegerField()
    )
    return in_builds_of(subject).select_related("service").order_by(order, "due_at", "id")
