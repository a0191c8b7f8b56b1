"""Recurring incidents in groups, what each group costs, which releases are to end it, and how much they did end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from problems.models import (
    Category,
    Incident,
    IncidentService,
    Problem,
    ProblemFix,
    ProblemIncident,
    ProblemPolicy,
)
from trains.models import Release, Service, Train

from .policy import policy_in_force

LEAST = 2
SYSTEMIC, WORKAROUND, NOTHING = "systemic fix", "workaround", "nothing yet"


@dataclass
class Group:
    """Incidents of the same service, category and fingerprint within a period."""

    service: Service
    category: str
    fingerprint: str
    incidents: list[Incident] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    cost: float = 0.0
    hours: float = 0.0
    ended: bool = False

    @property
    def count(self) -> int:
        return len(self.incidents)

    @property
    def category_label(self) -> str:
        return str(Category(self.category).label) if self.category else "No category"

    @property
    def answer(self) -> str:
        """What is done about it: a fix of the cause in a release, a workaround, or nothing yet."""
        if self.releases:
            return SYSTEMIC
        return WORKAROUND if any(p.workaround for p in self.problems) else NOTHING

    @property
    def rank(self) -> tuple[int, float, int]:
        """Fixes of the cause before workarounds before nothing, each by what recurrence costs."""
        return ((SYSTEMIC, WORKAROUND, NOTHING).index(self.answer), -self.cost, -self.count)


@dataclass(frozen=True)
class Recurrence:
    """The groups of a period, the costliest first, and the share of their incidents that targeted releases ended."""

    starts: datetime
    ends: datetime
    policy: ProblemPolicy
    groups: tuple[Group, ...]
    single: int

    @property
    def incidents(self) -> int:
        return sum(g.count for g in self.groups)

    @property
    def targeted(self) -> int:
        """Recurring incidents of groups that a release is to end."""
        return sum(g.count for g in self.groups if g.releases)

    @property
    def resolved(self) -> int:
        """Recurring incidents of groups that a released fix ended: nothing of the kind since, and not re-opened."""
        return sum(g.count for g in self.groups if g.ended)

    @property
    def resolved_share(self) -> float | None:
        return self.resolved / self.incidents if self.incidents else None

    @property
    def cost(self) -> float:
        return sum(g.cost for g in self.groups)

    @property
    def fixes(self) -> list[Group]:
        """Groups that deserve a fix of the cause first: by cost alone."""
        return sorted(self.groups, key=lambda g: (-g.cost, -g.count, g.service.name))


def recurrence(starts: datetime, ends: datetime, train: Train | None = None) -> Recurrence:
    """Group the incidents that were detected in [starts, ends)."""
    policy = policy_in_force()
    touched = IncidentService.objects.filter(
        incident__detected_at__gte=starts, incident__detected_at__lt=ends
    )
    if train is not None:
        touched = touched.filter(service__train=train)
    groups: dict[tuple[UUID, str, str], Group] = {}
    for row in touched.select_related("incident", "service").order_by("incident__detected_at", "id"):
        incident, service = row.incident, row.service
        key = (service.pk, incident.category, incident.fingerprint)
        group = groups.setdefault(key, Group(service, incident.category, incident.fingerprint))
        group.incidents.append(incident)
        hours = _hours(incident, ends)
        group.hours += hours
        group.cost += policy.cost_of(incident.severity, hours)
    recurring = [g for g in groups.values() if g.count >= LEAST]
    _answers(recurring)
    return Recurrence(
        starts,
        ends,
        policy,
        tuple(sorted(recurring, key=lambda g: (*g.rank, g.service.name))),
        len(groups) - len(recurring),
    )


def _hours(incident: Incident, until: datetime) -> float:
    over = incident.resolved_at or incident.mitigated_at or until
    return max(timedelta(), over - incident.began_at).total_seconds() / 3600


def _answers(groups: list[Group]) -> None:
    """The problems behind the groups, the releases that are to fix them, and whether that ended them."""
    ids = {i.pk for g in groups for i in g.incidents}
    by_incident: dict[UUID, set[UUID]] = defaultdict(set)
    for incident_id, problem_id in ProblemIncident.objects.filter(incident__in=ids).values_list(
        "incident_id", "problem_id"
    ):
        by_incident[incident_id].add(problem_id)
    problems = {
        p.pk: p for p in Problem.objects.filter(pk__in={p for each in by_incident.values() for p in each})
    }
    fixes: dict[UUID, list[ProblemFix]] = defaultdict(list)
    for fix in ProblemFix.objects.filter(problem__in=problems, withdrawn_at__isnull=True).select_related(
        "release"
    ):
        fixes[fix.problem_id].append(fix)
    for group in groups:
        named = {p for i in group.incidents for p in by_incident[i.pk]}
        group.problems = sorted((problems[p] for p in named), key=lambda p: p.key)
        carried: dict[UUID, Release] = {f.release_id: f.release for p in named for f in fixes[p]}
        group.releases = sorted(carried.values(), key=lambda r: r.key)
        group.ended = _ended(group)


def _ended(group: Group) -> bool:
    """A release with the fix is out, and since then nothing of the kind has come."""
    out = [r.released_at for r in group.releases if r.released_at]
    fixed = all(p.state in (Problem.State.OBSERVING, Problem.State.CLOSED) for p in group.problems)
    last = max(i.began_at for i in group.incidents)
    return bool(out) and bool(group.problems) and fixed and last < max(out)


def as_data(found: Recurrence) -> dict[str, Any]:
    """The recurrence as plain values, with the definition of each figure."""
    return {
        "from": found.starts,
        "until": found.ends,
        "currency": found.policy.currency,
        "policy": found.policy.number,
        "incidents_recurring": found.incidents,
        "incidents_targeted": found.targeted,
        "incidents_resolved_by_release": found.resolved,
        "share_resolved_by_release": found.resolved_share,
        "groups_of_one": found.single,
        "cost": round(found.cost, 2),
        "definitions": DEFINITIONS,
        "groups": [
            {
                "service": g.service.name,
                "category": g.category,
                "fingerprint": g.fingerprint,
                "incidents": [i.key for i in g.incidents],
                "count": g.count,
                "hours": round(g.hours, 2),
                "cost": round(g.cost, 2),
                "answer": g.answer,
                "problems": [p.key for p in g.problems],
                "releases": [r.key for r in g.releases],
                "ended": g.ended,
            }
            for g in found.groups
        ],
    }


DEFINITIONS = {
    "group": "Incidents of one service with the same category and fingerprint, two or more in the period.",
    "cost": "For each incident what its severity costs, and each hour until it was resolved (else mitigated, else the end of the period).",
    "share_resolved_by_release": "Recurring incidents of groups whose problems all wait for nothing but their observation"
    " or are closed, whose fix a release brought out, and of which none came since, of all recurring incidents.",
}
