"""Fixes in production and how their observation went (M15)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from metrics.queries.dora import Wanted
from metrics.rules.periods import Period
from metrics.rules.recurrence import Fix
from problems.models import Category, Incident, ObservationWindow
from problems.queries.fixes import CarriedFix, fix_deployments_of
from trains.models import Service

LOOK_BACK = timedelta(days=90)


def fixes(period: Period, wanted: Wanted) -> list[Fix]:
    """Fixes that went live in the period, one query; team and service are those of the problem."""
    rows = ObservationWindow.objects.filter(
        starts__gte=period.start, starts__lt=period.end, **_filters(wanted, "problem__")
    )
    labels = dict(Category.choices)
    return [
        Fix(pk, f"{key} {title}", team or "No team", str(labels.get(category, category)), state, starts, back or settled)
        for pk, key, title, team, category, state, starts, back, settled in rows.order_by("-starts").values_list(
            "pk", "problem__key", "problem__title", "problem__service__team__name", "problem__category", "state", "starts",
            "breached_by__detected_at", "settled_at",
        )
    ]  # fmt: skip


def repeats(period: Period, wanted: Wanted) -> tuple[list[uuid.UUID], int]:
    """Incidents of the period whose fingerprint a service of theirs had shown in the 90 days before, and how many have one."""
    rows = Incident.objects.filter(
        detected_at__gte=period.start - LOOK_BACK, detected_at__lt=period.end
    ).exclude(fingerprint="")
    for path, value in _filters(wanted, "services__").items():
        rows = rows.filter(**{path: value})
    last: dict[tuple[str, uuid.UUID | None], datetime] = {}
    found: dict[uuid.UUID, bool] = {}
    listed = rows.order_by("detected_at", "pk").values_list(
        "pk", "fingerprint", "detected_at", "services__service_id"
    )
    for pk, fingerprint, at, service in listed.distinct():
        before = last.get((fingerprint, service))
        if at >= period.start:
            found[pk] = found.get(pk, False) or (before is not None and at - before <= LOOK_BACK)
        last[fingerprint, service] = at
    return [pk for pk, again in found.items() if again], len(found)


def fix_deployments(period: Period, wanted: Wanted) -> list[CarriedFix]:
    """Production deployments of releases that fix problems, as the analysis of failed fixes counts them."""
    chosen = fix_deployments_of(period.start, period.end)
    services = Service.objects.filter(pk__in={f.service_id for f in chosen})
    paths = {"train_id": wanted.train, "team_id": wanted.team, "pk": wanted.service}
    asked = {path: value for path, value in paths.items() if value}
    if not asked:
        return chosen
    inside = set(services.filter(**asked).values_list("pk", flat=True))
    return [f for f in chosen if f.service_id in inside]


def windows(ids: Sequence[uuid.UUID]) -> list[ObservationWindow]:
    rows = ObservationWindow.objects.filter(pk__in=ids)
    return list(
        rows.select_related(
            "problem__service", "deployment__service", "deployment__environment", "breached_by"
        )
    )


def _filters(wanted: Wanted, to: str) -> dict[str, str]:
    paths = {
        f"{to}service__train_id": wanted.train,
        f"{to}service__team_id": wanted.team,
        f"{to}service_id": wanted.service,
    }
    return {path: value for path, value in paths.items() if value}
