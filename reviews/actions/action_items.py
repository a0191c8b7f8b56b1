"""Verbs of action items: somebody, a day, and what success is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from reviews.models import ActionItem, Review, ReviewCause
from reviews.queries.policies import policy_of
from reviews.states import ACTION_STATES, REVIEW_STATES

User = get_user_model()


def _supported(actor: Actor, review: Any) -> Any:
    if review is None:
        return ReviewCause.objects.none()
    return review.causes.filter(state=ReviewCause.State.SUPPORTED)


@action("review.add_action", on=Review, requires="reviews.contribute", machine=REVIEW_STATES)
def add_action(
    actor: Actor,
    review: Review,
    *,
    title: Annotated[str, Field("Action", max_length=200)],
    owner: Annotated[User, Field("Owner")],  # type: ignore[valid-type]
    due_on: Annotated[date, Field("Due")],
    success_criteria: Annotated[
        str, Field("Success criteria", help="What will measurably be different.", long=True)
    ],
    cause: Annotated[ReviewCause | None, Field("Cause it removes", rows=_supported)] = None,
) -> ActionItem:
    """Agree on an action. A hypothesis leads to none."""
    if not success_criteria.strip():
        refuse("action_item.success", "Say what will be different when it is done.", field="success_criteria")
    if due_on < now().date():
        refuse("action_item.past", "The day has passed.", field="due_on")
    if cause is not None and (cause.review_id != review.pk or cause.state != ReviewCause.State.SUPPORTED):
        refuse(
            "action_item.hypothesis",
            "A hypothesis leads to no action.",
            remedy="Support the cause by a fact first.",
            field="cause",
        )
    return ActionItem.objects.create(
        review=review,
        title=title,
        owner=owner,
        due_on=due_on,
        success_criteria=success_criteria.strip(),
        cause=cause,
    )


@action("action_item.edit", on=ActionItem, requires="reviews.contribute", machine=ACTION_STATES)
def edit_action(
    actor: Actor,
    item: ActionItem,
    *,
    owner: Annotated[User | None, Field("Owner")] = None,  # type: ignore[valid-type]
    due_on: Annotated[date | None, Field("Due")] = None,
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> ActionItem:
    """Give the action to somebody else, or another day; history keeps both."""
    if due_on is not None and due_on < now().date():
        refuse("action_item.past", "The day has passed.", field="due_on")
    item.owner = owner or item.owner
    item.due_on = due_on or item.due_on
    item.save()
    return item


@action("action_item.complete", on=ActionItem, requires="reviews.contribute", machine=ACTION_STATES)
def complete_action(
    actor: Actor,
    item: ActionItem,
    *,
    effect: Annotated[str, Field("Effect", help="What came of it, against the success criteria.", long=True)],
) -> ActionItem:
    """Say that it is done, and what came of it. Whether it really helped is looked at later."""
    item.check_on = now().date() + timedelta(days=policy_of(item.review).standard.effect_days)
    return _settle(item, effect)


@action(
    "action_item.check_effect",
    on=ActionItem,
    requires="reviews.contribute",
    machine=ACTION_STATES,
    label="Check the effect",
)
def check_effect(
    actor: Actor,
    item: ActionItem,
    *,
    worked: Annotated[bool, Field("It helped")],
    finding: Annotated[
        str, Field("What shows it", help="Against the success criteria.", long=True, max_length=5_000)
    ],
) -> ActionItem:
    """Look whether a done action helped, against its success criteria; somebody else than its owner does."""
    if not finding.strip():
        refuse("required", "Say what shows it.", field="finding", status=422)
    if item.worked is not None:
        refuse("action_item.checked", f"The effect of {item.key} was checked already.")
    if actor.user_id is not None and actor.user_id == item.owner_id:
        refuse(
            "action_item.own",
            "You did it, so somebody else looks whether it helped.",
            status=403,
        )
    item.worked, item.finding = worked, finding.strip()
    item.checked_at, item.checked_by_id = now(), actor.user_id
    item.save()
    return item


@action("action_item.drop", on=ActionItem, requires="reviews.contribute", machine=ACTION_STATES, danger=True)
def drop_action(
    actor: Actor, item: ActionItem, *, effect: Annotated[str, Field("Why it is dropped", long=True)]
) -> ActionItem:
    """Say that it will not be done, and why."""
    return _settle(item, effect)


def _settle(item: ActionItem, effect: str) -> ActionItem:
    if not effect.strip():
        refuse("action_item.effect", "Say what came of it.", field="effect")
    item.effect, item.settled_at = effect.strip(), now()
    return item
