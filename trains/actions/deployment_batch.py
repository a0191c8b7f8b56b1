"""Many deployments at once, for importers: the rules of `deployment.record`, all or nothing, one ledger entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from django.db import transaction

from releasetrain.audit import ledger
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.bulk import batches
from trains.models import Artifact, Deployment, Environment, Release, Service
from trains.rules.settling import Report, disagreement, merge

from .permission import require_permission
from .rows_digest import rows_digest
from .settling import SAID, settle_rollbacks, take_over

_SHOWN_ERRORS = 50


@dataclass(frozen=True, slots=True)
class DeploymentRow(Report):
    """One report: services and environments by name, the release by key. Source and id are required."""

    source: str = ""
    external_id: str = ""


@dataclass(frozen=True)
class BatchResult:
    """What came of a batch, and the digest over its rows that the ledger holds."""

    rows: int
    created: int
    updated: int
    unchanged: int
    digest: str


_COLUMNS = tuple(f.name for f in fields(DeploymentRow))
_STATES = frozenset(Deployment.State.values)
_KINDS = frozenset(Deployment.Kind.values)


class _Errors:
    """Refusals with the place of their row."""

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def add(self, index: int, column: str, code: str, sentence: str) -> None:
        self.found.append(
            Refusal(code, f"Row {index + 1}: {sentence}", field=f"rows/{index}/{column}", status=422)
        )

    def refuse(self) -> None:
        if self.found:
            raise Refused(*self.found[:_SHOWN_ERRORS])


def record_many(actor: Actor, rows: Iterable[DeploymentRow], *, source_name: str = "") -> BatchResult:
    """Record deployments that a file or a feed reports. History is recorded as it was, inside freezes too."""
    require_permission(actor, "imports.run")
    listed = list(rows)
    with transaction.atomic():
        places = _Places(listed)
        settled = _settled(listed, places)
        known = _known(settled)
        created, updated = _write(settled, known, places)
        bulk_create_tracked(created)
        bulk_update_tracked(updated, [*SAID, "outcome", "state", "release", "artifact"])
        settle_rollbacks({(d.service_id, d.environment_id) for d in (*created, *updated)})
        result = BatchResult(
            rows=len(listed),
            created=len(created),
            updated=len(updated),
            unchanged=len(settled) - len(created) - len(updated),
            digest=rows_digest(listed, _COLUMNS),
        )
        ledger.append(actor, "deployment.record_many", None, {"source": source_name, **vars(result)})
    return result


class _Places:
    """The services, environments, releases and artifacts that the rows name."""

    def __init__(self, rows: Sequence[DeploymentRow]):
        names = {row.service for row in rows}
        # Locked in one order, as single reports lock their service: batches and reports take turns.
        locked = Service.objects.select_for_update(no_key=True).filter(name__in=names).order_by("pk")
        self.services: dict[str, Service] = {s.name: s for s in locked}
        self.environments: dict[str, Environment] = {e.name: e for e in Environment.objects.all()}
        keys = {row.release for row in rows if row.release}
        self.releases: dict[str, Release] = (
            {r.key: r for r in Release.objects.filter(key__in=keys)} if keys else {}
        )
        self.artifacts: dict[str, Artifact] = {}
        self.versions: dict[tuple[UUID, str], Artifact] = {}
        digests = {row.digest for row in rows if row.digest}
        if digests:
            for artifact in Artifact.objects.filter(
                service__name__in={row.service for row in rows if row.digest}
            ):
                self._add(artifact)
            for artifact in Artifact.objects.filter(digest__in=digests):
                self._add(artifact)

    def _add(self, artifact: Artifact) -> None:
        self.artifacts[artifact.digest] = artifact
        if artifact.version:
            self.versions[artifact.service_id, artifact.version] = artifact

    def check(self, index: int, row: DeploymentRow, errors: _Errors) -> bool:
        """Whether everything the row names is known; says what is not."""
        before = len(errors.found)
        if row.service not in self.services:
            errors.add(index, "service", "service.unknown", f"There is no service {row.service}.")
        if row.environment not in self.environments:
            errors.add(
                index, "environment", "environment.unknown", f"There is no environment {row.environment}."
            )
        if row.release and row.release not in self.releases:
            errors.add(index, "release", "release.unknown", f"There is no release {row.release}.")
        if not row.external_id:
            errors.add(
                index, "external_id", "required", "A deployment in a batch needs its id in the source."
            )
        if row.status not in _STATES:
            errors.add(index, "status", "deployment.status", f"{row.status!r} is no status of a deployment.")
        if row.kind not in _KINDS:
            errors.add(index, "kind", "deployment.kind", f"{row.kind!r} is no kind of deployment.")
        if row.finished_at is not None and row.finished_at < row.started_at:
            errors.add(index, "finished_at", "deployment.period", "It finished before it started.")
        if (row.status == Deployment.State.RUNNING) != (row.finished_at is None):
            errors.add(
                index,
                "finished_at",
                "deployment.end",
                "What has ended has its end, what is running has none.",
            )
        return len(errors.found) == before

    def artifact(self, row: Report) -> tuple[Artifact | None, str]:
        """The artifact of the row's digest, new or known, or a sentence that says why it cannot be."""
        service = self.services[row.service]
        known = self.artifacts.get(row.digest)
        if known is not None:
            if known.service_id != service.pk:
                return None, f"The digest {row.digest} belongs to another service."
            if row.version and known.version and known.version != row.version:
                return None, f"The digest {row.digest} is version {known.version}, not {row.version}."
            return known, ""
        other = self.versions.get((service.pk, row.version)) if row.version else None
        if other is not None:
            return (
                None,
                f"Version {row.version} of {row.service} has the digest {other.digest}; a version never changes its digest.",
            )
        made = Artifact(service=service, digest=row.digest, version=row.version, commit=row.commit)
        self._add(made)
        return made, ""


