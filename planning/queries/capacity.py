"""What teams can take on in iterations: as it was set, else as it would be computed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from planning.models import TeamCapacity
from planning.rules.capacity import STANDARD_RULE, Person, team_capacity
from trains.models import Iteration, Team


@dataclass(frozen=True, slots=True)
class Offer:
    """Points that a plan may use; `assumed` when nobody has set them."""

    points: int
    assumed: bool


def offers(
    teams: Iterable[Team], iterations: Sequence[Iteration]
) -> dict[tuple[uuid.UUID, uuid.UUID], Offer]:
    """Plannable points by (team, iteration). One query."""
    found = {
        (c.team_id, c.iteration_id): Offer(c.plannable, False)
        for c in TeamCapacity.objects.filter(iteration__in=[i.pk for i in iterations])
    }
    share = STANDARD_RULE.share(0)
    for team in teams:
        for iteration in iterations:
            if (team.pk, iteration.pk) not in found:
                people = [Person("", 1.0)] * team.people
                days = floor(team_capacity(people, iteration.starts, iteration.ends).days)
                found[team.pk, iteration.pk] = Offer(days - ceil(days * share), True)
    return found
