"""What teams can take on in iterations: as it was set, and as people, holidays, load, history and risk suggest."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Any

from django.db.models import Sum

from planning.models import (
    Absence,
    CapacityProfile,
    Feature,
    FeatureDependency,
    FeatureIntegration,
    IntegrationPoint,
    RiskLink,
    TeamCapacity,
    TeamPerson,
)
from planning.rules import capacity as rules
from planning.rules import holidays
from planning.states import LIVE_DEPENDENCY, FeatureState
from trains.models import Iteration, ProgramIncrement, Team

STANDARD_LOAD = Decimal("0.80")
# An agreed delivery is a smaller risk than one that nobody has accepted or that is in danger.
LIKELY = {"accepted": 2, "committed": 1, "proposed": 3, "at_risk": 4, "blocked": 5}
# What is built on and not yet ready; a third party's failure hits harder than a shared service's.
AWAITED = {"open": 3, "agreed": 2}
Cell = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A team's iteration as the rules see it, with the arithmetic behind both figures."""

    points: int
    buffer: int
    share: float
    exposure: float
    days: rules.TeamCapacity
    velocity: rules.Velocity
    region: str
    load_factor: float
    holidays: tuple[tuple[date, str], ...]
    exposures: tuple[rules.Exposure, ...]
    people: int
    away: int

    @property
    def plannable(self) -> int:
        return self.points - self.buffer

    def buffer_of(self, points: int) -> int:
        """The buffer that the rule asks of another capacity under the same exposure."""
        return min(points, ceil(round(points * self.share, 6)))

    @property
    def sentence(self) -> str:
        """The capacity's arithmetic."""
        off = (
            f" Holidays in {self.region}: {', '.join(n for _, n in self.holidays)}." if self.holidays else ""
        )
        return f"{self.days.sentence} {self.velocity.sentence}{off}"

    @property
    def buffer_sentence(self) -> str:
        """The buffer's arithmetic."""
        risks = "; ".join(f"{e.name} {e.likelihood}×{e.impact}" for e in self.exposures)
        because = f" ({risks})" if risks else ""
        rule = f"by rule version {rules.STANDARD_RULE.version}"
        return f"Exposure {self.exposure:.2f}{because}, so {self.share:.0%} {rule}: {self.buffer} points."

    def as_data(self) -> dict[str, Any]:
        """The arithmetic in plain values, kept with a capacity that was set by it."""
        return {
            "points": self.points,
            "buffer": self.buffer,
            "people": self.people,
            "working_days": self.days.working_days,
            "present_days": round(self.days.present_days, 2),
            "load_factor": self.load_factor,
            "loaded_days": round(self.days.days, 2),
            "points_per_day": round(self.velocity.per_day, 4),
            "history": list(self.velocity.iterations),
            "region": self.region,
            "holidays": [[day.isoformat(), name] for day, name in self.holidays],
            "absent_days": self.away,
            "exposure": round(self.exposure, 4),
            "exposures": [[e.name, e.likelihood, e.impact] for e in self.exposures],
            "buffer_rule": rules.STANDARD_RULE.version,
            "buffer_share": self.share,
            "sentences": [self.sentence, self.buffer_sentence],
        }


def suggestions(teams: Iterable[Team], iterations: Sequence[Iteration]) -> dict[Cell, Suggestion]:
    """The suggestion for every (team, iteration). Eight queries, however many."""
    listed = list(teams)
    if not listed or not iterations:
        return {}
    known = _Known(listed, iterations)
    return {(t.pk, i.pk): known.suggestion(t, i) for t in listed for i in iterations}


