"""How deployments turned out, counted in the database by whatever they belong to (M8)."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from metrics.queries.dora import Wanted, _filters
from metrics.rules.periods import Period
from problems.models import FailureLink
from trains.models import Deployment, Environment, Release, ScopeItem, Service, Team

# What deployments are grouped by: the column that leads to the object, its model, and the columns that name it.
GROUPS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "application": ("service_id", Service, ("name",)),
    "team": ("service__team_id", Team, ("name",)),
    "environment": ("environment_id", Environment, ("name",)),
    "release": ("release_id", Release, ("key", "version")),
    "item": ("release__items", ScopeItem, ("source_key", "title")),
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
    """Counted by one of GROUPS, or all together; what belongs to no group is left out.

    The database counts by state and harm, so that it looks for harm once for each deployment, and names come after, so
    that it joins nothing to the rows it counts.
    """
    pk, model, names = GROUPS.get(by, ("", None, ()))
    marked: Any = rows.annotate(harmed=harmed())
    if pk:
        marked = marked.filter(**{f"{pk}__isnull": False})
        if by == "item":
            marked = marked.filter(release__items__removed_at__isnull=True)
    # Joining items multiplies deployments by items, one row each for each item: what is counted per item is right.
    counted: dict[Any, Counter[tuple[str, bool]]] = defaultdict(Counter)
    if not pk:
        counted[None] = Counter()
    for *group, state, hurt, count in marked.values_list(*([pk] if pk else []), "state", "harmed").annotate(
        count=Count("pk")
    ):
        counted[group[0] if group else None][state, hurt] += count
    labels: dict[Any, str] = {None: "All"}
    if model is not None:
        found = model.objects.filter(pk__in=list(counted)).values_list("pk", *names)
        labels = {key: " ".join(str(name) for name in said if name) for key, *said in found}
    listed = [_turnout(key, labels[key], told) for key, told in counted.items()]
    return sorted(listed, key=lambda t: (-t.bad / t.total if t.total else 0.0, -t.total, t.label))


def _turnout(key: Any, label: str, counted: Counter[tuple[str, bool]]) -> Turnout:
    def those(which: Callable[[str, bool], bool]) -> int:
        return sum(count for (state, hurt), count in counted.items() if which(state, hurt))

    return Turnout(
        key,
        label,
        counted.total(),
        those(lambda state, _: state == Deployment.State.FAILED),
        those(lambda state, _: state == Deployment.State.ROLLED_BACK),
        those(lambda _, hurt: hurt),
        those(lambda state, hurt: hurt or state != Deployment.State.SUCCEEDED),
    )


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
