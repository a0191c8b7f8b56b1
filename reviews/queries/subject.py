"""What a review is about: its production deployments and the incidents laid to them."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Max, Min, Q, QuerySet

from problems.models import FailureLink
from reviews.models import Review
from trains.models import Deployment, Environment


def deployments_of(review: Review) -> QuerySet[Deployment]:
    """The production deployments under review, by time."""
    rows = Deployment.objects.filter(environment__kind=Environment.Kind.PRODUCTION)
    if review.release_id:
        rows = rows.filter(release=review.release_id)
    elif review.gathers_until and review.deployment:
        first = review.deployment.started_at
        rows = rows.filter(
            service=review.service_id, started_at__gte=first, started_at__lt=review.gathers_until
        )
    elif review.deployment_id:
        rows = rows.filter(Q(pk=review.deployment_id) | Q(rolls_back=review.deployment_id))
    else:
        return Deployment.objects.none()
    if review.also:
        rows = _with_neighbours(review, rows)
    return rows.select_related("service", "environment", "release", "rolls_back").order_by("started_at", "id")


# What interdependent services deployed so long before and after belongs to a review across systems.
AROUND = timedelta(days=1)


def _with_neighbours(review: Review, rows: QuerySet[Deployment]) -> QuerySet[Deployment]:
    """The deployments, and those of the further services around them."""
    span = rows.aggregate(first=Min("started_at"), last=Max("started_at"))
    if span["first"] is None:
        return rows
    return Deployment.objects.filter(
        Q(pk__in=rows.values("pk"))
        | Q(
            environment__kind=Environment.Kind.PRODUCTION,
            service__in=review.also,
            started_at__gte=span["first"] - AROUND,
            started_at__lte=span["last"] + AROUND,
        )
    )


def blamed(deployments: QuerySet[Deployment] | list[Deployment]) -> QuerySet[FailureLink]:
    """The incidents laid to these deployments, other than disputed ones."""
    links = FailureLink.objects.filter(deployment__in=deployments).exclude(status=FailureLink.Status.DISPUTED)
    causes = (FailureLink.Kind.CAUSED, FailureLink.Kind.CONTRIBUTED)
    return links.filter(kind__in=causes).select_related(
        "incident", "deployment__service", "deployment__environment"
    )


def caused_incident(deployment: Deployment) -> bool:
    """Whether a person lays an incident to the deployment; what a rule merely suspects does not count yet."""
    said = Q(status=FailureLink.Status.ACCEPTED) | Q(proposed_by__isnull=False)
    return (
        deployment.failure_links.filter(said, kind=FailureLink.Kind.CAUSED)
        .exclude(status=FailureLink.Status.DISPUTED)
        .exists()
    )
