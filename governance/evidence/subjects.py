"""What packages of this app can be about: a release, a change, or everything of a period."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Q

from governance.models import ChangeDeployment, ChangeRequest
from trains.models import Deployment, Release, ReleaseArtifact

from .collect import Ids, Subject, subject_kind

PERIOD = "period"


@subject_kind("release", "Release", Release)
def of_release(release: Release) -> Subject:
    """The release with its changes, and every deployment that carried it or stood under one of them."""
    changes = _ids(ChangeRequest.objects.filter(release=release).values_list("pk", flat=True))
    deployments = _ids(
        Deployment.objects.filter(Q(release=release) | Q(authorisations__change__in=changes)).values_list(
            "pk", flat=True
        )
    )
    return Subject(
        kind="release",
        title="Release",
        label=str(release),
        object=release,
        releases=frozenset({release.pk}),
        changes=changes,
        deployments=deployments,
        artifacts=_artifacts([release.pk], deployments),
    )


@subject_kind("change", "Change request", ChangeRequest)
def of_change(change: ChangeRequest) -> Subject:
    """The change with the release it is for, and the deployments that stood or asked to stand under it."""
    releases = frozenset({change.release_id} if change.release_id else ())
    deployments = _ids(ChangeDeployment.objects.filter(change=change).values_list("deployment_id", flat=True))
    return Subject(
        kind="change",
        title="Change request",
        label=str(change),
        object=change,
        releases=releases,
        changes=frozenset({change.pk}),
        deployments=deployments,
        artifacts=_artifacts(releases, deployments),
    )


def of_period(starts: datetime, ends: datetime) -> Subject:
    """What was deployed, released, or planned to be changed in [starts, ends)."""
    begun = Deployment.objects.filter(started_at__gte=starts, started_at__lt=ends)
    deployments = _ids(begun.values_list("pk", flat=True))
    releases = _ids(
        Release.objects.filter(
            Q(released_at__gte=starts, released_at__lt=ends) | Q(deployments__in=begun)
        ).values_list("pk", flat=True)
    )
    changes = _ids(
        ChangeRequest.objects.filter(
            Q(window_starts__lt=ends, window_ends__gt=starts)
            | Q(deployments__deployment__in=begun)
            | Q(release__in=releases)
        ).values_list("pk", flat=True)
    )
    return Subject(
        kind=PERIOD,
        title="Period",
        label=period_label(starts, ends),
        starts=starts,
        ends=ends,
        releases=releases,
        changes=changes,
        deployments=deployments,
        artifacts=_artifacts(releases, deployments),
    )


def period_label(starts: datetime, ends: datetime) -> str:
    """How a period is called."""
    return " to ".join(f"{m.astimezone(UTC):%Y-%m-%d %H:%M}" for m in (starts, ends)) + " UTC"


def _artifacts(releases: Iterable[uuid.UUID], deployments: Iterable[uuid.UUID]) -> Ids:
    attached = ReleaseArtifact.objects.filter(release__in=list(releases)).values_list(
        "artifact_id", flat=True
    )
    deployed = Deployment.objects.filter(pk__in=list(deployments), artifact__isnull=False).values_list(
        "artifact_id", flat=True
    )
    return _ids(attached) | _ids(deployed)


def _ids(rows: Iterable[uuid.UUID]) -> Ids:
    return frozenset(rows)
