"""One outcome from many builds: every build of a release must hold, and what is missing is named."""

from __future__ import annotations

from collections.abc import Callable

from governance.models import Result
from governance.queries.results import standing_results
from governance.rules.verdicts import combine, worst_first
from trains.models import Artifact

from .context import CheckContext
from .registry import Outcome, pending

Judge = Callable[[Artifact, list[Result]], Outcome]


def judge_results(ctx: CheckContext, kind: str, judge: Judge, *, missing: str, remedy: str) -> Outcome:
    """Judge the standing results of one kind for every build under judgement; a build without any is pending."""
    if not ctx.artifacts:
        return pending(
            f"{ctx.subject_label} has no build attached.",
            "Attach the release's artifacts.",
            facts={"artifacts": []},
        )
    results = standing_results(ctx.artifacts, kind, until=ctx.at)
    outcomes = []
    for artifact in ctx.artifacts:
        found = results[artifact.pk]
        if found:
            outcomes.append((artifact, judge(artifact, found)))
        else:
            outcomes.append(
                (artifact, pending(f"{missing} for {artifact}.", remedy.format(digest=artifact.digest)))
            )
    return together(outcomes)


def together(outcomes: list[tuple[Artifact, Outcome]]) -> Outcome:
    """The builds' outcomes as one: the worst verdict, the reasons of what stands in the way, the oldest evidence."""
    verdict = combine(o.verdict for _, o in outcomes)
    ordered = sorted((o for _, o in outcomes), key=lambda o: worst_first(o.verdict))
    telling = [o for o in ordered if o.verdict == verdict] if verdict != "pass" else ordered
    ages = [o.as_of for _, o in outcomes if o.as_of]
    ends = [o.valid_until for _, o in outcomes if o.valid_until]
    return Outcome(
        verdict=verdict,
        reason=" ".join(dict.fromkeys(o.reason for o in telling)),
        remedy=" ".join(dict.fromkeys(o.remedy for o in telling if o.remedy)),
        evidence=tuple(dict.fromkeys(ref for _, o in outcomes for ref in o.evidence)),
        facts={a.digest: {"verdict": o.verdict, **o.facts} for a, o in outcomes},
        as_of=min(ages) if ages else None,
        valid_until=min(ends) if ends else None,
    )
