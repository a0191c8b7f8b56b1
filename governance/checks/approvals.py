"""Checks of the decision: an approval that stands on this very content, and the window it was given for."""

from __future__ import annotations

from governance.actions.following import change_of
from governance.models import ChangeRequest
from governance.queries.changes import present_content, tally

from .context import CheckContext
from .registry import Outcome, check, failed, passed, pending


@check(
    "approvals",
    title="Change approved",
    subject="release",
    words="The release's change request is approved for exactly this content.",
)
def approvals(ctx: CheckContext) -> Outcome:
    """The change request of the release stands approved, its content is what was approved, and its conditions are met."""
    assert ctx.release is not None  # the runner asks this of releases only
    change = change_of(ctx.release)
    if change is None:
        return pending(
            f"{ctx.release} has no change request.", "Freeze the scope, or write a change request for it."
        )
    facts = {
        "change": change.key,
        "state": change.state,
        "revision": change.revision,
        "content_digest": change.content_digest,
    }
    _, digest = present_content(change)
    if change.stands and digest != change.approved_digest:
        return failed(
            f"What {change.key} approved is not what the release carries now.",
            "Submit the present content and have it approved.",
            evidence=[change],
            facts={**facts, "present_digest": digest},
        )
    if not change.stands:
        return _undecided(change, facts)
    unmet = list(change.conditions.filter(met_at__isnull=True, vote__revision=change.revision))
    facts["unmet_conditions"] = [str(c.pk) for c in unmet]
    if unmet:
        return failed(
            f"{change.key} is approved on {len(unmet)} condition{'s' if len(unmet) > 1 else ''} not met yet: {unmet[0].text}",
            "Show the evidence for each condition on the change request.",
            evidence=[change, *unmet],
            facts=facts,
        )
    return passed(f"{change.key} is approved at revision {change.revision}.", evidence=[change], facts=facts)


def _undecided(change: ChangeRequest, facts: dict) -> Outcome:
    if change.state == ChangeRequest.State.REJECTED:
        return failed(
            f"{change.key} was rejected.", "Amend it and ask again.", evidence=[change], facts=facts
        )
    if change.state == ChangeRequest.State.AWAITING_APPROVAL:
        votes = tally(change)
        said = change.fell_because or f"{change.key} awaits approval: {votes.cast} of {votes.quorum} votes."
        return pending(said, f"{change.board} decides on {change.key}.", evidence=[change], facts=facts)
    if change.state == ChangeRequest.State.EXPIRED:
        return failed(
            f"{change.key} has expired.", "Reopen it and ask again.", evidence=[change], facts=facts
        )
    if change.state in (ChangeRequest.State.COMPLETED, ChangeRequest.State.CLOSED):
        return failed(
            f"{change.key} is {change.get_state_display().lower()}.",
            "Write a new change request.",
            evidence=[change],
            facts=facts,
        )
    return pending(
        f"{change.key} is not submitted.", "Submit it to its board.", evidence=[change], facts=facts
    )


@check(
    "change-window",
    title="Change window",
    subject="release",
    words="Now lies within the approved window of the change.",
    max_age_hours=1,
)
def change_window(ctx: CheckContext) -> Outcome:
    """The moment of asking lies in the half-open window [from, until) that was approved."""
    assert ctx.release is not None  # the runner asks this of releases only
    change = change_of(ctx.release)
    if change is None or change.window_starts is None or change.window_ends is None:
        return pending(
            "No window is set.", "Set the window on the change request.", evidence=[change] if change else []
        )
    facts = {
        "change": change.key,
        "window": [change.window_starts.isoformat(), change.window_ends.isoformat()],
    }
    window = f"{change.window_starts:%d %b %H:%M} to {change.window_ends:%d %b %H:%M} UTC"
    if ctx.at < change.window_starts:
        return pending(
            f"The window of {change.key} is not open yet: {window}.",
            "Ask again when it opens.",
            evidence=[change],
            facts=facts,
            valid_until=change.window_starts,
        )
    if ctx.at >= change.window_ends:
        return failed(
            f"The window of {change.key} is over: {window}.",
            "Agree a new window and have it approved.",
            evidence=[change],
            facts=facts,
        )
    return passed(
        f"The window of {change.key} is open: {window}.",
        evidence=[change],
        facts=facts,
        valid_until=change.window_ends,
    )
