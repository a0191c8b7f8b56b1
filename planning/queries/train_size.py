"""Sizes of trains, and the coordination load of one against its throughput."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, Sum

from planning.models import Feature, FeatureDependency
from planning.rules import train_size as rules
from planning.states import DependencyState, FeatureState
from trains.models import ProgramIncrement, Team, Train

PAST = 12


@dataclass(frozen=True)
class Size:
    """A train against the guidance."""

    train: Train
    teams: rules.Fit
    people: rules.Fit


@dataclass(frozen=True)
class Period:
    """A Program Increment with its load."""

    pi: ProgramIncrement
    load: rules.Load
    over: bool


@dataclass(frozen=True)
class Coordination:
    """The Program Increments of a train, the latest first, and what they say together."""

    periods: list[Period]
    r: float | None
    sentence: str


def sizes() -> list[Size]:
    """Every train that runs, in two queries."""
    counts = {
        row["train_id"]: row
        for row in Team.objects.values("train_id")
        .annotate(teams=Count("pk"), members=Sum("people"))
        .order_by()
    }
    found = []
    for train in Train.objects.filter(archived_at__isnull=True).order_by("key"):
        row: dict[str, Any] = counts.get(train.pk, {})
        found.append(Size(train, *rules.fits(row.get("teams", 0), row.get("members") or 0)))
    return found


def coordination(train: Train, today: date) -> Coordination:
    """Features, finished features and dependencies between teams of the last Program Increments, in four queries."""
    increments = list(
        ProgramIncrement.objects.filter(train=train, starts__lte=today).order_by("-starts")[:PAST]
    )
    ids = [pi.pk for pi in increments]
    features, finished = Counter[uuid.UUID](), Counter[uuid.UUID]()
    rows = (
        Feature.objects.filter(pi__in=ids)
        .exclude(state=FeatureState.CANCELLED)
        .values_list("pi_id", "state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    for pi, state, number in rows:
        features[pi] += number
        if state == FeatureState.DONE:
            finished[pi] += number
    across = dict(
        FeatureDependency.objects.filter(consumer__pi__in=ids)
        .exclude(state=DependencyState.WITHDRAWN)
        .exclude(consumer__team=F("provider__team"))
        .values_list("consumer__pi_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    periods = [
        Period(
            pi, rules.Load(pi.name, features[pi.pk], finished[pi.pk], across.get(pi.pk, 0)), pi.ends <= today
        )
        for pi in increments
    ]
    r, sentence = rules.tendency(p.load for p in periods if p.over)
    return Coordination(periods, r, sentence)


def as_data(listed: list[Size], train: Train | None, found: Coordination | None) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "guidance": {"teams": rules.TEAMS, "people": rules.PEOPLE},
        "trains": [
            {
                "train": each.train.key,
                "teams": each.teams.value,
                "people": each.people.value,
                "teams_inside": each.teams.inside,
                "people_inside": each.people.inside,
            }
            for each in listed
        ],
        "train": train.key if train else None,
        "correlation": found.r if found else None,
        "sentence": found.sentence if found else "",
        "increments": [
            {
                "pi": p.pi.name,
                "features": p.load.features,
                "finished": p.load.finished,
                "dependencies_between_teams": p.load.dependencies,
                "load": p.load.load,
                "over": p.over,
            }
            for p in (found.periods if found else [])
        ],
    }
