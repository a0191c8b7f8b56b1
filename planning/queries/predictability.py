"""Predictability of a train and its teams, Program Increment by Program Increment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from planning.models import Objective, PlanChange, PlanChangeItem
from planning.rules import predictability as rules
from trains.models import ProgramIncrement, Train


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What one cause changed in a committed plan: accepted changes, and the points they brought in and took out."""

    cause: PlanChange.Cause
    changes: int
    points_in: int
    points_out: int


@dataclass(frozen=True, slots=True)
class Beat:
    """One Program Increment with its figures; None while no objective of it is scored."""

    pi: ProgramIncrement
    result: rules.TrainPredictability | None
    objectives: int
    scored: int
    disturbances: list[Disturbance]


def of_train(train: Train, most: int = 12) -> list[Beat]:
    """The latest Program Increments, the oldest first."""
    increments = list(ProgramIncrement.objects.filter(train=train).order_by("-starts")[:most])[::-1]
    rows: dict[Any, list[Objective]] = {}
    for each in Objective.objects.filter(pi__in=increments).select_related("team").order_by("team__name"):
        rows.setdefault(each.pi_id, []).append(each)
    disturbed = _disturbances(increments)
    return [_beat(pi, rows.get(pi.pk, []), disturbed.get(pi.pk, [])) for pi in increments]


def of_increment(pi: ProgramIncrement) -> Beat:
    rows = Objective.objects.filter(pi=pi).select_related("team").order_by("team__name", "created_at")
    return _beat(pi, list(rows), _disturbances([pi]).get(pi.pk, []))


def _disturbances(increments: list[ProgramIncrement]) -> dict[Any, list[Disturbance]]:
    """The accepted changes of committed plans by Program Increment and cause, in one query."""
    act = PlanChangeItem.Act
    rows = (
        PlanChange.objects.filter(pi__in=increments, state=PlanChange.State.ACCEPTED)
        .order_by("pi", "cause")
        .values("pi", "cause")
        .annotate(
            changes=Count("pk", distinct=True),
            points_in=Sum("items__feature__points", filter=Q(items__act=act.ADD), default=0),
            points_out=Sum("items__feature__points", filter=Q(items__act=act.REMOVE), default=0),
        )
    )
    found: dict[Any, list[Disturbance]] = {}
    for row in rows:
        cause = PlanChange.Cause(row["cause"])
        found.setdefault(row["pi"], []).append(
            Disturbance(cause, row["changes"], row["points_in"], row["points_out"])
        )
    return found


def _beat(pi: ProgramIncrement, objectives: list[Objective], disturbances: list[Disturbance]) -> Beat:
    scored = [o for o in objectives if o.actual_value is not None]
    result = (
        rules.train_predictability(
            rules.Objective(o.team.name, o.planned_value, o.actual_value or 0, not o.uncommitted)
            for o in objectives
        )
        if scored
        else None
    )
    return Beat(pi, result, len(objectives), len(scored), disturbances)


def as_data(beat: Beat) -> dict[str, Any]:
    """The figures in plain values, for the API."""

    def figures(each: rules.Predictability) -> dict[str, Any]:
        return {
            "name": each.name,
            "planned": each.planned,
            "actual": each.actual,
            "percent": None if each.percent is None else round(each.percent, 2),
            "in_band": each.percent is not None and rules.HEALTHY_FROM <= each.percent <= rules.HEALTHY_TO,
            "sentence": each.sentence,
        }

    found = beat.result
    return {
        "pi": {"id": str(beat.pi.pk), "name": beat.pi.name},
        "objectives": beat.objectives,
        "scored": beat.scored,
        "band": [rules.HEALTHY_FROM, rules.HEALTHY_TO],
        "formula": "sum of actual value of all objectives / sum of planned value of committed objectives",
        "train": figures(found.total) if found else None,
        "teams": [figures(each) for each in found.teams] if found else [],
        "plan_changes": [
            {
                "cause": each.cause.value,
                "changes": each.changes,
                "points_in": each.points_in,
                "points_out": each.points_out,
            }
            for each in beat.disturbances
        ],
        "average_of_teams": round(found.average_of_teams, 2)
        if found and found.average_of_teams is not None
        else None,
    }
