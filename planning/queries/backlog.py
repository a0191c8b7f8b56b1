"""The backlog in the order of WSJF, and how the scorers of a feature lie apart."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from planning.models import Feature, FeatureScore
from planning.rules import wsjf as rules
from planning.states import OPEN


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scored feature stands among the open features of its train, and why."""

    rank: int
    of: int
    reason: str


def ranks() -> dict[uuid.UUID, Place]:
    """The place of every scored open feature; features are ranked within their train."""
    trains: dict[uuid.UUID, list[rules.Job]] = {}
    ids: dict[str, uuid.UUID] = {}
    rows = Feature.objects.filter(state__in=OPEN, wsjf__isnull=False).values_list(
        "id", "key", "train_id", "value", "time_criticality", "risk_reduction", "job_size", "created_at"
    )
    for pk, key, train, value, time, risk, size, created in rows:
        ids[key] = pk
        trains.setdefault(train, []).append(rules.Job(key, value, time, risk, size, created))
    return {
        ids[ranked.job.id]: Place(ranked.rank, len(jobs), ranked.reason)
        for jobs in trains.values()
        for ranked in rules.rank(jobs)
    }


def other_scores(feature: Feature) -> list[float]:
    """The WSJF of the other open features of the train, for the preview of a rank."""
    rows = Feature.objects.filter(train=feature.train_id, state__in=OPEN, wsjf__isnull=False).exclude(
        pk=feature.pk
    )
    return [float(w) for w in rows.values_list("wsjf", flat=True)]


@dataclass(frozen=True, slots=True)
class Scoring:
    """What was said about a feature's score: by whom, how far apart, and what is proposed for agreement."""

    scores: tuple[FeatureScore, ...]
    spread: tuple[rules.Spread, ...]
    proposal: dict[str, Any]

    @property
    def apart(self) -> bool:
        return any(column.steps > 1 for column in self.spread)


def scoring(feature: Feature) -> Scoring:
    """The scores of a feature; the proposal is the lower median of each part, a value that somebody gave."""
    scores = tuple(feature.scores.select_related("scorer").order_by("scored_at"))
    spread = rules.spread(
        [
            rules.Scores(str(s.scorer), s.value, s.time_criticality, s.risk_reduction, s.job_size)
            for s in scores
        ]
    )
    names = {"size": "job_size"}
    return Scoring(scores, spread, {names.get(s.column, s.column): s.middle for s in spread})
