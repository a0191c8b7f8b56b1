"""What waits for a person: gathered from every domain, most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from governance.models import (
    ChangeModel,
    ChangeRequest,
    MeetingAction,
    PolicyDecision,
    Reminder,
    Waiver,
)
from governance.queries.boardroom import reminders_of
from governance.queries.changes import awaiting_vote_of
from planning.models import Feature
from problems.models import Problem, RootCause
from releasetrain.interface import formats
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from reviews.models import ActionItem, Review
from trains.models import Release
from trains.ports import events_between

# What the home page says comes next; what recurs by itself would crowd it out.
_COMING = {"release", "freeze", "pi", "milestone", "cab", "deployment"}


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: what it is, why it waits for this person, and until when."""

    icon: str
    tone: str
    subject: Any
    why: str
    due: datetime | None = None
    url: str = ""


def waiting_for(actor: Actor, root: str) -> list[Waiting]:
    """Acts that only this person, or their role, can do now."""
    found = [
        Waiting(
            "gavel",
            "warn" if c.type == ChangeRequest.Type.EMERGENCY else "info",
            c,
            f"Your vote, on {c.board}",
            c.window_starts,
            f"{root}cab/{c.key}/",
        )
        for c in awaiting_vote_of(actor)
    ]
    moment = now()
    found += [
        Waiting("bell", "warn", r, r.sentence, r.due_at, f"{root}cab/{r.change.key}/" if r.change else "")
        for r in reminders_of(actor.user_id, moment)
        if r.kind != Reminder.Kind.VOTE  # votes are listed above, reminded of or not
    ]
    given = MeetingAction.objects.filter(owner_id=actor.user_id, done_at__isnull=True).order_by("due_on")
    found += [
        Waiting("check", "info", item, f"Action item of the board, due {formats.short_day(item.due_on)}")
        for item in given[:10]
    ]
    if actor.may_somewhere("changes.vote"):
        sampled = PolicyDecision.objects.filter(sampled=True, review="").exclude(
            change__contributors__user_id=actor.user_id
        )
        found += [
            Waiting("search", "info", d, "Approved by policy; drawn for a person to look at")
            for d in sampled.select_related("change").order_by("created_at")[:5]
        ]
    if actor.may_somewhere("changes.chair"):
        proposed_models = ChangeModel.objects.filter(state="proposed").exclude(proposed_by_id=actor.user_id)
        found += [Waiting("list", "info", m, "Proposed for pre-approval") for m in proposed_models[:5]]
    if actor.may_somewhere("problems.manage"):
        joint = ChangeRequest.objects.filter(state="awaiting_approval", joint=True).exclude(
            signatures__revision=F("revision")
        )
        found += [
            Waiting("gavel", "warn", c, "Your signature on a high-impact fix", c.window_starts)
            for c in joint.exclude(contributors__user_id=actor.user_id)[:5]
        ]
    if actor.may_somewhere("waivers.grant"):
        asked = (
            Waiver.objects.filter(state="requested")
            .exclude(requested_by_id=actor.user_id)
            .select_related("gate")
        )
        found += [Waiting("gate", "warn", w, "A waiver to decide", w.expires_at) for w in asked[:10]]
    if actor.may_somewhere("problems.validate"):
        proposed = (
            RootCause.objects.filter(state="proposed")
            .exclude(author_id=actor.user_id)
            .select_related("problem")
        )
        found += [
            Waiting("problem", "warn", cause.problem, "A root cause to validate") for cause in proposed[:10]
        ]
    mine = ActionItem.objects.filter(owner_id=actor.user_id, state="open").order_by("due_on")
    found += [
        Waiting("review", "info", item, f"Action item, due {formats.short_day(item.due_on)}")
        for item in mine[:10]
    ]
    if actor.may_somewhere("reviews.facilitate"):
        reviews = (
            Review.objects.exclude(state="closed").select_related("release", "service").order_by("due_at")
        )
        found += [
            Waiting("review", "info", r, f"Review, {r.get_state_display().lower()}", r.due_at)
            for r in reviews[:5]
        ]
    if actor.may_somewhere("changes.author"):
        drafts = ChangeRequest.objects.filter(author_id=actor.user_id, state=ChangeRequest.State.DRAFT)
        found += [Waiting("gavel", "idle", c, "Your draft change request") for c in drafts[:10]]
        fallen = ChangeRequest.objects.filter(
            author_id=actor.user_id, state=ChangeRequest.State.AWAITING_APPROVAL
        ).exclude(fell_because="")
        found += [Waiting("gavel", "bad", c, c.fell_because) for c in fallen[:10]]
    late = now() + timedelta(days=3650)
    return sorted(found, key=lambda w: w.due or late)


def overview(actor: Actor) -> dict[str, Any]:
    """What the organization is busy with: releases under way, blocked features, problems open, what comes next."""
    moment = now()
    return {
        "releases": Release.objects.exclude(state__in=["closed", "cancelled"])
        .select_related("train")
        .order_by("target_at")[:8],
        "blocked": Feature.objects.exclude(blocked_reason="").select_related("team")[:8],
        "problems": Problem.objects.exclude(state="closed")
        .select_related("service")
        .order_by("severity")[:6],
        "events": [
            e
            for e in events_between(moment, moment + timedelta(days=21))
            if e.ends > moment and e.kind in _COMING
        ][:8],
    }
