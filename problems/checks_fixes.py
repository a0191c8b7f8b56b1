"""Gate checks of releases that fix problems: their package, the depth of review, what was left out, what stays solved."""

from __future__ import annotations

from typing import Any

from governance.checks.parameters import flag
from governance.checks.registry import CheckContext, Outcome, check, failed, passed, pending
from problems.models import Deviation, Problem, RecurrenceSignal, SignalReading
from problems.queries.fix_packaging import package_of
from problems.queries.fix_risk import depth_of
from releasetrain.kernel.refusals import Ref
from trains.models import Deployment


@check(
    "fix-packaging",
    title="Package of the fix",
    subject="release",
    parameters={
        "patch": flag("Under a patch version", True, "SemVer: the next patch of what is out."),
        "affected_only": flag(
            "Affected components only", True, "Services of the problems and of their incidents."
        ),
        "upstream": flag("Firm upstream", True, "Nothing it relies on is unapproved or unstable."),
    },
    words=lambda patch, affected_only, upstream: (
        "A release of fixes"
        + (" goes out under a patch version" if patch else "")
        + (", carries affected components only" if affected_only else "")
        + (", and relies on nothing unapproved or unstable" if upstream else "")
        + "."
    ),
    max_age_hours=1,
)
def fix_packaging(ctx: CheckContext, *, patch: bool, affected_only: bool, upstream: bool) -> Outcome:
    """What a release of fixes is packed with. Releases of features may carry fixes too; they are not judged here."""
    assert ctx.release is not None
    found = package_of(ctx.release)
    if found is None or not found.fixes_only:
        return passed(f"{ctx.release} is no release of fixes.", facts={"fixes": []})
    facts: dict[str, Any] = {
        "fixes": [p.key for p in found.problems],
        "version_fault": found.version_fault,
        "strangers": [s.name for s in found.strangers],
        "upstream": sorted([u.service.name, u.version, list(u.faults)] for u in found.shaky),
    }
    if patch and found.version_fault:
        return failed(found.version_fault, "Give the release the next patch version.", facts=facts)
    if affected_only and found.strangers:
        names = ", ".join(s.name for s in found.strangers)
        return failed(
            f"{names} {'is' if len(found.strangers) == 1 else 'are'} in the package, but no problem or incident names it.",
            "Take it out, or say on the problem's incidents that it was affected.",
            evidence=found.strangers,
            facts=facts,
        )
    if upstream and found.shaky:
        return failed(
            " ".join(f for u in found.shaky for f in u.faults)[:500],
            "Wait until what it relies on stands, or leave out what relies on it.",
            evidence=[u.ref for u in found.shaky if u.ref],
            facts=facts,
        )
    return passed(f"{found.tag} carries what it should.", evidence=found.problems, facts=facts)


@check(
    "fix-review-depth",
    title="Depth of review of the fix",
    subject="release",
    words="A release that fixes problems has the documents and signatures that its risk class asks for.",
    max_age_hours=1,
)
def fix_review_depth(ctx: CheckContext) -> Outcome:
    """The risk class of a fix sets what has to be there; the problem policy says what that is."""
    assert ctx.release is not None
    depth = depth_of(ctx.release)
    if depth is None:
        return passed(f"{ctx.release} fixes no problem.", facts={"class": ""})
    facts: dict[str, Any] = {
        "class": depth.risk.name,
        "points": depth.risk.points,
        "missing": [d.name for d in depth.missing],
    }
    if depth.missing:
        first = depth.missing[0]
        more = f" and {len(depth.missing) - 1} more" if len(depth.missing) > 1 else ""
        # The board can only add its votes once it is asked.
        waits = {d.name for d in depth.missing} <= {"signature", "second_review"}
        return (pending if waits else failed)(
            f"Risk class {depth.risk.name} asks for {first.title}{more}: {first.missing}",
            "Add what is missing; the release's page lists all of it.",
            evidence=depth.problems,
            facts=facts,
        )
    return passed(
        f"Everything that risk class {depth.risk.name} asks for is there.",
        evidence=depth.problems,
        facts=facts,
    )


