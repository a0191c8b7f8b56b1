"""Planning as series: predictability, ages of open features, planned against actual effort (M13)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from metrics.queries import state_entries
from metrics.queries.dora import Wanted
from metrics.rules.periods import Period
from planning.models import Feature, Objective, WorkItem
from planning.rules import aging, effort, predictability
from planning.rules.aging import Entry, Spell
from planning.states import OPEN, WorkState
from trains.models import ProgramIncrement


@dataclass(frozen=True, slots=True)
class Beat:
    """A Program Increment with the predictability of its objectives."""

    pi: ProgramIncrement
    result: predictability.TrainPredictability
    scored: int
    objectives: int


def beats(period: Period, wanted: Wanted) -> list[Beat]:
    """Program Increments that ended in the period and have scored objectives, the oldest first; two queries."""
    rows = ProgramIncrement.objects.filter(ends__gte=period.start.date(), ends__lte=period.end.date())
    rows = rows.filter(train_id=wanted.train) if wanted.train else rows
    increments = list(rows.select_related("train").order_by("ends", "train__key"))
    objectives = (
        Objective.objects.filter(pi__in=increments).select_related("team").order_by("team__name", "pk")
    )
    objectives = objectives.filter(team_id=wanted.team) if wanted.team else objectives
    by_pi: dict[uuid.UUID, list[Objective]] = defaultdict(list)
    for each in objectives:
        by_pi[each.pi_id].append(each)
    found = []
    for pi in increments:
        mine = by_pi.get(pi.pk, [])
        scored = sum(o.actual_value is not None for o in mine)
        if scored:
            result = predictability.train_predictability(
                predictability.Objective(o.team.name, o.planned_value, o.actual_value or 0, not o.uncommitted)
                for o in mine
            )
            found.append(Beat(pi, result, scored, len(mine)))
    return found


@dataclass(frozen=True, slots=True)
class Ages:
    """Open features at the end of a week: how many, their ages in days since they were made, and how many were stale."""

    day: date
    open: int
    median: float | None
    oldest: float | None
    stale: int


@dataclass(frozen=True)
class Aging:
    """Ages week by week, and the open features of today that are stale."""

    weeks: list[Ages]
    stale: list[tuple[Feature, float, float]]


def ages(period: Period, wanted: Wanted, zone: str, moment: datetime) -> Aging:
    """From the history of features in two queries; stale is what stands longer in its state than 85 % of finished stays."""
    entries = _entries(wanted)
    stays = aging.spells(entries)
    limits = aging.limits(stays)
    born: dict[Any, datetime] = {}
    for entry in entries:
        born.setdefault(entry.item, entry.at)
    open_stays = [s for s in stays if s.state in OPEN]
    weeks = [_week(day, at, open_stays, born, limits) for day, at in _weeks(period, zone, moment)]
    standing = {s.item: s for s in open_stays if s.left is None}
    features = Feature.objects.filter(pk__in=list(standing), state__in=OPEN).select_related("team", "train")
    late = []
    for feature in features:
        days, limit = standing[feature.pk].days(moment), limits[feature.state].days
        if days > limit:
            late.append((feature, days, limit))
    return Aging(weeks, sorted(late, key=lambda each: -each[1] / each[2]))


def _weeks(period: Period, zone: str, moment: datetime) -> list[tuple[date, datetime]]:
    local = ZoneInfo(zone)
    day = period.start.astimezone(local).date()
    day += timedelta(days=(7 - day.weekday()) % 7)
    found = []
    while (at := datetime.combine(day, time(), local)) <= min(period.end, moment):
        found.append((day, at))
        day += timedelta(weeks=1)
    if period.start <= moment < period.end and (not found or found[-1][1] < moment):
        found.append((moment.astimezone(local).date(), moment))
    return found


def _week(day: date, at: datetime, stays: list[Spell], born: dict[Any, datetime], limits: Any) -> Ages:
    there = [s for s in stays if s.since <= at and (s.left is None or s.left > at)]
    known = sorted((at - born[s.item]).total_seconds() / aging.DAY for s in there)
    stale = sum(
        (at - s.since).total_seconds() / aging.DAY > limits[s.state].days for s in there if s.state in limits
    )
    median = known[(len(known) - 1) // 2] if known else None
    return Ages(day, len(there), median, known[-1] if known else None, stale)


def _entries(wanted: Wanted) -> list[Entry]:
    rows = Feature.history.all()
    if wanted.train:
        rows = rows.filter(train_id=wanted.train)
    if wanted.team:
        rows = rows.filter(id__in=Feature.objects.filter(team_id=wanted.team).values("pk"))
    return [Entry(*row) for row in state_entries.entries(rows)]


@dataclass(frozen=True, slots=True)
class Hours:
    """Planned and actual hours of work finished in a month by a team."""

    month: date
    team: str
    planned: float
    actual: float
    items: int


def finished_work(period: Period, wanted: Wanted) -> QuerySet[WorkItem]:
    """Finished work with an estimate and hours."""
    rows = WorkItem.objects.filter(
        state=WorkState.DONE,
        finished_at__gte=period.start,
        finished_at__lt=period.end,
        estimate_hours__gt=0,
        spent_hours__gt=0,
    )
    rows = rows.filter(team__train_id=wanted.train) if wanted.train else rows
    return (rows.filter(team_id=wanted.team) if wanted.team else rows).order_by()


def efforts(period: Period, wanted: Wanted, zone: str) -> list[Hours]:
    """Hours by month and team, in one query."""
    rows = (
        finished_work(period, wanted)
        .annotate(month=TruncMonth("finished_at", tzinfo=ZoneInfo(zone)))
        .values("month", "team__name")
        .annotate(planned=Sum("estimate_hours"), actual=Sum("spent_hours"), items=Count("pk"))
        .order_by("month", "team__name")
    )
    return [
        Hours(r["month"].date(), r["team__name"], float(r["planned"]), float(r["actual"]), r["items"])
        for r in rows
    ]


def experience(rows: list[Hours]) -> effort.Experience:
    """Actual ÷ planned over all of them, by the rule of planning: unknown below five items."""
    planned, actual, count = (
        sum(r.planned for r in rows),
        sum(r.actual for r in rows),
        sum(r.items for r in rows),
    )
    if count < effort.ENOUGH or not planned:
        return effort.Experience(count, planned, actual, 1.0, False, "")
    return effort.Experience(count, planned, actual, actual / planned, True, "")
