"""The gate check of recurrence: what came back is not fixed by what is about to go out again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q

from governance.checks.parameters import Parameter, flag
from governance.checks.registry import CheckContext, Outcome, check, failed, passed, pending
from problems.models import ObservationWindow, Problem
from problems.queries.claims import claimed_by
from problems.queries.recurrence import standing_of
from problems.rules.recurrence import BREACHED


@check(
    "problem-recurrence",
    title="No recurring problem",
    parameters={
        "days": Parameter(int, "Within days", 90, "How far back a recurrence counts.", min=1, max=730),
        "observing": flag(
            "Wait for observation", False, "A fix that is still observed holds the release up."
        ),
    },
    words=lambda days, observing: (
        f"No problem of the services came back within {days} days, other than those the release fixes"
        + (", and none is still observed." if observing else ".")
    ),
    max_age_hours=1,
)
def problem_recurrence(ctx: CheckContext, *, days: int, observing: bool) -> Outcome:
    """Problems of the services that were re-opened, or whose fix is observed and breaks, and that the release leaves."""
    fixed = {p.pk for p in claimed_by(ctx.release)} if ctx.release else set()
    since = ctx.at - timedelta(days=days)
    services = [s.pk for s in ctx.services]
    rows = Problem.objects.filter(service__in=services).filter(
        Q(reopened_at__gte=since, reopened_at__lte=ctx.at) | Q(state=Problem.State.OBSERVING)
    )
    problems = [p for p in rows.select_related("service").order_by("severity", "key") if p.pk not in fixed]
    windows = {
        w.problem_id: w
        for w in ObservationWindow.objects.filter(
            problem__in=problems, state=ObservationWindow.State.RUNNING
        ).select_related("problem", "deployment")
    }
    states = {pk: standing_of(window, ctx.at) for pk, window in windows.items()}
    back = [
        p
        for p in problems
        if (p.is_open and p.reopened_at is not None and since <= p.reopened_at <= ctx.at)
        or (p.pk in states and states[p.pk].state == BREACHED)
    ]
    watched = [p for p in problems if p.pk in states and p not in back]
    facts: dict[str, Any] = {
        "back": sorted([str(p.pk), p.state, p.reopened_count] for p in back),
        "observed": sorted([str(p.pk), states[p.pk].state] for p in watched),
    }
    if back:
        named = ", ".join(f"{p.key} ({p.service}, re-opened {p.reopened_count} times)" for p in back[:5])
        more = f" and {len(back) - 5} more" if len(back) > 5 else ""
        return failed(
            f"{named}{more} came back within {days} days.",
            "Validate the root cause anew, and bring the fix into this release.",
            evidence=back,
            facts=facts,
        )
    ends = min((w.ends for w in windows.values() if w.ends > ctx.at), default=None)
    if observing and watched:
        first = watched[0]
        return pending(
            f"{first.key} is still observed: {states[first.pk].sentence}",
            "Wait for the end of the observation.",
            evidence=watched,
            facts=facts,
            valid_until=ends,
        )
    return passed(f"No problem of the services came back within {days} days.", facts=facts, valid_until=ends)