class _Known:
    """Everything the suggestions are made of, read once."""

    def __init__(self, teams: list[Team], iterations: Sequence[Iteration]):
        ids = [t.pk for t in teams]
        self.profiles = {p.team_id: p for p in CapacityProfile.objects.filter(team__in=ids)}
        self.people: dict[Any, list[TeamPerson]] = defaultdict(list)
        for person in TeamPerson.objects.filter(team__in=ids).order_by("name"):
            self.people[person.team_id].append(person)
        self.absences: dict[Any, list[Absence]] = defaultdict(list)
        for absence in Absence.objects.filter(person__team__in=ids, cancelled_at__isnull=True):
            self.absences[absence.person_id].append(absence)
        self.exposures = exposures(ids, iterations)
        self.velocities = self._velocities(teams, min(i.starts for i in iterations))

    def suggestion(self, team: Team, iteration: Iteration) -> Suggestion:
        days = self.days(team, iteration.starts, iteration.ends)
        velocity = self.velocities[team.pk]
        points = floor(round(days.days * velocity.per_day, 6))
        exposed = self.exposures.get((team.pk, iteration.pk), [])
        exposure = rules.combined_exposure(exposed)
        share = rules.STANDARD_RULE.share(exposure)
        profile = self.profiles.get(team.pk)
        region = profile.region if profile else ""
        return Suggestion(
            points=points,
            buffer=min(points, ceil(round(points * share, 6))),
            share=share,
            exposure=exposure,
            days=days,
            velocity=velocity,
            region=region,
            load_factor=days.load_factor,
            holidays=tuple(holidays.between(region, iteration.starts, iteration.ends).items()),
            exposures=tuple(exposed),
            people=len(self._persons(team, iteration.starts, iteration.ends)),
            away=sum(len(p.absences) for p in self._persons(team, iteration.starts, iteration.ends)),
        )

    def days(self, team: Team, start: date, end: date) -> rules.TeamCapacity:
        profile = self.profiles.get(team.pk)
        return rules.team_capacity(
            self._persons(team, start, end),
            start,
            end,
            load_factor=float(profile.load_factor if profile else STANDARD_LOAD),
            holidays=holidays.between(profile.region, start, end) if profile else (),
        )

    def _persons(self, team: Team, start: date, end: date) -> list[rules.Person]:
        """The team's people with their days off; the head count at full time while nobody is named."""
        named = self.people.get(team.pk)
        if not named:
            return [rules.Person(f"person {n}") for n in range(1, team.people + 1)]
        days = [start + timedelta(days=n) for n in range((end - start).days)]
        found = []
        for person in named:
            if not any(person.there_on(day) for day in days):
                continue
            away = {
                day
                for day in days
                if not person.there_on(day)
                or any(a.first_day <= day <= a.last_day for a in self.absences[person.pk])
            }
            weekdays = tuple(sorted(day for day in away if day.weekday() < 5))
            found.append(rules.Person(person.name, float(person.share), weekdays))
        return found

    def _velocities(self, teams: list[Team], before: date) -> dict[Any, rules.Velocity]:
        """Points done in iterations that ended before, against the days that the same rule gives those."""
        done = (
            Feature.objects.filter(
                team__in=[t.pk for t in teams],
                state=FeatureState.DONE,
                iteration__ends__lte=before,
                iteration__starts__gte=before - timedelta(days=400),
            )
            .values_list("team_id", "iteration__name", "iteration__starts", "iteration__ends")
            .annotate(done=Sum("points"))
            .order_by("iteration__starts")
        )
        past: dict[Any, list[tuple[str, date, date, int]]] = defaultdict(list)
        for team_id, name, starts, ends, points in done:
            past[team_id].append((name, starts, ends, points or 0))
        found = {}
        for team in teams:
            profile = self.profiles.get(team.pk)
            learnt = past[team.pk] if profile is None or profile.use_history else []
            found[team.pk] = rules.velocity(
                rules.PastIteration(name, points, self.days(team, starts, ends).days)
                for name, starts, ends, points in learnt
            )
        return found


def exposures(teams: Sequence[Any], iterations: Sequence[Iteration]) -> dict[Cell, list[rules.Exposure]]:
    """What makes a team's iteration uncertain: deliveries of other teams, shared services, third parties, risks."""
    found: dict[Cell, list[rules.Exposure]] = defaultdict(list)
    ids = [i.pk for i in iterations]
    awaited = (
        FeatureDependency.objects.filter(
            consumer__team__in=teams, consumer__iteration__in=ids, state__in=LIVE_DEPENDENCY
        )
        .select_related("provider", "consumer")
        .order_by("created_at")
    )
    for each in awaited:
        if each.provider.team_id != each.consumer.team_id:
            cell = (each.consumer.team_id, each.consumer.iteration_id)
            found[cell].append(rules.Exposure(str(each), LIKELY[each.state], 2))
    points = (
        FeatureIntegration.objects.filter(
            feature__team__in=teams,
            feature__iteration__in=ids,
            feature__state__in=(FeatureState.PLANNED, FeatureState.IN_PROGRESS),
            state__in=AWAITED,
        )
        .values_list(
            "feature__team_id", "feature__iteration_id", "feature__key", "point__name", "point__kind", "state"
        )
        .order_by("created_at")
    )
    for team, iteration, key, name, kind, state in points:
        impact = 3 if kind == IntegrationPoint.Kind.THIRD_PARTY else 2
        found[team, iteration].append(rules.Exposure(f"{key} builds on {name}", AWAITED[state], impact))
    risks = (
        RiskLink.objects.filter(
            feature__team__in=teams, feature__iteration__in=ids, risk__roam__in=("open", "owned", "accepted")
        )
        .select_related("risk", "feature")
        .order_by("created_at")
    )
    for link in risks:
        cell = (link.feature.team_id, link.feature.iteration_id)
        found[cell].append(rules.Exposure(f"{link.risk}", link.risk.likelihood, link.risk.impact))
    return found


