"""The gate check of endorsements: what is of high impact has its business owner's word."""

from __future__ import annotations

from governance.checks.context import CheckContext
from governance.checks.registry import Outcome, check, failed, passed
from planning.queries import endorsements


@check(
    "endorsements",
    title="Endorsements",
    subject="release",
    words="Every high-impact feature in scope is endorsed by a business owner.",
)
def endorsed(ctx: CheckContext) -> Outcome:
    """Features that an endorsement rule names have a live endorsement; a withdrawn one fails."""
    assert ctx.release is not None  # the runner asks this of releases only
    standings = endorsements.of_release(ctx.release)
    facts = {
        "standings": [
            [s.feature.key, s.rule.name if s.rule else "", sorted(str(e.pk) for e in s.live)]
            for s in standings
        ]
    }
    missing = [s for s in standings if s.missing]
    if not missing:
        return passed(f"High-impact features in scope: {len(standings)}, all endorsed.", facts=facts)
    more = f" And {len(missing) - 5} more." if len(missing) > 5 else ""
    return failed(
        " ".join(s.sentence for s in missing[:5]) + more,
        "Have a business owner endorse it, or take the feature out of the scope.",
        evidence=[s.feature for s in missing],
        facts=facts,
    )
