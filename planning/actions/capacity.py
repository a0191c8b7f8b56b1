"""What teams can take on."""

from __future__ import annotations

from math import ceil, floor
from typing import Annotated, Any

from planning.models import FeatureDependency, TeamCapacity
from planning.rules.capacity import STANDARD_RULE, Exposure, Person, buffer, team_capacity
from planning.states import LIVE_DEPENDENCY
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Iteration, Team


def _iterations(actor: Actor, subject: Any) -> Any:
    return Iteration.objects.select_related("pi").exclude(pi__state="closed").order_by("starts")


def exposures(team: Team, iteration: Iteration) -> list[Exposure]:
    """What makes the team's iteration uncertain: each delivery that it awaits from another team."""
    awaited = (
        FeatureDependency.objects.filter(
            consumer__team=team, consumer__iteration=iteration, state__in=LIVE_DEPENDENCY
        )
        .exclude(provider__team=team)
        .select_related("provider", "consumer")
    )
    # An agreed delivery is a smaller risk than one that nobody has accepted or that is in danger.
    likely = {"accepted": 2, "committed": 1, "proposed": 3, "at_risk": 4, "blocked": 5}
    return [Exposure(str(each), likely[each.state], 2) for each in awaited]


@action("capacity.set", creates=TeamCapacity, requires="planning.plan", within="team", label="Set capacity")
def set_capacity(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    iteration: Annotated[Iteration, Field("Iteration", rows=_iterations)],
    points: Annotated[
        int | None, Field("Capacity in points", "People × working days × 0.8 when left out.", min=0, max=9999)
    ] = None,
    buffer_points: Annotated[
        int | None, Field("Buffer in points", "By the rule of risk exposure when left out.", min=0, max=9999)
    ] = None,
    reason: Annotated[
        str, Field("Reason", "Needed for a buffer smaller than the rule's.", max_length=200)
    ] = "",
) -> TeamCapacity:
    """Set what a team can take on in an iteration, and the buffer it keeps back."""
    if iteration.pi.train_id != team.train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="iteration")
    if iteration.pi.state == "closed":
        refuse("pi.closed", f"{iteration.pi} is closed.", blocked_by=Ref.of(iteration.pi))
    notes = []
    if points is None:
        people = [Person(str(n)) for n in range(team.people)]
        computed = team_capacity(people, iteration.starts, iteration.ends)
        points = floor(computed.days)
        notes.append(computed.sentence)
    by_rule = buffer(points, exposures(team, iteration), rule=STANDARD_RULE)
    wanted = min(points, ceil(round(by_rule.days, 6)))
    if buffer_points is None:
        buffer_points = wanted
        notes.append(by_rule.sentence)
    if buffer_points > points:
        refuse("capacity.buffer", "The buffer is larger than the capacity.", field="buffer_points")
    if buffer_points < wanted and not reason.strip():
        refuse(
            "capacity.reason",
            f"{by_rule.sentence} A smaller buffer than {wanted} needs a reason.",
            remedy="Give the reason, or leave the buffer to the rule.",
            field="reason",
        )
    if reason.strip():
        notes.insert(0, reason.strip())
    capacity = TeamCapacity.objects.filter(team=team, iteration=iteration).first()
    capacity = capacity or TeamCapacity(team=team, iteration=iteration)
    capacity.points, capacity.buffer, capacity.note = points, buffer_points, " ".join(notes)[:200]
    capacity.save()
    return capacity