def _settled(rows: Sequence[DeploymentRow], places: _Places) -> dict[tuple[str, str], DeploymentRow]:
    """The reports of each deployment merged into one, or every row's fault."""
    errors = _Errors()
    found: dict[tuple[str, str], DeploymentRow] = {}
    for index, row in enumerate(rows):
        if not places.check(index, row, errors):
            continue
        key = (row.source, row.external_id)
        earlier = found.get(key)
        if earlier is None:
            found[key] = row
            continue
        differs = disagreement(earlier, row)
        if differs:
            errors.add(
                index,
                differs,
                "deployment.disagrees",
                f"Another row of {row.external_id} has another {differs}.",
            )
        else:
            found[key] = merge(earlier, row)  # type: ignore[assignment]
    errors.refuse()
    return found


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """A deployment as it was reported so far; the row itself is loaded only when a report changes it."""

    id: UUID
    report: Report


# The columns of a report, in the order of its fields.
_REPORTED = (
    "service__name",
    "environment__name",
    "outcome",
    "started_at",
    "finished_at",
    "version",
    "commit",
    "artifact__digest",
    "release__key",
    "kind",
    "emergency",
    "rework",
    "deployed_by_name",
    "url",
)
_DIGEST, _RELEASE = _REPORTED.index("artifact__digest"), _REPORTED.index("release__key")


def _known(settled: dict[tuple[str, str], DeploymentRow]) -> dict[tuple[str, str], _OnRecord]:
    found: dict[tuple[str, str], _OnRecord] = {}
    for chunk in batches(list(settled)):
        rows = Deployment.objects.filter(
            source__in={s for s, _ in chunk}, external_id__in=[e for _, e in chunk]
        ).order_by()
        for source, external_id, pk, *said in rows.values_list("source", "external_id", "pk", *_REPORTED):
            said[_DIGEST] = said[_DIGEST] or ""
            said[_RELEASE] = said[_RELEASE] or ""
            found[source, external_id] = _OnRecord(pk, Report(*said))
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """What the reports make of a deployment on record."""

    report: Report
    artifact: Artifact | None
    release: Release | None


def _write(
    settled: dict[tuple[str, str], DeploymentRow], known: dict[tuple[str, str], _OnRecord], places: _Places
) -> tuple[list[Deployment], list[Deployment]]:
    """The rows to insert and those to update; inserts the artifacts that are new."""
    errors = _Errors()
    created: list[Deployment] = []
    changes: dict[UUID, _Change] = {}
    artifacts: list[Artifact] = []
    for index, (key, row) in enumerate(settled.items()):
        artifact: Artifact | None = None
        if row.digest:
            artifact, fault = places.artifact(row)
            if fault:
                errors.add(index, "digest", "artifact.digest_changed", fault)
                continue
            if artifact is not None and artifact._state.adding:
                artifacts.append(artifact)
        release = places.releases.get(row.release)
        on_record = known.get(key)
        if on_record is None:
            created.append(_created(row, places, artifact, release))
            continue
        before = on_record.report
        differs = disagreement(before, row)
        if differs:
            errors.add(
                index,
                differs,
                "deployment.disagrees",
                f"{row.external_id} is on record with another {differs}.",
            )
            continue
        merged = merge(before, row)
        if merged != before:
            changes[on_record.id] = _Change(merged, artifact, release)
    errors.refuse()
    bulk_create_tracked(list({a.digest: a for a in artifacts}.values()))
    return created, _changed(changes)


def _created(
    row: DeploymentRow, places: _Places, artifact: Artifact | None, release: Release | None
) -> Deployment:
    return Deployment(
        service_id=places.services[row.service].pk,
        environment_id=places.environments[row.environment].pk,
        source=row.source,
        external_id=row.external_id,
        artifact_id=artifact.pk if artifact else None,
        release_id=release.pk if release else None,
        outcome=row.status,
        state=row.status,
        **{name: getattr(row, name) for name in SAID},
    )


def _changed(changes: dict[UUID, _Change]) -> list[Deployment]:
    """The rows that the reports change, changed."""
    found: list[Deployment] = []
    for chunk in batches(list(changes)):
        found.extend(Deployment.objects.filter(pk__in=chunk))
    for deployment in found:
        change = changes[deployment.pk]
        take_over(deployment, change.report)
        if change.artifact is not None:
            deployment.artifact = change.artifact
        if change.release is not None:
            deployment.release = change.release
    return found
