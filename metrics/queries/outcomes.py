"""How deployments turned out, counted in the database by whatever they belong to (M8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from metrics.queries.dora import Wanted, _filters
from metrics.rules.periods import Period
from problems.models import FailureLink
from trains.models import Deployment, Environment

# What a group is named by: the columns that make its label, and the one that leads to its object.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "application": ("service_id", ("service__name",)),
    "team": ("service__team_id", ("service__team__name",)),
    "environment": ("environment_id", ("environment__name",)),
    "release": ("release_id", ("release__key", "release__version")),
    "item": ("release__items", ("release__items__source_key", "release__items__title")),
}
ENDED = (Deployment.State.SUCCEEDED, Deployment.State.FAILED, Deployment.State.ROLLED_BACK)
HARM = (FailureLink.Kind.CAUSED, FailureLink.Kind.CONTRIBUTED)


@dataclass(frozen=True, slots=True)
class Turnout:
    """Deployments of a group by how they turned out; a deployment with several troubles went badly once."""

    id: Any
    label: str
    total: int
    failed: int
    rolled_back: int
    incidents: int
    bad: int


def harmed() -> Exists:
    """Whether an accepted link says that the deployment caused or contributed to an incident."""
    return Exists(
        FailureLink.objects.filter(
            deployment=OuterRef("pk"), status=FailureLink.Status.ACCEPTED, kind__in=[k.value for k in HARM]
        )
    )


def ended(period: Period, wanted: Wanted, environment: str = "") -> QuerySet[Deployment]:
    """Deployments of the period that came to an end, rollbacks left out: what they undid is what failed."""
    rows = Deployment.objects.filter(
        finished_at__gte=period.start, finished_at__lt=period.end, state__in=ENDED, **_filters(wanted)
    ).exclude(kind=Deployment.Kind.ROLLBACK)
    if environment == "all":
        return rows.order_by()
    kind = environment or Environment.Kind.PRODUCTION
    listed = list(Environment.objects.filter(kind=kind).values_list("pk", flat=True))
    return rows.filter(environment__in=listed).order_by()


def turnouts(rows: QuerySet[Deployment], by: str = "") -> list[Turnout]:
    """Counted by one of GROUPS, or all together, in one query; what belongs to no group is left out."""
    pk, names = GROUPS.get(by, ("", ()))
    marked: Any = rows.annotate(harmed=harmed())
    if pk:
        marked = marked.filter(**{f"{pk}__isnull": False})
        if by == "item":
            marked = marked.filter(release__items__removed_at__isnull=True)
    # Joining items multiplies deployments by items, one row each for each item: what is counted per item is right.
    groups = marked.values(pk, *names) if pk else marked.values()
    counted = {
        "total": Count("pk"),
        "failed": Count("pk", filter=Q(state=Deployment.State.FAILED)),
        "rolled_back": Count("pk", filter=Q(state=Deployment.State.ROLLED_BACK)),
        "incidents": Count("pk", filter=Q(harmed=True)),
        "bad": Count("pk", filter=~Q(state=Deployment.State.SUCCEEDED) | Q(harmed=True)),
    }
    if not pk:
        whole = marked.aggregate(**counted)
        return [Turnout(None, "All", **whole)]
    found = [
        Turnout(
            row[pk],
            " ".join(str(row[n]) for n in names if row[n]),
            *(row[name] for name in ("total", "failed", "rolled_back", "incidents", "bad")),
        )
        for row in groups.annotate(**counted)
    ]
    return sorted(found, key=lambda t: (-t.bad / t.total, -t.total, t.label))


def bad_ones(rows: QuerySet[Deployment]) -> QuerySet[Deployment]:
    """The deployments that went badly."""
    return rows.annotate(harmed=harmed()).filter(~Q(state=Deployment.State.SUCCEEDED) | Q(harmed=True))


def ids_of(rows: QuerySet[Deployment], most: int) -> list[uuid.UUID]:
    return list(rows.order_by("-finished_at").values_list("pk", flat=True)[:most])


def proposed_links(rows: Iterable[Any]) -> int:
    """Links that nobody has decided: these incidents do not count yet."""
    return FailureLink.objects.filter(
        deployment__in=rows, status=FailureLink.Status.PROPOSED, kind__in=[k.value for k in HARM]
    ).count()
