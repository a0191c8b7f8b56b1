"""An iteration as it runs: work items by state, burn-up per team and train, interruptions against what was promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum

from planning.models import Interruption, WorkItem
from planning.rules.burn_up import BurnUp, Piece, burn_up
from planning.states import WorkState
from trains.models import Iteration, Team, Train

from .increments import today_of

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a team's iteration: promised at its start, estimated, spent, remaining, and lost to interruptions."""

    promised: Decimal
    estimated: Decimal
    spent: Decimal
    remaining: Decimal
    interrupted: Decimal
    interruptions: int

    @property
    def share(self) -> float | None:
        """Interrupted hours against the hours promised; None where nothing was estimated."""
        return float(self.interrupted / self.promised) if self.promised else None

    @property
    def sentence(self) -> str:
        if not self.interruptions:
            return "No interruption was logged."
        said = f"{float(self.interrupted):g} hours in {self.interruptions} interruption{'s' * (self.interruptions > 1)}"
        return (
            f"{said}, {self.share:.0%} of {float(self.promised):g} promised hours."
            if self.share is not None
            else f"{said}."
        )


@dataclass(frozen=True, slots=True)
class TeamRun:
    """One team in the iteration."""

    team: Team
    burn_up: BurnUp
    hours: Hours
    items: list[WorkItem]
    blocked: list[WorkItem]


@dataclass(frozen=True, slots=True)
class Execution:
    """An iteration of a train, whole or for one team."""

    train: Train
    iteration: Iteration
    team: Team | None
    unit: str
    burn_up: BurnUp
    hours: Hours
    teams: list[TeamRun]
    items: list[WorkItem]

    def of_state(self, state: str) -> list[WorkItem]:
        return [item for item in self.items if item.state == state]

    @property
    def columns(self) -> list[tuple[str, str, list[WorkItem]]]:
        """State, label and items, for the columns of the page; what was dropped is left out."""
        shown = (WorkState.TODO, WorkState.IN_PROGRESS, WorkState.DONE)
        return [(state.value, str(state.label), self.of_state(state)) for state in shown]

    @property
    def blocked(self) -> list[WorkItem]:
        return [item for item in self.items if item.blocked]


def iterations_of(train: Train) -> list[Iteration]:
    """A train's iterations, the latest first."""
    rows = Iteration.objects.filter(pi__train=train).select_related("pi").order_by("-starts", "-number")
    return list(rows[:120])


def running(train: Train, listed: list[Iteration]) -> Iteration | None:
    """The iteration that runs today, else the next one, else the last."""
    today = today_of(train)
    now_ = [i for i in listed if i.starts <= today < i.ends]
    coming = sorted((i for i in listed if i.starts > today), key=lambda i: i.starts)
    return next(iter([*now_, *coming, *listed]), None)


def execution(train: Train, iteration: Iteration, team: Team | None = None) -> Execution:
    """Everything about one iteration. Points count where any item has them, else estimated hours. Three queries."""
    zone, today = ZoneInfo(train.time_zone), today_of(train)
    teams = [team] if team else list(Team.objects.filter(train=train).order_by("name"))
    rows = WorkItem.objects.filter(iteration=iteration, team__in=[t.pk for t in teams])
    items = list(
        rows.exclude(state=WorkState.DROPPED).select_related("feature", "team").order_by("created_at", "key")
    )
    lost = {
        each["team_id"]: (each["hours"], each["count"])
        for each in Interruption.objects.filter(iteration=iteration, team__in=[t.pk for t in teams])
        .values("team_id")
        .annotate(hours=Sum("hours"), count=Count("id"))
        .order_by()
    }
    unit = "points" if any(item.points for item in items) else "hours"
    by_team: dict[Any, list[WorkItem]] = defaultdict(list)
    for item in items:
        by_team[item.team_id].append(item)

    def drawn(listed: list[WorkItem]) -> BurnUp:
        return burn_up([_piece(i, unit, zone) for i in listed], iteration.starts, iteration.ends, today)

    runs = [
        TeamRun(
            each,
            drawn(by_team[each.pk]),
            _hours(by_team[each.pk], iteration.starts, *lost.get(each.pk, (ZERO, 0))),
            by_team[each.pk],
            [item for item in by_team[each.pk] if item.blocked],
        )
        for each in teams
    ]
    hours = _hours(
        items,
        iteration.starts,
        sum((h for h, _ in lost.values()), ZERO),
        sum(count for _, count in lost.values()),
    )
    return Execution(train, iteration, team, unit, drawn(items), hours, runs, items)


def _piece(item: WorkItem, unit: str, zone: ZoneInfo) -> Piece:
    size = item.points if unit == "points" else item.estimate_hours
    done = (
        item.finished_at.astimezone(zone).date()
        if item.state == WorkState.DONE and item.finished_at
        else None
    )
    return Piece(float(size or 0), item.added_on, done)


def _hours(items: Iterable[WorkItem], starts: date, interrupted: Decimal, count: int) -> Hours:
    listed = list(items)
    promised = [i for i in listed if i.added_on is None or i.added_on <= starts]
    return Hours(
        promised=sum((i.estimate_hours or ZERO for i in promised), ZERO),
        estimated=sum((i.estimate_hours or ZERO for i in listed), ZERO),
        spent=sum((i.spent_hours for i in listed), ZERO),
        remaining=sum((i.remaining_hours or ZERO for i in listed), ZERO),
        interrupted=interrupted,
        interruptions=count,
    )


def as_data(found: Execution) -> dict[str, Any]:
    """The iteration in plain values, for REST."""
    return {
        "train": found.train.key,
        "iteration": found.iteration.name,
        "starts": found.iteration.starts,
        "ends": found.iteration.ends,
        "team": found.team.code if found.team else None,
        "unit": found.unit,
        **_run(found.burn_up, found.hours),
        "teams": [
            {"team": each.team.code, "blocked": len(each.blocked), **_run(each.burn_up, each.hours)}
            for each in found.teams
        ],
    }


def _run(drawn: BurnUp, hours: Hours) -> dict[str, Any]:
    return {
        "committed": drawn.committed,
        "added": drawn.added,
        "done": drawn.done,
        "committed_done": drawn.committed_done,
        "burn_up": [{"on": d.on, "scope": d.scope, "done": d.done} for d in drawn.days],
        "hours": {
            "promised": str(hours.promised),
            "estimated": str(hours.estimated),
            "spent": str(hours.spent),
            "remaining": str(hours.remaining),
            "interrupted": str(hours.interrupted),
            "interruptions": hours.interruptions,
            "interrupted_share": round(hours.share, 4) if hours.share is not None else None,
        },
    }
