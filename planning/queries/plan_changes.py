"""What a plan change does to the capacity of every cell that it touches."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Sum

from planning.models import Feature, PlanChange, PlanChangeItem, TeamCapacity


@dataclass(frozen=True, slots=True)
class CellEffect:
    """A team's iteration before and after; `limit` is capacity without buffer, None where nobody has set it."""

    team: str
    iteration: str
    before: int
    after: int
    limit: int | None

    @property
    def short_by(self) -> int:
        """Points over the limit that the change itself adds: what was over before is not its fault."""
        if self.limit is None or self.after <= self.before:
            return 0
        return max(0, self.after - self.limit)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"short_by": self.short_by}


def place_of(feature: Feature) -> str:
    """Where a feature stands now, in words."""
    if not feature.iteration_id:
        return "the backlog"
    return f"{feature.team}, {feature.iteration}"


def capacity_effect(change: PlanChange) -> list[CellEffect]:
    """Every touched cell with its load before and after, in the order of iterations and teams."""
    items = list(change.items.select_related("feature__team", "feature__iteration", "team", "iteration"))
    names: dict[tuple[uuid.UUID, uuid.UUID], tuple[Any, Any]] = {}
    delta: dict[tuple[uuid.UUID, uuid.UUID], int] = {}

    def touch(team: Any, iteration: Any, points: int) -> None:
        place = (team.pk, iteration.pk)
        names[place] = (team, iteration)
        delta[place] = delta.get(place, 0) + points

    for item in items:
        points = item.feature.points or 0
        if item.feature.iteration_id and item.feature.pi_id == change.pi_id:
            touch(item.feature.team, item.feature.iteration, -points)
        if item.act != PlanChangeItem.Act.REMOVE:
            touch(item.team, item.iteration, points)
    loads = _loads(change)
    limits = {
        (each.team_id, each.iteration_id): each.plannable
        for each in TeamCapacity.objects.filter(iteration__pi_id=change.pi_id)
    }
    order = sorted(names, key=lambda place: (names[place][1].starts, str(names[place][0])))
    return [
        CellEffect(
            str(names[place][0]),
            str(names[place][1]),
            loads.get(place, 0),
            loads.get(place, 0) + delta[place],
            limits.get(place),
        )
        for place in order
    ]


def _loads(change: PlanChange) -> dict[tuple[uuid.UUID, uuid.UUID], int]:
    rows = Feature.objects.filter(pi_id=change.pi_id, iteration__isnull=False).exclude(state="cancelled")
    sums = rows.order_by().values_list("team_id", "iteration_id").annotate(points=Sum("points"))
    return {(team, iteration): points or 0 for team, iteration, points in sums}
