"""Themes of a train."""

from __future__ import annotations

from typing import Annotated

from planning.models import Theme
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from trains.models import Train

explain_constraint("theme_name_once", "The train has a theme of this name.")


@action("theme.create", creates=Theme, requires="planning.edit", within="train", label="New theme")
def create_theme(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Name", max_length=120)],
    goal: Annotated[str, Field("Goal", long=True)] = "",
) -> Theme:
    """Name a goal that features serve."""
    return Theme.objects.create(train=train, name=name.strip(), goal=goal)


@action("theme.edit", on=Theme, requires="planning.edit")
def edit_theme(
    actor: Actor,
    theme: Theme,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    goal: Annotated[str | None, Field("Goal", long=True)] = None,
) -> Theme:
    """Change a theme's name or goal."""
    theme.name = (name or "").strip() or theme.name
    theme.goal = theme.goal if goal is None else goal
    theme.save()
    return theme