@check(
    "deviations-caught-up",
    title="Deviations caught up",
    words="No step that was left out for an earlier fix of the services is overdue, and each one was accepted.",
    max_age_hours=24,
)
def deviations_caught_up(ctx: CheckContext) -> Outcome:
    """Fast tracks are paid back: what is overdue holds up the next release of the service."""
    services = [s.pk for s in ctx.services]
    today = ctx.at.date()
    rows = Deviation.objects.filter(problem__service__in=services, caught_up_at__isnull=True)
    listed = list(rows.select_related("problem").order_by("catch_up_by", "key"))
    overdue = [d for d in listed if d.catch_up_by < today]
    facts = {"open": sorted([d.key, d.standing, d.catch_up_by.isoformat()] for d in listed)}
    if overdue:
        named = ", ".join(f"{d.key} (due {d.catch_up_by:%Y-%m-%d})" for d in overdue[:5])
        return failed(f"{named} is not caught up.", "Catch it up first.", evidence=overdue, facts=facts)
    unaccepted = [d for d in listed if d.accepted_at is None and d.release_id == _release(ctx)]
    if unaccepted:
        return pending(
            f"{unaccepted[0].key} is not accepted: {unaccepted[0].what}",
            "Somebody other than whoever recorded it accepts it.",
            evidence=unaccepted,
            facts=facts,
        )
    return passed("Nothing that was left out is overdue.", facts=facts)


def _release(ctx: CheckContext) -> Any:
    return ctx.release.pk if ctx.release else None


@check(
    "resolved-problems",
    title="Resolved problems stay away",
    words="Since the last production deployment no signal of a problem that counts as solved crossed its threshold.",
    max_age_hours=1,
)
def resolved_problems(ctx: CheckContext) -> Outcome:
    """A health check after a deployment: what was solved before is looked for again. No reading is no pass."""
    services = [s.pk for s in ctx.services]
    solved = Problem.objects.filter(
        service__in=services, state__in=(Problem.State.OBSERVING, Problem.State.CLOSED)
    )
    signals = list(
        RecurrenceSignal.objects.filter(problem__in=solved, retired_at__isnull=True)
        .select_related("problem")
        .order_by("problem__key", "name")
    )
    if not signals:
        return passed("No solved problem of the services is watched by a signal.", facts={"signals": []})
    last = Deployment.objects.filter(
        service__in=services, environment__kind="production", outcome=Deployment.State.SUCCEEDED
    ).order_by("-started_at")
    since = last.values_list("started_at", flat=True).first()
    rows = SignalReading.objects.filter(signal__in=signals)
    rows = rows.filter(ends__gte=since) if since else rows
    latest = {r.signal_id: r for r in rows.order_by("signal_id", "-ends").distinct("signal_id")}
    facts = {
        "signals": sorted(
            [s.problem.key, s.name, latest[s.pk].value if s.pk in latest else None] for s in signals
        )
    }
    crossed = [s for s in signals if s.pk in latest and latest[s.pk].crossed]
    if crossed:
        named = ", ".join(f"{s.problem.key} ({s})" for s in crossed[:5])
        return failed(
            f"{named} is back.",
            "Roll back, and look into the problem again.",
            evidence=[Ref.of(s.problem) for s in crossed],
            facts=facts,
        )
    silent = [s for s in signals if s.pk not in latest]
    if silent:
        return pending(
            f"{silent[0].problem.key}: nothing was read of {silent[0].name} since the last deployment.",
            "Post measurements or counts; silence is no health.",
            evidence=[Ref.of(s.problem) for s in silent],
            facts=facts,
        )
    return passed(f"{len(signals)} signals of solved problems are quiet.", facts=facts)
