"""Which Program Increment to look at, and what its overview says."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from planning.models import Objective, PlanBaseline
from planning.rules import predictability as rules
from releasetrain.kernel.clock import now
from trains.models import ProgramIncrement, Train


def today_of(train: Train) -> date:
    """The day it is where the train runs."""
    return now().astimezone(ZoneInfo(train.time_zone)).date()


def choosable() -> list[ProgramIncrement]:
    """Program Increments of trains that run, the latest first, with their trains."""
    rows = ProgramIncrement.objects.filter(train__archived_at__isnull=True).select_related("train")
    return list(rows.order_by("train__key", "-starts")[:300])


def current(increments: list[ProgramIncrement], day: date) -> ProgramIncrement | None:
    """The one to open first: being planned, else the one that runs today, else the next, else the last."""
    if not increments:
        return None
    running = [pi for pi in increments if pi.starts <= day < pi.ends]
    planning = [pi for pi in increments if pi.state == "planning"]
    coming = sorted((pi for pi in increments if pi.starts > day), key=lambda pi: pi.starts)
    return next(iter([*running, *planning, *coming, *increments]))


def latest_baseline(pi: ProgramIncrement) -> PlanBaseline | None:
    return PlanBaseline.objects.filter(pi=pi).select_related("committed_by").order_by("-committed_at").first()


def predictability(objectives: list[Objective]) -> rules.TrainPredictability | None:
    """Actual against planned business value, once any objective is scored."""
    scored = [o for o in objectives if o.actual_value is not None]
    if not scored:
        return None
    return rules.train_predictability(
        rules.Objective(o.team.name, o.planned_value, o.actual_value or 0, not o.uncommitted)
        for o in objectives
    )
