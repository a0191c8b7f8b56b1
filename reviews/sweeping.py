"""What time brings to reviews: reminders of what is due, escalation of what stays open, recurring modes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from releasetrain.interface.notices import declare_kind, remind
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from reviews.actions.escalating import escalate_due, refer_recurring
from reviews.actions.following import budget_was_burnt
from reviews.models import ActionItem, ImprovementProposal, Review, ReviewParticipant, ReviewRule
from reviews.models.participant import Attendance, Part
from trains.models import Deployment, Service

AHEAD = timedelta(days=3)
# So long after a deployment a burning budget is laid to it.
WATCHED = timedelta(days=7)
NAME = "review.due"
declare_kind(NAME, "Reviews, their actions and proposals that are due")


def sweep(system: Actor) -> int:
    """One round; returns how many acts it took. Reminders are told once each."""
    day = now().date()
    _actions(day)
    _effects(day)
    _improvements(day)
    _reviews()
    _acknowledgements()
    return escalate_due(system) + refer_recurring(system) + _budgets(system)


def _budgets(system: Actor) -> int:
    """Budgets burn without an act of anybody: services that went live of late are looked at again, where a rule asks."""
    if not ReviewRule.objects.filter(budget_percent__isnull=False, retired_at__isnull=True).exists():
        return 0
    lately = Deployment.objects.filter(environment__kind="production", started_at__gte=now() - WATCHED)
    before = Review.objects.count()
    for service in Service.objects.filter(pk__in=lately.values("service_id")):
        budget_was_burnt(system, service)
    return Review.objects.count() - before


def _actions(day: date) -> None:
    rows = ActionItem.objects.filter(state=ActionItem.State.OPEN, due_on__lte=day + AHEAD)
    for item in rows.select_related("review"):
        _due(item, item.owner_id, item.due_on, day, f"Action {item}", f"Success: {item.success_criteria}")


def _effects(day: date) -> None:
    """Somebody else than the owner looks: the facilitator of the review."""
    rows = ActionItem.objects.filter(state=ActionItem.State.DONE, worked__isnull=True, check_on__lte=day)
    for item in rows.select_related("review"):
        person = item.review.facilitator_id
        if person is None or person == item.owner_id:
            continue
        title = f"Did it help? {item}"
        remind([person], f"effect:{item.pk}", title, f"Success: {item.success_criteria}", item, name=NAME)


def _improvements(day: date) -> None:
    rows = ImprovementProposal.objects.filter(state=ImprovementProposal.State.OPEN, due_on__lte=day + AHEAD)
    for proposal in rows:
        _due(proposal, proposal.owner_id, proposal.due_on, day, f"Proposal {proposal}", proposal.reason)


def _due(obj: Any, person: Any, due: date, day: date, what: str, text: str) -> None:
    """Before the day, and once it has passed; another day is another reminder."""
    if person is None:
        return
    over = due < day
    title = f"{what} {'was' if over else 'is'} due {due:%Y-%m-%d}"
    remind([person], f"{obj.pk}:{due}:{'over' if over else 'ahead'}", title, text, obj, name=NAME)


def _reviews() -> None:
    at = now()
    rows = Review.objects.exclude(state=Review.State.CLOSED).filter(due_at__lte=at + AHEAD)
    for review in rows.select_related("service", "release", "deployment"):
        people = {review.facilitator_id} | set(
            ReviewParticipant.objects.filter(
                review=review, accountable=True, left_at__isnull=True
            ).values_list("user_id", flat=True)
        )
        over = review.due_at < at
        remind(
            [person for person in people if person],
            f"{review.pk}:{review.due_at:%Y-%m-%d}:{'over' if over else 'ahead'}",
            f"{review} {'was' if over else 'is'} due {review.due_at:%Y-%m-%d}",
            "The next gate of the service waits for it." if review.mandatory or over else "",
            review,
            name=NAME,
        )


def _acknowledgements() -> None:
    """Product is asked once a week until it has acknowledged what a review came to."""
    rows = ReviewParticipant.objects.filter(
        part=Part.PRODUCT,
        left_at__isnull=True,
        acknowledged_at__isnull=True,
        review__state=Review.State.CLOSED,
    ).exclude(attendance=Attendance.INFORMED)
    week = now().isocalendar()
    for seat in rows.select_related("review__service"):
        remind(
            [seat.user_id],
            f"acknowledge:{seat.pk}:{week.year}-{week.week}",
            f"Acknowledge what {seat.review.key} came to",
            "Features of the next phase are not endorsed before.",
            seat.review,
            name=NAME,
        )
