"""Controls over problems: whether releases took problem inputs, and how long the artefacts of critical fixes are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from governance.activities import activity, outcome
from governance.ports import keeps_records
from problems.models import Deviation, Problem, ProblemFix
from problems.queries.policy import policy_in_force
from trains.models import Release, ReleaseArtifact


@activity(
    "releases-took-problems",
    "Releases took problem inputs",
    "Each release that went out in the period whose services had an open problem of severity 1 or 2 passed if it fixed a problem;"
    " a known error with a workaround that it left counts as waived, any other that it left as failed."
    " Releases whose services had none are not counted.",
)
def releases_took_problems(starts: datetime, ends: datetime) -> QuerySet:
    rows = Release.objects.filter(released_at__gte=starts, released_at__lt=ends)
    carried = ReleaseArtifact.objects.filter(release=OuterRef(OuterRef("pk"))).values("service")
    open_then = Problem.objects.filter(
        service__in=carried, severity__lte=2, created_at__lt=OuterRef("released_at")
    ).filter(Q(closed_at__isnull=True) | Q(closed_at__gte=OuterRef("released_at")))
    fixed = ProblemFix.objects.filter(release=OuterRef("pk"), withdrawn_at__isnull=True)
    return (
        rows.annotate(had=Exists(open_then), took=Exists(fixed), bare=Exists(open_then.filter(workaround="")))
        .filter(Q(had=True) | Q(took=True))
        .annotate(
            came_to=outcome(
                passed=Q(took=True), waived=Q(took=False, bare=False), failed=Q(took=False, bare=True)
            )
        )
    )


@activity(
    "deviations-paid-back",
    "Deviations of fast tracks caught up in time",
    "Each deviation due in the period passed if it was caught up by its day; late or open ones failed.",
    people=("recorded_by_id", "caught_up_by_id"),
)
def deviations_paid_back(starts: datetime, ends: datetime) -> QuerySet:
    rows = Deviation.objects.filter(catch_up_by__gte=starts.date(), catch_up_by__lt=ends.date())
    in_time = Q(caught_up_at__isnull=False, day__lte=F("catch_up_by"))
    return rows.annotate(day=TruncDate("caught_up_at")).annotate(
        came_to=outcome(failed=Q(caught_up_at__isnull=True) | Q(day__gt=F("catch_up_by")), passed=in_time)
    )


@keeps_records
def critical_fixes(releases: frozenset[UUID]) -> dict[UUID, tuple[datetime, str]]:
    """Records about releases that fixed a critical problem are kept as long as the problem policy says."""
    policy = policy_in_force()
    fixes = ProblemFix.objects.filter(
        release__in=releases, withdrawn_at__isnull=True, problem__severity__lte=policy.keep_severity
    )
    found: dict[UUID, tuple[datetime, str]] = {}
    for fix in fixes.select_related("problem", "release").order_by("problem__key"):
        ended = fix.release.released_at or fix.release.created_at
        why = f"the fix of {fix.problem.key} ({fix.problem.get_severity_display()}) keeps it"
        found.setdefault(fix.release_id, (ended + timedelta(days=policy.keep_days), why))
    return found
