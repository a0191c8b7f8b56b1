"""The backlog in the order of WSJF, and how the scorers of a feature lie apart."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min

from planning.models import PARTS, Feature, FeatureScore, ModelRating, ScoringModelVersion
from planning.rules import scoring_model as models
from planning.rules import wsjf as rules
from planning.states import OPEN
from trains.models import Train

from . import ranking
from .asked import busiest, running


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scored feature stands among the open features of its train, why, and how firmly."""

    rank: int
    of: int
    reason: str
    score: str
    by: ScoringModelVersion | None = None
    flip: rules.Flip | None = None


def ranks(train_id: uuid.UUID | None = None) -> dict[uuid.UUID, Place]:
    """The place of every scored open feature; features are ranked within their train, by what ranks it."""
    regimes = ranking.regimes()
    rows = Feature.objects.filter(state__in=OPEN, rank_score__isnull=False)
    if train_id is not None:
        rows = rows.filter(train=train_id)
    trains: dict[uuid.UUID, list[Any]] = {}
    for row in rows.values_list("id", "key", "train_id", *PARTS, "created_at", "rank_score", named=True):
        trains.setdefault(row.train_id, []).append(row)
    found: dict[uuid.UUID, Place] = {}
    for train, listed in trains.items():
        found |= _by_model(regimes[train], listed) if train in regimes else _by_wsjf(listed)
    return found


def _by_wsjf(listed: list[Any]) -> dict[uuid.UUID, Place]:
    ids = {row.key: row.id for row in listed}
    jobs = [job_of(row) for row in listed]
    flips = {flip.job: flip for flip in rules.sensitivity(jobs)}
    return {
        ids[r.job.id]: Place(r.rank, len(jobs), r.reason, rules.shown(r.job.wsjf), flip=flips.get(r.job.id))
        for r in rules.rank(jobs)
    }


def job_of(row: Any) -> rules.Job:
    """A feature with agreed parts, as the rules see it."""
    return rules.Job(
        row.key, row.value, row.time_criticality, row.risk_reduction, row.job_size, row.created_at
    )


def _by_model(regime: ranking.Regime, listed: list[Any]) -> dict[uuid.UUID, Place]:
    values = dict(ModelRating.objects.filter(version=regime.version).values_list("feature_id", "values"))
    ordered = sorted(listed, key=lambda r: (-r.rank_score, -(r.time_criticality or 0), r.created_at, r.key))
    return {
        row.id: Place(
            place,
            len(listed),
            models.explain(regime.criteria, regime.method, values.get(row.id, {})),
            f"{row.rank_score:.2f}",
            by=regime.version,
        )
        for place, row in enumerate(ordered, 1)
    }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many people scored a feature, and how far apart they are at most, in steps of the scale."""

    scorers: int
    steps: int


def agreements() -> dict[uuid.UUID, Agreement]:
    """How far the scorers of each open feature agree."""
    ends = {f"{end.name}_{part}": end(part) for part in PARTS for end in (Min, Max)}
    rows = FeatureScore.objects.filter(feature__state__in=OPEN).order_by()
    return {
        row["feature"]: Agreement(
            row["scorers"],
            max(rules.steps_between(row[f"Min_{p}"], row[f"Max_{p}"]) for p in PARTS),
        )
        for row in rows.values("feature").annotate(scorers=Count("pk"), **ends)
    }


def other_scores(feature: Feature) -> list[float]:
    """The WSJF of the other open features of the train, for the preview of a rank."""
    rows = Feature.objects.filter(train=feature.train_id, state__in=OPEN, wsjf__isnull=False).exclude(
        pk=feature.pk
    )
    return [float(w) for w in rows.values_list("wsjf", flat=True) if w is not None]


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


def train_to_show(asked: str) -> tuple[list[Train], Train | None]:
    """The trains that run, and the one to show: the one asked for, else the one with the largest open backlog."""
    trains = running()
    return trains, next((t for t in trains if t.key == asked), busiest(trains))
