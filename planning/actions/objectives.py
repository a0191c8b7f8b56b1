"""PI objectives."""

from __future__ import annotations

from typing import Annotated

from planning.models import Objective
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import ProgramIncrement, Team

BEFORE_COMMIT = ("draft", "planning")


def _not_closed(increment: ProgramIncrement) -> None:
    if increment.state == "closed":
        refuse("pi.closed", f"{increment} is closed.", blocked_by=Ref.of(increment))


@action("objective.create", creates=Objective, requires="planning.plan", within="team", label="New objective")
def create_objective(
    actor: Actor,
    *,
    pi: Annotated[ProgramIncrement, Field("PI")],
    team: Annotated[Team, Field("Team")],
    title: Annotated[str, Field("Objective", max_length=200)],
    planned_value: Annotated[int, Field("Planned business value", "1 to 10.", min=1, max=10)],
    uncommitted: Annotated[bool, Field("Uncommitted", "Planned, but not promised.")] = False,
) -> Objective:
    """State what a team aims for in a Program Increment."""
    _not_closed(pi)
    if team.train_id != pi.train_id:
        refuse("train.other", f"{team} is not a team of this train.", field="team")
    if not uncommitted and pi.state not in BEFORE_COMMIT:
        refuse(
            "objective.committed",
            f"{pi} is committed.",
            remedy="Add it as an uncommitted objective.",
            field="uncommitted",
        )
    return Objective.objects.create(
        pi=pi, team=team, title=title.strip(), planned_value=planned_value, uncommitted=uncommitted
    )


@action("objective.edit", on=Objective, requires="planning.plan")
def edit_objective(
    actor: Actor,
    objective: Objective,
    *,
    title: Annotated[str | None, Field("Objective", max_length=200)] = None,
    planned_value: Annotated[int | None, Field("Planned business value", min=1, max=10)] = None,
    uncommitted: Annotated[bool | None, Field("Uncommitted")] = None,
) -> Objective:
    """Change an objective while the Program Increment is being planned."""
    if objective.pi.state not in BEFORE_COMMIT:
        refuse("objective.committed", f"{objective.pi} is committed: its objectives stand.")
    objective.title = (title or "").strip() or objective.title
    objective.planned_value = planned_value or objective.planned_value
    objective.uncommitted = objective.uncommitted if uncommitted is None else uncommitted
    objective.save()
    return objective


@action("objective.score", on=Objective, requires="planning.score", label="Score the result")
def score_objective(
    actor: Actor,
    objective: Objective,
    *,
    actual_value: Annotated[
        int, Field("Actual business value", "0 to 10, as the business owners see it.", min=0, max=10)
    ],
) -> Objective:
    """Record the business value that was reached, at inspect and adapt."""
    if objective.pi.state in BEFORE_COMMIT:
        refuse(
            "objective.early", f"{objective.pi} is not committed yet.", remedy="Score it when the PI has run."
        )
    objective.actual_value = actual_value
    objective.save()
    return objective
