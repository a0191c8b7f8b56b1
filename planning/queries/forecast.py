"""Throughput of the past, and what it says about the work that is left; planned against actual effort per team."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Min

from planning.models import Feature, ThroughputWeek, WorkItem
from planning.rules import effort as effort_rules
from planning.rules import forecast as rules
from planning.rules.effort import Effort, Experience
from planning.rules.forecast import Forecast, NoHistoryError, Week
from planning.states import OPEN, FeatureState, WorkState
from trains.models import ProgramIncrement, Team, Train

from .increments import today_of

HISTORY_WEEKS = 26


@dataclass(slots=True)
class Outlook:
    """The answer for a train, a Program Increment of it or a team: the forecast, or why there is none."""

    train: Train
    pi: ProgramIncrement | None
    team: Team | None
    unit: str
    history: list[Week]
    remaining: int
    unestimated: int
    until: date | None
    forecast: Forecast | None = None
    refusal: str = ""
    sources: list[str] = field(default_factory=list)


def outlook(
    train: Train,
    pi: ProgramIncrement | None = None,
    team: Team | None = None,
    *,
    points: bool = False,
    weeks: int = HISTORY_WEEKS,
    seed: int = 1,
) -> Outlook:
    """Forecast the features that are left: of the Program Increment, else of the whole open backlog."""
    left = Feature.objects.filter(train=train, state__in=OPEN)
    left = left.filter(pi=pi) if pi else left
    left = left.filter(team=team) if team else left
    sizes = list(left.values_list("points", flat=True))
    history = throughput(train, team, points=points, weeks=weeks)
    found = Outlook(
        train=train,
        pi=pi,
        team=team,
        unit="points" if points else "features",
        history=history,
        remaining=sum(size or 0 for size in sizes) if points else len(sizes),
        unestimated=sum(not size for size in sizes) if points else 0,
        until=pi.ends if pi else None,
        sources=sorted({week.source for week in history}),
    )
    try:
        found.forecast = rules.forecast(
            history, found.remaining, today_of(train), seed=seed, until=found.until
        )
    except NoHistoryError as error:
        found.refusal = str(error)
    return found


def throughput(train: Train, team: Team | None = None, *, points: bool, weeks: int) -> list[Week]:
    """Finished features (or their points) by week, the oldest first, without the week that still runs.

    From the week in which the train first finished a feature here, its own history counts, quiet weeks too. Before
    that, weeks that were recorded from elsewhere count.
    """
    zone = ZoneInfo(train.time_zone)
    today = today_of(train)
    current = today - timedelta(days=today.weekday())
    done: Counter[date] = Counter()
    first: date | None = None
    for day, size, owner in _finished(train, zone):
        monday = day - timedelta(days=day.weekday())
        first = min(first or monday, monday)
        if team is None or owner == team.pk:
            done[monday] += (size or 0) if points else 1
    recorded, sources = _recorded(train, team, points=points)
    found = []
    for back in range(weeks, 0, -1):
        monday = current - timedelta(weeks=back)
        if first is not None and monday >= first:
            found.append(Week(monday, done[monday]))
        elif monday in recorded:
            found.append(Week(monday, recorded[monday], ", ".join(sorted(sources[monday]))))
    return found


def _finished(train: Train, zone: ZoneInfo) -> Iterable[tuple[date, int | None, uuid.UUID | None]]:
    """Day, points and team of each finished feature: the day is that of its first history row as done."""
    features = {
        f.pk: f
        for f in Feature.objects.filter(train=train, state=FeatureState.DONE).only("points", "team_id")
    }
    rows = (
        Feature.history.filter(train_id=train.pk, state=FeatureState.DONE)
        .values_list("id")
        .annotate(at=Min("history_date"))
        .order_by()
    )
    for ident, moment in rows:
        feature = features.get(ident)
        if feature is not None:
            yield moment.astimezone(zone).date(), feature.points, feature.team_id


def _recorded(train: Train, team: Team | None, *, points: bool) -> tuple[Counter[date], dict[date, set[str]]]:
    rows = ThroughputWeek.objects.filter(team__train=train)
    rows = rows.filter(team=team) if team else rows
    done: Counter[date] = Counter()
    sources: dict[date, set[str]] = defaultdict(set)
    for each in rows.values_list("week", "features", "points", "source"):
        done[each[0]] += each[2] if points else each[1]
        sources[each[0]].add(each[3])
    return done, sources


@dataclass(frozen=True, slots=True)
class TeamEffort:
    """A team's experience, and its open features whose points experience would change."""

    team: Team
    experience: Experience
    refined: tuple[tuple[Feature, int], ...]


def efforts(train: Train) -> list[TeamEffort]:
    """Planned against actual hours per team, and what they make of the points of features not yet begun."""
    work: dict[Any, list[Effort]] = defaultdict(list)
    finished = WorkItem.objects.filter(
        team__train=train, state=WorkState.DONE, estimate_hours__gt=0, spent_hours__gt=0
    )
    for team_id, planned, actual in finished.values_list("team_id", "estimate_hours", "spent_hours"):
        work[team_id].append(Effort(float(planned), float(actual)))
    waiting: dict[Any, list[Feature]] = defaultdict(list)
    not_begun = Feature.objects.filter(
        train=train,
        team__isnull=False,
        points__gt=0,
        state__in=[s for s in OPEN if s != FeatureState.IN_PROGRESS],
    )
    for feature in not_begun.order_by("-wsjf", "created_at"):
        waiting[feature.team_id].append(feature)
    found = []
    for team in Team.objects.filter(train=train).order_by("name"):
        taught = effort_rules.experience(work[team.pk])
        refined = [(f, taught.refined(f.points or 0)) for f in waiting[team.pk]] if taught.known else []
        found.append(TeamEffort(team, taught, tuple((f, p) for f, p in refined if p != f.points)))
    return found


def as_data(found: Outlook, taught: list[TeamEffort]) -> dict[str, Any]:
    """The outlook in plain values, for REST."""
    made = found.forecast
    return {
        "train": found.train.key,
        "program_increment": str(found.pi.pk) if found.pi else None,
        "team": found.team.code if found.team else None,
        "unit": found.unit,
        "remaining": found.remaining,
        "without_estimate": found.unestimated,
        "history": [{"week": w.monday, "done": w.done, "source": w.source} for w in found.history],
        "refused": found.refusal or None,
        "seed": made.seed if made else None,
        "runs": made.runs if made else None,
        "sentence": made.sentence if made else None,
        "dates": [{"percent": d.percent, "weeks": d.weeks, "on": d.on} for d in made.dates] if made else [],
        "until": found.until,
        "done_by_then": [{"percent": r.percent, "at_least": r.done} for r in made.reach] if made else [],
        "all_done_by_then": made.share_by_then if made else None,
        "effort": [
            {
                "team": each.team.code,
                "finished": each.experience.count,
                "planned_hours": each.experience.planned,
                "actual_hours": each.experience.actual,
                "ratio": round(each.experience.ratio, 3) if each.experience.known else None,
                "sentence": each.experience.sentence,
                "refined": [{"feature": f.key, "points": f.points, "refined": p} for f, p in each.refined],
            }
            for each in taught
        ],
    }
