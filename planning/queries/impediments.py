"""Open impediments with their age and escalation, and hours that interruptions took from an iteration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from planning.models import Impediment, Interruption
from trains.models import Escalation, Iteration, Team, Train


@dataclass(frozen=True, slots=True)
class Aged:
    """An open impediment, how old it is, and its escalation if it has one."""

    impediment: Impediment
    age: timedelta
    escalation: Escalation | None


@dataclass(frozen=True, slots=True)
class Lost:
    """What interruptions took from a team's iteration."""

    team: Team
    iteration: Iteration
    hours: Decimal
    count: int


def open_ones(train: Train, moment: datetime) -> list[Aged]:
    """The oldest first; two queries."""
    rows = list(
        Impediment.objects.filter(team__train=train, state__in=("raised", "working"))
        .select_related("team", "owner", "raised_by", "feature")
        .order_by("raised_at")
    )
    escalated = {
        each.subject_id: each
        for each in Escalation.objects.filter(subject_id__in=[row.pk for row in rows]).exclude(
            state="resolved"
        )
    }
    return [Aged(row, row.age(moment), escalated.get(row.pk)) for row in rows]


def lost(train: Train) -> list[Lost]:
    """Hours by iteration and team, the latest iteration first."""
    sums: list[Any] = list(
        Interruption.objects.filter(team__train=train)
        .order_by()
        .values_list("team_id", "iteration_id")
        .annotate(hours=Sum("hours"), n=Count("id"))
    )
    teams = {t.pk: t for t in Team.objects.filter(pk__in=[s[0] for s in sums])}
    iterations = {i.pk: i for i in Iteration.objects.filter(pk__in=[s[1] for s in sums])}
    found = [Lost(teams[team], iterations[iteration], hours, n) for team, iteration, hours, n in sums]
    return sorted(found, key=lambda each: (each.iteration.starts, each.hours), reverse=True)[:60]
