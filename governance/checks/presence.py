"""Checks that something is there before a release goes: its plan for going back, and its booking of the environment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from trains.models import Booking, SharedResource

from .context import CheckContext
from .parameters import count, flag
from .registry import Outcome, check, failed, passed, pending


@check(
    "rollback-plan",
    title="Rollback plan present",
    subject="release",
    parameters={
        "least": count("Least length in characters", 20, "A plan of fewer says nothing.", most=5_000),
    },
    words="The release says in at least {least} characters how to go back.",
)
def rollback_plan(ctx: CheckContext, *, least: int) -> Outcome:
    """The release has a rollback plan, or its change request has a back-out plan."""
    from governance.actions.following import change_of

    assert ctx.release is not None  # the runner asks this of releases only
    change = change_of(ctx.release)
    own = ctx.release.rollback_plan.strip()
    plans = [own, change.backout_plan.strip() if change else ""]
    facts = {"lengths": [len(plan) for plan in plans], "change": change.key if change else None}
    longest = max(plans, key=len)
    if longest and len(longest) >= least:
        where = ctx.release if longest == own else change
        return passed(f"{where} says how to go back.", evidence=[where], facts=facts)
    said = f"{ctx.release} has no rollback plan"
    if longest:
        said = f"The rollback plan of {ctx.release} has {len(longest)} characters; {least} are required"
    return failed(f"{said}.", "Write on the release how to go back.", evidence=[ctx.release], facts=facts)


@check(
    "environment-booked",
    title="Environment booked",
    parameters={
        "own": flag("The release holds a booking", True, "Without it: nobody else holds the environment."),
    },
    words=lambda own: (
        "The release has booked the environment for now."
        if own
        else "Nobody else has booked the environment."
    ),
    max_age_hours=1,
)
def environment_booked(ctx: CheckContext, *, own: bool) -> Outcome:
    """Bookings of the environment as a shared resource at the moment of asking. One that nobody can book is free."""
    resources = list(
        SharedResource.objects.filter(
            environment=ctx.environment, kind=SharedResource.Kind.ENVIRONMENT, retired_at__isnull=True
        ).order_by("name")
    )
    rows = Booking.objects.filter(resource__in=resources, ends__gt=ctx.at).exclude(
        state=Booking.State.CANCELLED
    )
    near = list(rows.select_related("release", "resource").order_by("starts", "key")[:500])
    now_ = [b for b in near if b.starts <= ctx.at and b.state == Booking.State.BOOKED]
    facts: dict[str, Any] = {
        "resources": sorted(str(r.pk) for r in resources),
        "bookings": sorted([str(b.pk), str(b.release_id)] for b in now_),
    }
    changes_at = _next_edge(near, ctx.at)
    if not resources:
        return passed(f"{ctx.environment} is not shared by booking.", facts=facts)
    release = ctx.release
    mine = [b for b in now_ if release is not None and b.release_id == release.pk]
    if mine:
        ends = min(b.ends for b in mine)
        return passed(
            f"{release} has {mine[0].resource} until {ends:%Y-%m-%d %H:%M} UTC.",
            evidence=mine,
            facts=facts,
            valid_until=ends,
        )
    others = [b for b in now_ if b not in mine]
    full = [r for r in resources if sum(b.resource_id == r.pk for b in others) >= r.capacity]
    if len(full) == len(resources):
        first = others[0]
        return failed(
            f"{first.resource} is booked by {first.release} until {first.ends:%Y-%m-%d %H:%M} UTC ({first.key}).",
            f"Wait until then, or agree with the owner of {first.release.key} or whoever decides conflicts.",
            evidence=others,
            facts=facts,
            valid_until=min(b.ends for b in others),
        )
    if own:
        ahead = next((b for b in near if release is not None and b.release_id == release.pk), None)
        said = f"{ctx.subject_label} has no booking of {resources[0]} now"
        if ahead is not None:
            said += f"; {ahead.key} begins {ahead.starts:%Y-%m-%d %H:%M} UTC" + (
                ", and still waits in the queue" if ahead.state == Booking.State.QUEUED else ""
            )
        return pending(
            f"{said}.",
            f"Book {resources[0]} for the release.",
            evidence=[ahead] if ahead else resources,
            facts=facts,
            valid_until=changes_at,
        )
    return passed(f"{resources[0]} is free.", evidence=resources, facts=facts, valid_until=changes_at)


def _next_edge(bookings: list[Booking], at: datetime) -> datetime | None:
    """The next moment at which a booking begins or ends."""
    return min((m for b in bookings for m in (b.starts, b.ends) if m > at), default=None)