@dataclass(frozen=True, slots=True)
class Offer:
    """Points that a plan may use; `assumed` when nobody has set them."""

    points: int
    assumed: bool


def offers(teams: Iterable[Team], iterations: Sequence[Iteration]) -> dict[Cell, Offer]:
    """Plannable points by (team, iteration): as set, else as suggested."""
    found = {
        (c.team_id, c.iteration_id): Offer(c.plannable, False)
        for c in TeamCapacity.objects.filter(iteration__in=[i.pk for i in iterations])
    }
    listed = list(teams)
    if all((t.pk, i.pk) in found for t in listed for i in iterations):
        return found
    for cell, suggestion in suggestions(listed, iterations).items():
        found.setdefault(cell, Offer(suggestion.plannable, True))
    return found


@dataclass(frozen=True, slots=True)
class CapacityCell:
    """One team's iteration on the page: what is set beside what is suggested, and the load planned."""

    team: Team
    iteration: Iteration
    capacity: TeamCapacity | None
    suggestion: Suggestion
    load: int

    @property
    def limit(self) -> int:
        return self.capacity.plannable if self.capacity else self.suggestion.plannable

    @property
    def over(self) -> bool:
        return self.load > self.limit

    @property
    def departs(self) -> bool:
        """Whether what is set is not what the rules suggest today."""
        return self.capacity is not None and (
            self.capacity.points != self.suggestion.points
            or self.capacity.buffer != self.suggestion.buffer_of(self.capacity.points)
        )


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """All teams of a Program Increment's train with their iterations."""

    pi: ProgramIncrement
    iterations: list[Iteration]
    rows: list[tuple[Team, CapacityProfile | None, list[TeamPerson], list[CapacityCell]]]


def capacity_plan(pi: ProgramIncrement) -> CapacityPlan:
    """The capacity page of a Program Increment; iterations for innovation carry no features and are left out."""
    iterations = list(pi.iterations.filter(innovation=False).order_by("starts", "number"))
    teams = list(Team.objects.filter(train=pi.train_id).order_by("name"))
    suggested = suggestions(teams, iterations)
    present = {
        (c.team_id, c.iteration_id): c
        for c in TeamCapacity.objects.filter(iteration__in=[i.pk for i in iterations]).select_related(
            "team", "iteration"
        )
    }
    loads = {
        (team, iteration): points or 0
        for team, iteration, points in Feature.objects.filter(pi=pi, iteration__isnull=False)
        .exclude(state=FeatureState.CANCELLED)
        .values_list("team_id", "iteration_id")
        .annotate(load=Sum("points"))
        .order_by()
    }
    profiles = {
        p.team_id: p for p in CapacityProfile.objects.filter(team__train=pi.train_id).select_related("team")
    }
    people: dict[Any, list[TeamPerson]] = defaultdict(list)
    for person in TeamPerson.objects.filter(team__train=pi.train_id).order_by("name"):
        people[person.team_id].append(person)
    rows = [
        (
            team,
            profiles.get(team.pk),
            people[team.pk],
            [
                CapacityCell(
                    team,
                    i,
                    present.get((team.pk, i.pk)),
                    suggested[team.pk, i.pk],
                    loads.get((team.pk, i.pk), 0),
                )
                for i in iterations
            ],
        )
        for team in teams
    ]
    return CapacityPlan(pi, iterations, rows)


def as_data(plan: CapacityPlan) -> dict[str, Any]:
    """The plan in plain values, for REST."""
    return {
        "program_increment": str(plan.pi.pk),
        "buffer_rule": {
            "version": rules.STANDARD_RULE.version,
            "steps": [{"exposure_from": start, "share": share} for start, share in rules.STANDARD_RULE.steps],
        },
        "teams": [
            {
                "team": team.code,
                "region": profile.region if profile else "",
                "load_factor": str(profile.load_factor if profile else STANDARD_LOAD),
                "people": [{"name": p.name, "share": str(p.share)} for p in people],
                "iterations": [
                    {
                        "iteration": cell.iteration.name,
                        "points": cell.capacity.points if cell.capacity else None,
                        "buffer": cell.capacity.buffer if cell.capacity else None,
                        "reason": cell.capacity.reason if cell.capacity else "",
                        "load": cell.load,
                        "limit": cell.limit,
                        "suggested": cell.suggestion.as_data(),
                    }
                    for cell in cells
                ],
            }
            for team, profile, people, cells in plan.rows
        ],
    }
