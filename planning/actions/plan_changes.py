"""Change requests to a committed plan: what comes in, what makes room, and the decision that is carried out."""

from __future__ import annotations

from typing import Annotated, Any

from planning.actions.placement import place_feature, unplace_feature
from planning.models import Feature, PlanChange, PlanChangeItem
from planning.queries import plan_changes as queries
from planning.states_event import PLAN_CHANGE_STATES
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Iteration, ProgramIncrement, Team

Act = PlanChangeItem.Act


def _committed(actor: Actor, subject: Any) -> Any:
    return ProgramIncrement.objects.filter(state__in=("committed", "active")).order_by("-starts")


def _iterations(actor: Actor, subject: Any) -> Any:
    rows = Iteration.objects.select_related("pi").order_by("starts")
    return rows.filter(pi_id=subject.pi_id) if subject is not None else rows


def _teams(actor: Actor, subject: Any) -> Any:
    return Team.objects.filter(train_id=subject.pi.train_id) if subject is not None else Team.objects.all()


def _features(actor: Actor, subject: Any) -> Any:
    rows = Feature.objects.exclude(state__in=("done", "cancelled"))
    return rows.filter(train_id=subject.pi.train_id) if subject is not None else rows


def _planned(actor: Actor, subject: Any) -> Any:
    return (
        Feature.objects.filter(pi_id=subject.pi_id, state="planned")
        if subject is not None
        else Feature.objects.none()
    )


@action(
    "plan_change.create",
    creates=PlanChange,
    requires="planning.edit",
    within="pi",
    label="Request a change of the plan",
)
def create_plan_change(
    actor: Actor,
    *,
    pi: Annotated[ProgramIncrement, Field("PI", rows=_committed)],
    title: Annotated[str, Field("What is to change", max_length=200)],
    cause: Annotated[PlanChange.Cause, Field("Cause")],
    cause_label: Annotated[
        str, Field("Which one", "For example INC-7, the audit's finding, the CVE.", max_length=200)
    ],
    justification: Annotated[str, Field("Why it cannot wait for the next PI", long=True)] = "",
) -> PlanChange:
    """Ask to change a committed plan, and say what makes you."""
    if pi.state not in ("committed", "active"):
        refuse(
            "plan_change.uncommitted",
            f"{pi} is {pi.get_state_display().lower()}: its plan is not committed.",
            remedy="Move the cards on the board.",
            field="pi",
            blocked_by=Ref.of(pi),
        )
    if not cause_label.strip():
        refuse("plan_change.cause", "Name the cause.", field="cause_label", status=422)
    return PlanChange.objects.create(
        pi=pi,
        title=title.strip(),
        cause=cause,
        cause_label=cause_label.strip(),
        justification=justification.strip(),
        requested_by_id=actor.user_id,
    )


@action(
    "plan_change.bring_in",
    on=PlanChange,
    requires="planning.edit",
    machine=PLAN_CHANGE_STATES,
    label="Bring in or move",
)
def bring_in(
    actor: Actor,
    change: PlanChange,
    *,
    feature: Annotated[Feature, Field("Feature", rows=_features)],
    iteration: Annotated[Iteration, Field("Iteration", rows=_iterations)],
    team: Annotated[Team | None, Field("Team", "The feature's when left out.", rows=_teams)] = None,
) -> PlanChange:
    """A feature that is to come into the plan, or to another place of it."""
    team = team or feature.team
    if team is None:
        refuse("feature.team", f"{feature} has no team yet.", remedy="Choose the team.", field="team")
    if iteration.pi_id != change.pi_id:
        refuse("plan_change.other_pi", f"{iteration} is not of {change.pi}.", field="iteration")
    if feature.train_id != change.pi.train_id or team.train_id != change.pi.train_id:
        refuse("train.other", "Feature and team must be of this train.", field="feature")
    if feature.state in ("done", "cancelled"):
        refuse("feature.over", f"{feature} is {feature.get_state_display().lower()}.", field="feature")
    if feature.state in ("funnel", "analysis"):
        refuse(
            "feature.unrefined",
            f"{feature} is not refined.",
            remedy="Refine it first: an unrefined item enters no plan.",
            field="feature",
            blocked_by=Ref.of(feature),
        )
    act = Act.MOVE if feature.pi_id == change.pi_id else Act.ADD
    _put(change, feature, act, team, iteration)
    return change


