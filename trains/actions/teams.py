"""Verbs of teams."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Team, Train

from .trains import known_zone


@action("team.create", creates=Team, requires="trains.manage", within="train")
def create_team(
    actor: Actor,
    *,
    train: Train,
    code: Annotated[str, Field("Code", max_length=20)],
    name: Annotated[str, Field("Name", max_length=120)],
    people: Annotated[int, Field("People", min=0, max=1000)] = 0,
    time_zone: Annotated[str | None, Field("Time zone", help="Empty: the train's.")] = None,
) -> Team:
    """Add a team to a train."""
    if Team.objects.filter(code=code).exists():
        refuse("team.exists", f"A team {code} exists.", field="code")
    zone = known_zone(time_zone) if time_zone else train.time_zone
    return Team.objects.create(train=train, code=code, name=name, people=people, time_zone=zone)


@action("team.edit", on=Team, requires="trains.manage")
def edit_team(
    actor: Actor,
    team: Team,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    people: Annotated[int | None, Field("People", min=0, max=1000)] = None,
    time_zone: Annotated[str | None, Field("Time zone")] = None,
) -> Team:
    """Change a team's name, size or time zone."""
    team.name = name or team.name
    team.people = team.people if people is None else people
    if time_zone:
        team.time_zone = known_zone(time_zone)
    team.save()
    return team
