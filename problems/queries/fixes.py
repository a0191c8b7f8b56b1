"""Production deployments that carried fixes of problems, and what came of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from problems.models import FailureLink, ObservationWindow, ProblemFix, RootCause
from problems.rules.fix_analysis import Fix
from trains.models import Deployment, Environment, Release, Service, Train


@dataclass(frozen=True)
class CarriedFix(Fix):
    """A fix with the rows it is made of."""

    service_id: Any = None
    release_id: Any = None
    at: datetime | None = None


def fix_deployments_of(
    starts: datetime | None, ends: datetime | None, train: Train | None = None
) -> list[CarriedFix]:
    """Deployments to production of releases that fix problems, in [starts, ends): failed, or laid to an incident, or back.

    A deployment counts once, whatever number of problems it fixes; its category is that of the most severe one.
    """
    fixes: dict[UUID, list[ProblemFix]] = defaultdict(list)
    for fix in ProblemFix.objects.filter(withdrawn_at__isnull=True).select_related("problem"):
        fixes[fix.release_id].append(fix)
    rows = Deployment.objects.filter(
        release__in=fixes, environment__kind=Environment.Kind.PRODUCTION
    ).exclude(kind=Deployment.Kind.ROLLBACK)
    rows = rows.exclude(outcome__in=(Deployment.State.RUNNING, Deployment.State.CANCELLED))
    if starts is not None:
        rows = rows.filter(started_at__gte=starts)
    if ends is not None:
        rows = rows.filter(started_at__lt=ends)
    if train is not None:
        rows = rows.filter(service__train=train)
    listed = list(rows.order_by("started_at", "id"))
    ids = [d.pk for d in listed]
    guilty = _guilty(ids)
    windows = _windows(ids)
    items = _items({d.release_id for d in listed if d.release_id})
    names = _teams({d.service_id for d in listed})
    causes = _causes(ids)
    before: dict[UUID, datetime] = {}
    found = []
    for d in listed:
        worst = min((f.problem for f in fixes[d.release_id]), key=lambda p: (p.severity, p.key))  # type: ignore[index]
        last = before.get(d.service_id)
        before[d.service_id] = d.started_at
        bad = (Deployment.State.FAILED, Deployment.State.ROLLED_BACK)
        found.append(
            CarriedFix(
                id=d.pk,
                team=names.get(d.service_id, ""),
                category=worst.category,
                month=f"{d.started_at:%Y-%m}",
                items=items.get(d.release_id, 1),  # type: ignore[arg-type]
                days_since_last=(d.started_at - last).total_seconds() / 86400 if last else None,
                failed=d.outcome in bad or d.state in bad or d.pk in guilty,
                came_back=windows.get(d.pk),
                causes=tuple(sorted(causes.get(d.pk, ()))),
                service_id=d.service_id,
                release_id=d.release_id,
                at=d.started_at,
            )
        )
    return found


def _guilty(ids: list[UUID]) -> set[UUID]:
    """Deployments that somebody accepted as the cause of an incident."""
    links = FailureLink.objects.filter(
        deployment__in=ids, kind=FailureLink.Kind.CAUSED, status=FailureLink.Status.ACCEPTED
    )
    return set(links.values_list("deployment_id", flat=True))


def _windows(ids: list[UUID]) -> dict[UUID, bool]:
    """Whether a problem came back in an observation that is over; running and void ones say nothing."""
    over = (ObservationWindow.State.PASSED, ObservationWindow.State.BREACHED)
    found: dict[UUID, bool] = {}
    for pk, state in ObservationWindow.objects.filter(deployment__in=ids, state__in=over).values_list(
        "deployment_id", "state"
    ):
        found[pk] = found.get(pk, False) or state == ObservationWindow.State.BREACHED
    return found


def _items(releases: set[UUID]) -> dict[UUID, int]:
    rows = Release.objects.filter(pk__in=releases).annotate(
        n=Count("items", filter=Q(items__removed_at__isnull=True))
    )
    return dict(rows.order_by().values_list("pk", "n"))


def _teams(services: set[UUID]) -> dict[UUID, str]:
    rows = Service.objects.filter(pk__in=services).select_related("team")
    return {s.pk: s.team.name if s.team else "No team" for s in rows}


def _causes(ids: list[UUID]) -> dict[UUID, set[str]]:
    """What was found behind failures: categories of incidents laid to the deployment, and of validated root causes
    of the problems behind those and of problems that came back after it."""
    found: dict[UUID, set[str]] = defaultdict(set)
    links = FailureLink.objects.filter(deployment__in=ids, kind=FailureLink.Kind.CAUSED).exclude(
        status=FailureLink.Status.DISPUTED
    )
    for pk, category in links.values_list("deployment_id", "incident__category"):
        if category and category != "unknown":
            found[pk].add(category)
    behind = RootCause.objects.filter(state=RootCause.State.VALIDATED)
    for pk, category in behind.filter(problem__incidents__incident__failure_links__in=links).values_list(
        "problem__incidents__incident__failure_links__deployment_id", "category"
    ):
        found[pk].add(category)
    breached = Q(problem__windows__deployment__in=ids, problem__windows__state="breached")
    for pk, category in behind.filter(breached).values_list("problem__windows__deployment_id", "category"):
        found[pk].add(category)
    return found