@action(
    "plan_change.take_out",
    on=PlanChange,
    requires="planning.edit",
    machine=PLAN_CHANGE_STATES,
    label="Take out",
)
def take_out(
    actor: Actor, change: PlanChange, *, feature: Annotated[Feature, Field("Feature", rows=_planned)]
) -> PlanChange:
    """A feature that leaves the plan to make room."""
    if feature.pi_id != change.pi_id or feature.state != "planned":
        refuse(
            "plan_change.not_planned",
            f"{feature} is not a planned feature of {change.pi}.",
            remedy="Only what is planned and not begun can leave.",
            field="feature",
        )
    _put(change, feature, Act.REMOVE, None, None)
    return change


def _put(
    change: PlanChange, feature: Feature, act: Act, team: Team | None, iteration: Iteration | None
) -> None:
    """A feature stands in a request once: named again, it goes where it was named last."""
    item = change.items.filter(feature=feature).first() or PlanChangeItem(change=change, feature=feature)
    item.act, item.team, item.iteration = act, team, iteration
    item.from_label = queries.place_of(feature)
    item.save()


@action("plan_change.submit", on=PlanChange, requires="planning.edit", machine=PLAN_CHANGE_STATES)
def submit_plan_change(
    actor: Actor,
    change: PlanChange,
    *,
    overload_reason: Annotated[
        str, Field("Why more than the capacity", "Only where no room is made.", max_length=300)
    ] = "",
) -> PlanChange:
    """Ask for the decision. Room must be made for what comes in, or a reason given."""
    if not change.items.exists():
        refuse(
            "plan_change.empty", "The request changes nothing.", remedy="Bring a feature in, or take one out."
        )
    cells = queries.capacity_effect(change)
    short = [cell for cell in cells if cell.short_by]
    if short and not overload_reason.strip():
        cell = short[0]
        refuse(
            "plan_change.no_room",
            f"{cell.team} in {cell.iteration} would be {cell.short_by} points over its capacity.",
            remedy="Take out features that make room, choose another iteration, or say why it is accepted.",
            field="overload_reason",
        )
    change.capacity = [cell.as_dict() for cell in cells]
    change.overload_reason = overload_reason.strip() if short else ""
    change.submitted_at = now()
    return change


@action("plan_change.withdraw", on=PlanChange, requires="planning.edit", machine=PLAN_CHANGE_STATES)
def withdraw_plan_change(
    actor: Actor, change: PlanChange, *, reason: Annotated[str, Field("Reason", max_length=300)] = ""
) -> PlanChange:
    """It is not asked for any more."""
    return change


@action(
    "plan_change.accept",
    on=PlanChange,
    requires="planning.commit",
    machine=PLAN_CHANGE_STATES,
    confirm="The board is changed at once, as the request says.",
)
def accept_plan_change(
    actor: Actor, change: PlanChange, *, decision: Annotated[str, Field("Decision in words", long=True)]
) -> PlanChange:
    """Accept the request and carry it out on the board: first what leaves, then what comes."""
    _decide(actor, change, decision)
    # What was submitted counted on the board of then: the capacity of the decision is counted now.
    cells = queries.capacity_effect(change)
    worse = [cell for cell in cells if cell.short_by]
    if worse and not change.overload_reason:
        refuse(
            "plan_change.room_gone",
            f"The board has changed: {worse[0].team} in {worse[0].iteration} would be {worse[0].short_by} points over.",
            remedy="Reject it, or have it withdrawn and asked for anew.",
        )
    change.capacity = [cell.as_dict() for cell in cells]
    items = list(change.items.select_related("feature", "team", "iteration"))
    for item in [i for i in items if i.act == Act.REMOVE]:
        unplace_feature(actor, item.feature)
    for item in [i for i in items if i.act != Act.REMOVE]:
        place_feature(actor, item.feature, iteration=item.iteration, team=item.team)
    return change


@action("plan_change.reject", on=PlanChange, requires="planning.commit", machine=PLAN_CHANGE_STATES)
def reject_plan_change(
    actor: Actor, change: PlanChange, *, decision: Annotated[str, Field("Decision in words", long=True)]
) -> PlanChange:
    """Leave the plan as it is."""
    _decide(actor, change, decision)
    return change


def _decide(actor: Actor, change: PlanChange, decision: str) -> None:
    if not decision.strip():
        refuse("plan_change.words", "Say why it is decided so.", field="decision", status=422)
    change.decided_by_id, change.decided_at, change.decision = actor.user_id, now(), decision.strip()


def _second_person(actor: Actor, change: Any, params: dict[str, Any]) -> Refusal | None:
    if change is not None and actor.user_id is not None and change.requested_by_id == actor.user_id:
        return Refusal(
            "plan_change.own",
            "Somebody else decides what you have asked for.",
            remedy="Ask the product manager or the Release Train Engineer.",
            status=403,
        )
    return None


for _verb in ("accept", "reject"):
    register_guard(f"plan_change.{_verb}", _second_person)
