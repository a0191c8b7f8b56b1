"""Gate checks that metrics supply."""

from __future__ import annotations

from governance.checks.parameters import count, percentage
from governance.checks.registry import CheckContext, Outcome, check, failed, passed, pending
from metrics.queries.pipelines import health


@check(
    "pipeline-health",
    title="Steady pipelines",
    parameters={
        "days": count("Within days", 14, "Counted back from the moment of asking.", most=366),
        "failing": percentage("Most failing attempts", 20, "Of all attempts of pipeline stages."),
        "flaky": percentage(
            "Most flaky failures", 5, "Failures of a commit that also passed, of all attempts."
        ),
        "runs": count("Least attempts", 20, "Fewer tell nothing, hence no pass.", most=10_000),
    },
    words="Of the services' pipeline attempts within {days} days at most {failing} % failed and {flaky} % were flaky;"
    " at least {runs} are on record.",
    max_age_hours=24,
    dated=True,
)
def pipeline_health(ctx: CheckContext, *, days: int, failing: float, flaky: float, runs: int) -> Outcome:
    """Failures and flaky failures of the services' pipelines. Too few attempts, or none reported, are pending."""
    found = health(
        [s.pk for s in ctx.services],
        ctx.at,
        days,
        most_failing=failing,
        most_flaky=flaky,
        least_runs=max(1, runs),
    )
    facts = {"runs": found.failure.trials, "failed": found.failure.hits, "flaky": found.flaky.hits}
    if found.verdict == "pass":
        return passed(found.reason, facts=facts)
    if found.verdict == "pending":
        return pending(found.reason, "Have the pipelines report their stage runs.", facts=facts)
    return failed(found.reason, "Mend the failing stages, and the flaky tests first.", facts=facts)
