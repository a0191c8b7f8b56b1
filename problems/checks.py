"""Gate checks that problems supply."""

from __future__ import annotations

from typing import Any

from governance.checks.parameters import Parameter, flag
from governance.checks.registry import CheckContext, Outcome, check, failed, passed, pending
from governance.rules import rejudging
from problems.models import Problem, RootCause
from problems.queries.claims import claimed_by, open_problems


@check(
    "open-problems",
    title="Open problems",
    parameters={
        "severity": Parameter(int, "Down to severity", 2, "1 is the worst.", min=1, max=4),
        "known_errors": flag("Known errors count too", True, "A known error has a workaround."),
    },
    words=lambda severity, known_errors: (
        f"No open problem of severity {severity} or worse of the services, other than those the release fixes"
        + ("." if known_errors else "; known errors with a workaround do not count.")
    ),
    max_age_hours=1,
    rejudge=rejudging.open_problems,
)
def open_problems_check(ctx: CheckContext, *, severity: int, known_errors: bool) -> Outcome:
    """Problems of the services that are not fixed yet, and that the release does not fix."""
    fixed = {p.pk for p in claimed_by(ctx.release)} if ctx.release else set()
    found = [p for p in open_problems([s.pk for s in ctx.services], severity) if p.pk not in fixed]
    if not known_errors:
        found = [p for p in found if p.state != Problem.State.KNOWN_ERROR]
    facts: dict[str, Any] = {"problems": sorted([str(p.pk), p.state, p.severity] for p in found)}
    if not found:
        services = ", ".join(s.name for s in ctx.services) or "the services"
        return passed(f"No open problem of severity {severity} or worse of {services}.", facts=facts)
    named = ", ".join(f"{p.key} ({p.get_severity_display()}, {p.service})" for p in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return failed(
        f"{named}{more} {'is' if len(found) == 1 else 'are'} open.",
        "Fix them first, or bring their fixes into this release.",
        evidence=found,
        facts=facts,
    )


@check(
    "root-cause-validated",
    title="Root causes validated",
    subject="release",
    words="Each problem that the release claims to fix has a root cause that somebody other than its author validated.",
    max_age_hours=24,
)
def root_cause_validated(ctx: CheckContext) -> Outcome:
    """A fix without a validated root cause treats a symptom."""
    assert ctx.release is not None  # the runner asks this of releases only
    claimed = claimed_by(ctx.release)
    causes = {
        c.problem_id: c
        for c in RootCause.objects.filter(problem__in=claimed, state=RootCause.State.VALIDATED).order_by(
            "validated_at"
        )
    }
    facts: dict[str, Any] = {
        "causes": sorted([str(p.pk), str(causes[p.pk].pk) if p.pk in causes else ""] for p in claimed)
    }
    if not claimed:
        return passed(f"{ctx.release} claims to fix no problem.", facts=facts)
    missing = [p for p in claimed if p.pk not in causes]
    if not missing:
        return passed(
            f"The root causes of {', '.join(p.key for p in claimed)} are validated.",
            evidence=causes.values(),
            facts=facts,
        )
    proposed = set(
        RootCause.objects.filter(problem__in=missing, state=RootCause.State.PROPOSED).values_list(
            "problem_id", flat=True
        )
    )
    sentence = f"The root cause of {', '.join(p.key for p in missing)} is not validated."
    if all(p.pk in proposed for p in missing):
        return pending(
            sentence, "Have somebody other than its author validate it.", evidence=missing, facts=facts
        )
    return failed(
        sentence,
        "Propose a root cause with evidence, and have somebody else validate it.",
        evidence=missing,
        facts=facts,
    )
