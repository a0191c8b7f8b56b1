"""The picture of a train's plan that a quarterly review takes before and after."""

from __future__ import annotations

from typing import Any

from planning.models import Feature
from planning.queries import backlog, goals
from planning.queries.allocation import allocation
from planning.states import OPEN
from trains.models import ProgramIncrement, Release, Train


def snapshot(train: Train, quarter: str) -> dict[str, Any]:
    """The train's open features with their ranks and places, goals, shares and releases, in plain values."""
    places = backlog.ranks(train.pk)
    features = Feature.objects.filter(train=train, state__in=OPEN).select_related(
        "team", "pi", "iteration", "theme"
    )
    covered = goals.coverage(train, quarter)
    return {
        "features": {
            f.key: {
                "title": f.title,
                "state": f.state,
                "rank": places[f.pk].rank if f.pk in places else None,
                "score": places[f.pk].score if f.pk in places else None,
                "points": f.points,
                "theme": f.theme.name if f.theme else "",
                "plan": f"{f.pi}, {f.iteration}, {f.team}" if f.iteration_id else "",
            }
            for f in features.order_by("key")
        },
        "goals": {
            line.goal.key: {
                "title": line.goal.title,
                "features": line.covered.features,
                "points": line.covered.points,
                "done_points": line.covered.done_points,
            }
            for line in covered.goals
        },
        "orphans": [f.key for f in covered.orphans],
        "shares": {
            f"{pi}: {line.share.bucket}": {
                "target": line.share.target,
                "planned": None if line.share.planned_percent is None else round(line.share.planned_percent),
            }
            for pi in ProgramIncrement.objects.filter(train=train).exclude(state="closed").order_by("starts")
            for line in allocation(pi).lines
        },
        "releases": {
            r.key: {
                "title": r.title,
                "state": r.state,
                "target": r.target_at.isoformat() if r.target_at else "",
            }
            for r in Release.objects.filter(train=train)
            .exclude(state__in=["closed", "cancelled", "rolled_back"])
            .order_by("key")
        },
    }
