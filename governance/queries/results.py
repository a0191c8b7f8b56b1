"""Results that count: of each artifact the latest of every tool and stream."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef

from governance.models import Result
from trains.models import Artifact, Deployment, Environment


def standing_results(
    artifacts: Iterable[Artifact], kind: str, until: datetime | None = None
) -> dict[uuid.UUID, list[Result]]:
    """Artifact id → its results of this kind that no later result has replaced; with `until` as of that moment.

    A later result replaces one of the same tool and stream. Test and coverage reports are streams by their source or
    file name, so that a passing unit report never hides a failing integration report; scans by their source alone.
    """
    ids = [a.pk for a in artifacts]
    known = Result.objects.filter(artifact__in=ids, kind=kind)
    if until is not None:
        known = known.filter(reported_at__lte=until)
    rows = (
        known.order_by("artifact_id", "tool", "stream", "-reported_at", "-id")
        .distinct("artifact_id", "tool", "stream")
        .select_related("artifact__service", "file")
    )
    found: dict[uuid.UUID, list[Result]] = {pk: [] for pk in ids}
    for row in rows:
        found[row.artifact_id].append(row)
    return found


def last_released(artifact: Artifact, before: datetime) -> Artifact | None:
    """The build of the same service that had last arrived in production at the moment, other than this one."""
    undone = Deployment.objects.filter(rolls_back=OuterRef("pk"), started_at__lte=before)
    deployment = (
        Deployment.objects.filter(
            service_id=artifact.service_id,
            environment__kind=Environment.Kind.PRODUCTION,
            outcome=Deployment.State.SUCCEEDED,
            artifact__isnull=False,
            started_at__lte=before,
        )
        .exclude(Exists(undone))
        .exclude(artifact_id=artifact.pk)
        .order_by("-started_at", "-id")
        .select_related("artifact__service")
        .first()
    )
    return deployment.artifact if deployment else None
