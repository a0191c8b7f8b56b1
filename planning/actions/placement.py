"""Placing features on the program board. A move made on an old picture is refused."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature
from planning.states import FEATURE_STATES, FeatureState
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Iteration, ProgramIncrement, Team

from .features import belongs_to, say_what_is_missing


def _iterations(actor: Actor, subject: Any) -> Any:
    rows = Iteration.objects.select_related("pi").exclude(pi__state="closed").order_by("starts")
    return rows.filter(pi__train_id=subject.train_id) if subject is not None else rows


def _teams(actor: Actor, subject: Any) -> Any:
    return Team.objects.filter(train_id=subject.train_id) if subject is not None else Team.objects.all()


def _refuse_stale(feature: Feature) -> None:
    last = feature.history.first()
    who = User.objects.filter(pk=last.history_user_id).first() if last and last.history_user_id else None
    place = f"{feature.team}, iteration {feature.iteration}" if feature.iteration_id else "the backlog"
    refuse(
        "feature.stale",
        f"{who or 'Somebody'} changed {feature} meanwhile; it is in {place} now.",
        remedy="The board shows it as it is now. Move it again if you still want to.",
        blocked_by=Ref.of(feature),
    )


def _refuse_closed(increment: ProgramIncrement) -> None:
    if increment.state == "closed":
        refuse(
            "pi.closed", f"{increment} is closed.", remedy="Choose a later one.", blocked_by=Ref.of(increment)
        )


@action(
    "feature.place", hidden=True, on=Feature, requires="planning.plan", machine=FEATURE_STATES, label="Move"
)
def place_feature(
    actor: Actor,
    feature: Feature,
    *,
    iteration: Annotated[Iteration, Field("Iteration", rows=_iterations)],
    team: Annotated[Team | None, Field("Team", "The feature's team when left out.", rows=_teams)] = None,
    row_version: Annotated[
        int | None, Field("Version seen", "Refused when the feature was changed since.", min=0)
    ] = None,
) -> Feature:
    """Put a feature into a team's iteration, or move it there."""
    if row_version is not None and row_version != feature.row_version:
        _refuse_stale(feature)
    team = team or feature.team
    if team is None:
        refuse(
            "feature.team",
            f"{feature} has no team yet.",
            remedy="Choose the team that builds it.",
            field="team",
        )
    belongs_to(feature.train_id, team=team)
    if iteration.pi.train_id != feature.train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="iteration")
    # What a closed increment left unfinished is carried over: only its destination must be open.
    _refuse_closed(iteration.pi)
    feature.team, feature.iteration, feature.pi = team, iteration, iteration.pi
    if feature.state == FeatureState.READY:
        feature.state = FeatureState.PLANNED
    feature.save()
    return feature


@action(
    "feature.unplace",
    on=Feature,
    requires="planning.plan",
    machine=FEATURE_STATES,
    label="Take off the board",
)
def unplace_feature(
    actor: Actor,
    feature: Feature,
    *,
    row_version: Annotated[int | None, Field("Version seen", min=0)] = None,
) -> Feature:
    """Put a planned feature back into the backlog."""
    if row_version is not None and row_version != feature.row_version:
        _refuse_stale(feature)
    if feature.pi is not None:
        _refuse_closed(feature.pi)
    feature.pi = feature.iteration = None
    return feature


register_guard("feature.place", say_what_is_missing)
