"""What the release cockpit shows: stages, scope, what runs where, what happened."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from releasetrain.audit.models import LedgerEntry
from releasetrain.interface import formats
from trains.models import Deployment, Environment, Release, ReleaseArtifact, ScopeItem, Service

from .deployments import current_versions, environments_of, version_running

State = Release.State
_REACHED = {
    State.PLANNING: 0,
    State.SCOPED: 1,
    State.FROZEN: 2,
    State.READY: 3,
    State.APPROVED: 4,
    State.DEPLOYING: 4,
    State.RELEASED: 6,
    State.CLOSED: 7,
}
_ACTIVITY = 12


@dataclass(frozen=True)
class Cell:
    """One service in one environment: what runs there, and how that stands to the release."""

    version: str
    tone: str
    words: str
    deployment: Deployment


@dataclass
class Matrix:
    """Services down, environments across; cells by service and environment."""

    environments: list[Environment]
    rows: list[tuple[Service, str, list[Cell | None]]] = field(default_factory=list)
    arrived: int = 0


@dataclass(frozen=True)
class Scope:
    """The items that are in, those that went out, and how much changed since the freeze."""

    items: list[ScopeItem]
    removed: list[ScopeItem]
    changed_since_freeze: int


def scope_of(release: Release) -> Scope:
    """The scope of a release."""
    rows = list(release.items.all())
    return Scope(
        items=[i for i in rows if i.removed_at is None],
        removed=[i for i in rows if i.removed_at is not None],
        changed_since_freeze=sum(1 for i in rows if i.after_freeze),
    )


def matrix_of(release: Release, artifacts: list[ReleaseArtifact]) -> Matrix:
    """What runs where of the services that the release carries or has deployed."""
    attached = {a.service_id: a for a in artifacts}
    services = {a.service_id: a.service for a in artifacts}
    for deployment in (
        release.deployments.select_related("service").order_by("service_id").distinct("service_id")
    ):
        services.setdefault(deployment.service_id, deployment.service)
    matrix = Matrix(environments_of(release.train))
    running = current_versions(services=services)
    attempts = _latest_attempts(services)
    targets = [e.pk for e in matrix.environments if e.is_production]
    for service in sorted(services.values(), key=lambda s: s.name):
        carried = attached.get(service.pk)
        cells = []
        for environment in matrix.environments:
            current = running.get(service.pk, {}).get(environment.pk)
            cells.append(_cell(carried, current, attempts.get((service.pk, environment.pk))))
        matrix.rows.append((service, carried.artifact.version if carried else "", cells))
        here = running.get(service.pk, {})
        if carried and targets and all(_is_carried(carried, here.get(target)) for target in targets):
            matrix.arrived += 1
    return matrix


def _latest_attempts(services: dict[uuid.UUID, Service]) -> dict[tuple[uuid.UUID, uuid.UUID], Deployment]:
    rows = Deployment.objects.filter(service__in=list(services)).order_by(
        "service_id", "environment_id", "-started_at", "-id"
    )
    return {(d.service_id, d.environment_id): d for d in rows.distinct("service_id", "environment_id")}


def _is_carried(carried: ReleaseArtifact, deployment: Deployment | None) -> bool:
    if deployment is None:
        return False
    if deployment.artifact_id:
        return deployment.artifact_id == carried.artifact_id
    return bool(carried.artifact.version) and version_running(deployment) == carried.artifact.version


def _cell(
    carried: ReleaseArtifact | None, current: Deployment | None, attempt: Deployment | None
) -> Cell | None:
    if attempt is None:
        return None
    version = version_running(current or attempt)
    if attempt.outcome == Deployment.State.RUNNING:
        return Cell(version_running(attempt), "info", "is being deployed", attempt)
    if attempt.outcome == Deployment.State.FAILED:
        return Cell(version, "bad", "the last deployment failed", attempt)
    if carried is None:
        return Cell(version, "idle", "not part of this release", attempt)
    if _is_carried(carried, current):
        return Cell(version, "ok", "as released here", attempt)
    return Cell(version, "warn", "another version than this release", attempt)


def stages_of(release: Release, scope: Scope, artifacts: int, matrix: Matrix) -> list[dict[str, str]]:
    """The seven stages with a note each; `state` is done, cur, stop or empty."""
    notes = [
        ("Scope", f"{len(scope.items)} item{'' if len(scope.items) == 1 else 's'}"),
        ("Freeze", _day("frozen", release.frozen_at) or _day("due", release.scope_freeze_at)),
        ("Builds", f"{artifacts} attached"),
        ("Approval", "by change request"),
        (
            "Production",
            f"{matrix.arrived} of {artifacts} services" if artifacts else _day("planned", release.target_at),
        ),
        ("Released", _day("", release.released_at) or _day("planned", release.target_at)),
        ("Closed", ""),
    ]
    stopped = release.state in (State.CANCELLED, State.ROLLED_BACK)
    reached = _stopped_at(release, artifacts, matrix) if stopped else _REACHED[State(release.state)]
    stages = []
    for index, (label, note) in enumerate(notes):
        state = "done" if index < reached else ("stop" if stopped else "cur") if index == reached else ""
        stages.append({"label": label, "note": note, "state": state, "url": ""})
    return stages


def _stopped_at(release: Release, artifacts: int, matrix: Matrix) -> int:
    """How far a release came that was cancelled or rolled back."""
    if release.state == State.ROLLED_BACK:
        return 5 if release.released_at else 4
    return 2 + bool(artifacts) if release.frozen_at else 0


def _day(word: str, moment: Any) -> str:
    return f"{word} {formats.full_day(moment)}".strip() if moment else ""


def activity_of(release: Release) -> list[LedgerEntry]:
    """The latest acts on the release and on its deployments, newest first."""
    deployments = [
        str(pk) for pk in release.deployments.order_by("-started_at").values_list("pk", flat=True)[:200]
    ]
    about = Q(subject_kind="release", subject_id=str(release.pk)) | Q(
        subject_kind="deployment", subject_id__in=deployments
    )
    return list(LedgerEntry.objects.filter(about).order_by("-id")[:_ACTIVITY])
