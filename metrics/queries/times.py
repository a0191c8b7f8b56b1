"""Moments of incidents by the release that their deployment belongs to (M10)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from metrics.queries.dora import Wanted
from metrics.queries.outcomes import HARM, ended
from metrics.rules.cycle import hours_between
from metrics.rules.periods import Period
from problems.models import FailureLink

STEPS = ("detect", "acknowledge", "mitigate", "restore")


@dataclass(frozen=True, slots=True)
class Timed:
    """An incident with the hours to each step; None where a moment is not known. Its cohort is a release, or the month."""

    id: uuid.UUID
    label: str
    release_id: uuid.UUID | None
    release: str
    deployed_at: datetime
    severity: int
    detect: float | None
    acknowledge: float | None
    mitigate: float | None
    restore: float | None


def incidents(period: Period, wanted: Wanted) -> list[Timed]:
    """Incidents of production deployments of the period (accepted links), each with the earliest deployment behind it."""
    links = (
        FailureLink.objects.filter(
            deployment__in=ended(period, wanted).values("pk"),
            status=FailureLink.Status.ACCEPTED,
            kind__in=[k.value for k in HARM],
        )
        .order_by("incident_id", "deployment__finished_at")
        .distinct("incident_id")
        .values_list(
            "incident_id", "incident__key", "incident__title", "incident__severity", "incident__started_at",
            "incident__detected_at", "incident__acknowledged_at", "incident__mitigated_at", "incident__resolved_at",
            "deployment__release_id", "deployment__release__key", "deployment__release__version", "deployment__finished_at",
        )
    )  # fmt: skip
    found = [_timed(*row) for row in links]
    return sorted(found, key=lambda t: t.deployed_at, reverse=True)


def _timed(  # type: ignore[no-untyped-def]
    pk,
    key,
    title,
    severity,
    started,
    detected,
    acknowledged,
    mitigated,
    resolved,
    release_id,
    release,
    version,
    deployed,
) -> Timed:
    began = started or detected
    return Timed(
        pk,
        f"{key} {title}",
        release_id,
        f"{release} {version}" if release_id else "",
        deployed,
        severity,
        hours_between(started, detected),
        hours_between(detected, acknowledged),
        hours_between(began, mitigated or resolved),
        hours_between(began, resolved),
    )
