"""Gate checks that reviews supply."""

from __future__ import annotations

from typing import Any

from governance.checks.parameters import flag
from governance.checks.registry import CheckContext, Outcome, check, failed, passed
from reviews.queries.pending import actions_ahead, open_reviews, overdue_actions_of


@check(
    "pending-reviews",
    title="No pending review",
    parameters={
        "overdue": flag(
            "Overdue ones count too", True, "Reviews that are not mandatory, once they are overdue."
        )
    },
    words=lambda overdue: (
        "No mandatory review of the services is open"
        + (", and no review of them is overdue." if overdue else ".")
    ),
    max_age_hours=1,
)
def pending_reviews(ctx: CheckContext, *, overdue: bool) -> Outcome:
    """Reviews of earlier deployments of the services that have to be done before the next one."""
    found = open_reviews([s.pk for s in ctx.services], other_than=ctx.release.pk if ctx.release else None)
    blocking = [r for r in found if r.mandatory or (overdue and r.due_at < ctx.at)]
    facts: dict[str, Any] = {"reviews": sorted([str(r.pk), r.state] for r in blocking)}
    if blocking:
        named = ", ".join(f"{r.key} of {r.service} (due {r.due_at:%Y-%m-%d})" for r in blocking[:5])
        more = f" and {len(blocking) - 5} more" if len(blocking) > 5 else ""
        return failed(
            f"{named}{more} {'is' if len(blocking) == 1 else 'are'} not done.",
            "Do the review first; what it found may concern this release.",
            evidence=blocking,
            facts=facts,
        )
    stale = overdue_actions_of([s.pk for s in ctx.services], ctx.at)
    if stale:
        facts["actions"] = sorted(str(item.pk) for item in stale)
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        return failed(
            f"{', '.join(f'{i.key} (due {i.due_on:%Y-%m-%d})' for i in stale[:3])}{more}: overdue from reviews.",
            "Settle them, or agree on a new day with their owners.",
            evidence=stale,
            facts=facts,
        )
    # The answer ends when the next review becomes overdue.
    ahead = [r.due_at for r in found if overdue and r.due_at >= ctx.at]
    ahead += actions_ahead([s.pk for s in ctx.services], ctx.at)
    return passed("No review stands in the way.", facts=facts, valid_until=min(ahead, default=None))
