"""How long open features have stood where they stand, read from their history."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import Lag

from planning.models import Feature
from planning.rules import aging as rules
from planning.rules.aging import Entry, Limit, Spell
from planning.states import OPEN, FeatureState
from releasetrain.kernel.clock import now
from trains.models import ProgramIncrement, Team, Train


@dataclass(frozen=True, slots=True)
class Standing:
    """An open feature, the state it stands in, for how many days, and its days in each state before."""

    feature: Feature
    days: float
    limit: Limit
    before: tuple[tuple[str, float], ...]

    @property
    def stale(self) -> bool:
        return self.days > self.limit.days

    @property
    def sentence(self) -> str:
        """Why it is stale, or how far from it."""
        return f"{self.days:.0f} days; {self.limit.sentence}."


@dataclass(frozen=True, slots=True)
class Aging:
    """Open features by age in their state, the oldest first, with the limits they are measured by."""

    moment: datetime
    standing: list[Standing]
    limits: list[tuple[Limit, str, int, int]]

    @property
    def stale(self) -> list[Standing]:
        return [each for each in self.standing if each.stale]


def aging(train: Train, pi: ProgramIncrement | None = None, team: Team | None = None) -> Aging:
    """Ages from the history of the whole train; shown for a Program Increment or a team where asked. Two queries."""
    moment = now()
    stays = rules.spells(_entries(train))
    limits = rules.limits(stays)
    by_feature: dict[Any, list[Spell]] = defaultdict(list)
    for spell in stays:
        by_feature[spell.item].append(spell)
    rows = Feature.objects.filter(train=train, state__in=OPEN).select_related("team", "iteration")
    rows = rows.filter(pi=pi) if pi else rows
    rows = rows.filter(team=team) if team else rows
    standing = []
    for feature in rows:
        known = by_feature.get(feature.pk, [])
        if not known:
            continue
        before: dict[str, float] = defaultdict(float)
        for spell in known[:-1]:
            before[spell.state] += spell.days(moment)
        standing.append(
            Standing(feature, known[-1].days(moment), limits[feature.state], tuple(before.items()))
        )
    standing.sort(key=lambda each: (-each.days / max(each.limit.days, 0.01), each.feature.key))
    labels = dict(FeatureState.choices)
    table = [
        (
            limit,
            str(labels[state]),
            sum(each.feature.state == state for each in standing),
            sum(each.feature.state == state and each.stale for each in standing),
        )
        for state, limit in limits.items()
    ]
    return Aging(moment, standing, table)


def _entries(train: Train) -> list[Entry]:
    """Each change of state of each feature of the train, in the order of time."""
    before = Window(
        Lag("state"), partition_by=F("id"), order_by=[F("history_date").asc(), F("history_id").asc()]
    )
    rows = (
        Feature.history.filter(train_id=train.pk)
        .annotate(before=before)
        .order_by("history_date", "history_id")
        .values_list("id", "state", "history_date", "before")
    )
    return [Entry(ident, state, at) for ident, state, at, earlier in rows if state != earlier]


def as_data(found: Aging) -> dict[str, Any]:
    """Ages in plain values, for REST."""
    return {
        "at": found.moment,
        "states": [
            {
                "state": limit.state,
                "open": count,
                "stale": stale,
                "stale_after_days": round(limit.days, 1),
                "median_days": round(limit.median, 1) if limit.median is not None else None,
                "rule": limit.sentence,
            }
            for limit, _, count, stale in found.limits
        ],
        "features": [
            {
                "feature": each.feature.key,
                "state": each.feature.state,
                "days": round(each.days, 1),
                "stale": each.stale,
                "days_before": {state: round(days, 1) for state, days in each.before},
            }
            for each in found.standing
        ],
    }
