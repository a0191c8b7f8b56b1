"""Checks of readiness and risk: reviews, requirements, checkpoints, security tests, threat models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.models import RequirementMeasurement
from governance.models.compliance import SECURITY, Point, SignOffDecision
from governance.queries.compliance import security_of, stops_of, threats_of, touched_by
from governance.queries.readiness import due_for, is_stale, requirements_of
from releasetrain.kernel.refusals import Ref

from .context import CheckContext
from .parameters import count, flag, texts
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5
_METHODS = ("sast", "dast", "pentest")


def _named(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return " ".join(sentences[:_SHOWN]) + (f" And {more} more." if more > 0 else "")


def _no_service(ctx: CheckContext) -> Outcome:
    return pending(
        f"{ctx.subject_label} has no build attached.",
        "Attach the release's artifacts.",
        facts={"services": []},
    )


@check(
    "prr",
    title="Production readiness review",
    words="Every service whose tier asks for it has a review signed off outside its team, and it still counts.",
    max_age_hours=24 * 365,
)
def production_readiness(ctx: CheckContext) -> Outcome:
    """The checklist of each service's tier says whether a review is due; the last one signed off counts."""
    if not ctx.services:
        return _no_service(ctx)
    rows = due_for(ctx.services)
    facts: dict[str, Any] = {
        "services": sorted(
            [
                str(row.service.pk),
                row.required,
                str(row.review.pk) if row.review else "",
                row.review.state if row.review else "",
            ]
            for row in rows
        )
    }
    left = [(row, reason) for row in rows if (reason := row.reason(ctx.at))]
    if left:
        rejected = any(row.review and row.review.state == row.review.State.REJECTED for row, _ in left)
        return (failed if rejected else pending)(
            _named([reason for _, reason in left]),
            "Open a review, answer it with evidence, and have somebody outside the team sign it.",
            evidence=[row.review or row.service for row, _ in left],
            facts=facts,
        )
    due = [row.review for row in rows if row.required and row.review]
    if not due:
        return passed("No checklist asks these services for a review.", facts=facts)
    return passed(
        _named([f"{r.key} of {r.service}: {r.score:f} %, signed by {r.signed_by}." for r in due]),
        evidence=due,
        facts=facts,
        as_of=min(r.signed_at for r in due if r.signed_at),
        valid_until=min(r.valid_until for r in due if r.valid_until),
    )


@check(
    "nfr",
    title="Non-functional requirements",
    parameters={
        "stated_to_tier": count(
            "Tiers that must state one",
            2,
            "Services of this tier or more critical need a requirement.",
            most=4,
        ),
        "same_build": flag("Measured on the build itself", False),
    },
    words=lambda stated_to_tier, same_build: (
        "Every requirement was measured lately"
        + (" on the very build" if same_build else "")
        + " and is met"
        + (f"; services up to tier {stated_to_tier} state at least one." if stated_to_tier else ".")
    ),
    max_age_hours=24 * 90,
)
def requirements_met(ctx: CheckContext, *, stated_to_tier: int, same_build: bool) -> Outcome:
    """Each measurable requirement of the services: measured, not too long ago, and met."""
    if not ctx.services:
        return _no_service(ctx)
    rows = requirements_of(ctx.services)
    silent = [
        s for s in ctx.services if s.tier <= stated_to_tier and s.pk not in {r.service_id for r in rows}
    ]
    on_build = _measured_builds(ctx, rows) if same_build else {}
    facts: dict[str, Any] = {
        "requirements": sorted(
            [str(r.pk), str(r.measured), str(r.measured_at), str(r.target), r.met] for r in rows
        ),
        "silent": sorted(s.name for s in silent),
        "builds": sorted([str(k), str(v.pk), v.met] for k, v in on_build.items()),
    }
    broken, unknown, ages, ends = [], [f"{s} states no requirement." for s in silent], [], []
    evidence: list[Any] = list(silent)
    for row in rows:
        if same_build:
            measured = on_build.get(row.pk)
            met, at = (measured.met, measured.at) if measured else (None, None)
        else:
            met, at = row.met, row.measured_at
        ends_at = at + timedelta(days=row.max_age_days) if at else None
        if at is None or ends_at is None or ends_at <= ctx.at or (not same_build and is_stale(row, ctx.at)):
            when = f"since {at:%Y-%m-%d}" if at else "on this build" if same_build else "yet"
            unknown.append(f"{row} of {row.service}: not measured {when}.")
            evidence.append(row)
        elif not met:
            broken.append(f"{row} of {row.service}: last {row.last}.")
            evidence.append(row)
        else:
            ages.append(at)
            ends.append(ends_at)
    for judge, said, remedy in (
        (failed, broken, "Put it right, and measure again."),
        (pending, unknown, "Run the load test, and post its report."),
    ):
        if said:
            return judge(_named(said), remedy, evidence=evidence[:20], facts=facts)
    if not rows:
        return passed("These services state no requirement, and need none.", facts=facts)
    return passed(
        f"{len(rows)} requirements are met.",
        evidence=rows[:20],
        facts=facts,
        as_of=min(ages),
        valid_until=min(ends),
    )


def _measured_builds(ctx: CheckContext, rows: list[Any]) -> dict[Any, RequirementMeasurement]:
    """The latest measurement of each requirement on the very builds under judgement."""
    found = RequirementMeasurement.objects.filter(
        requirement__in=rows, artifact__in=[a.pk for a in ctx.artifacts]
    )
    return {row.requirement_id: row for row in found.order_by("at", "id")}


def _unassessed(ctx: CheckContext) -> Outcome:
    return pending(
        f"Nobody has said what {ctx.release} touches.",
        "Flag what touches regulated data or security, or say that nothing does.",
        evidence=[ctx.release],
        facts={"assessed": False},
    )


@check(
    "compliance-checkpoints",
    title="Compliance checkpoints",
    subject="release",
    parameters={
        "points": texts(
            "Checkpoints", ("scope_freeze", "approval", "deployment"), "scope_freeze, approval, deployment"
        )
    },
    words="What touches GDPR, HIPAA or SOX is signed by legal, audit and privacy as their checkpoints ask ({points}).",
    max_age_hours=24 * 365,
)
def compliance_checkpoints(ctx: CheckContext, *, points: list[str]) -> Outcome:
    """Every checkpoint that the release's flags bring into its way is signed for the content as it is now."""
    assert ctx.release is not None  # the runner asks this of releases only
    unknown = sorted(set(points) - set(Point.values))
    if unknown:
        return pending(
            f"{unknown[0]} is no checkpoint.",
            f"Known are {', '.join(Point.values)}.",
            facts={"points": points},
        )
    touched = touched_by(ctx.release)
    if not touched.assessed:
        return _unassessed(ctx)
    stops = stops_of(ctx.release, points=points, touched=touched)
    facts = {
        "flags": sorted([str(f.pk), f.kind] for f in touched.flags),
        "stops": sorted(
            [str(s.checkpoint.pk), str(s.sign_off.pk) if s.sign_off else "", s.reason] for s in stops
        ),
    }
    bare = sorted(
        set(touched.regimes) - {s.checkpoint.regime for s in stops_of(ctx.release, touched=touched)}
    )
    if bare:
        return pending(
            f"{ctx.release} touches {', '.join(bare).upper()}, and no checkpoint says who signs for it.",
            "Set a checkpoint for it.",
            evidence=touched.of(bare),
            facts=facts,
        )
    left = [s for s in stops if s.reason]
    if left:
        refused = any(s.sign_off and s.sign_off.decision == SignOffDecision.REFUSED for s in left)
        roles = ", ".join(sorted({s.checkpoint.get_role_display() for s in left}))
        return (failed if refused else pending)(
            _named([s.reason for s in left]),
            f"Have it signed by a holder of the role: {roles}.",
            evidence=[s.sign_off or s.checkpoint for s in left],
            facts=facts,
        )
    signed = [s.sign_off for s in stops if s.sign_off]
    said = f"{len(signed)} sign-offs stand." if signed else "Nothing in it touches GDPR, HIPAA or SOX."
    return passed(said, evidence=signed, facts=facts, as_of=min((s.signed_at for s in signed), default=None))


@check(
    "security-testing",
    title="Mandatory security testing",
    subject="release",
    parameters={"methods": texts("Methods", ("sast", "dast"), "sast, dast, pentest")},
    words="Releases with items of authentication, data access or third-party integration are tested by {methods}.",
    max_age_hours=24 * 30,
)
def security_testing(ctx: CheckContext, *, methods: list[str]) -> Outcome:
    """Every build of such a release was tested by every method, to its end, and nothing critical or high is open."""
    assert ctx.release is not None  # the runner asks this of releases only
    unknown = sorted(set(methods) - set(_METHODS))
    if unknown or not methods:
        return pending(
            f"{unknown[0] if unknown else 'Nothing'} is no method of testing.",
            f"Known are {', '.join(_METHODS)}.",
            facts={"methods": methods},
        )
    touched = touched_by(ctx.release)
    if not touched.assessed:
        return _unassessed(ctx)
    flags = touched.of(SECURITY)
    facts: dict[str, Any] = {"flags": sorted([str(f.pk), f.kind] for f in flags)}
    if not flags:
        return passed("Nothing in it obliges to security tests.", facts=facts)
    if not ctx.artifacts:
        return _no_service(ctx)
    rows = security_of(ctx.artifacts, methods)
    facts["tests"] = sorted(
        [r.artifact.digest, r.method, str(r.test.pk) if r.test else "", r.verdict] for r in rows
    )
    for judge, verdict in ((failed, "fail"), (pending, "pending")):
        left = [r for r in rows if r.verdict == verdict]
        if left:
            return judge(
                _named([r.reason for r in left]),
                "Test the build, put right what is found, and post the result.",
                evidence=[r.test or r.artifact for r in left],
                facts=facts,
            )
    return passed(
        f"{len(rows)} tests of {len(ctx.artifacts)} builds left nothing critical or high open.",
        evidence=[r.test for r in rows if r.test],
        facts=facts,
        as_of=min(r.at for r in rows if r.at),
    )


@check(
    "threat-model",
    title="Threat models",
    subject="release",
    parameters={"verified": flag("Controls verified", False, "Each control must have been shown to work.")},
    words=lambda verified: (
        "Whatever is complex has an approved threat model, and every control in it is "
        + ("verified." if verified else "in place.")
    ),
    max_age_hours=24 * 365,
)
def threat_model(ctx: CheckContext, *, verified: bool) -> Outcome:
    """No open control in the threat models of what is complex; accepted threats count until their day."""
    assert ctx.release is not None  # the runner asks this of releases only
    touched = touched_by(ctx.release)
    if not touched.assessed:
        return _unassessed(ctx)
    rows = threats_of(ctx.release, ctx.at, verified=verified, touched=touched)
    facts = {
        "models": sorted(
            [
                str(r.flag.pk),
                str(r.model.pk) if r.model else "",
                r.model.state if r.model else "",
                list(r.reasons),
            ]
            for r in rows
        )
    }
    left = [r for r in rows if r.reasons]
    if left:
        judge = failed if any(r.blocking for r in left) else pending
        evidence: dict[Any, Ref] = {}
        for row in left:
            for each in row.blocking or ([row.model] if row.model else [row.flag]):
                evidence[each.pk] = Ref.of(each)
        return judge(
            _named([reason for r in left for reason in r.reasons]),
            "Put the controls in place, and have the threat model approved by a second person.",
            evidence=list(evidence.values())[:20],
            facts=facts,
        )
    if not rows:
        return passed("Nothing in it is flagged as complex.", facts=facts)
    models = {r.model.pk: r.model for r in rows if r.model}
    return passed(
        f"{len(models)} threat models are approved, and no control is open.",
        evidence=list(models.values()),
        facts=facts,
        as_of=min(m.reviewed_at for m in models.values() if m.reviewed_at),
        valid_until=min((r.valid_until for r in rows if r.valid_until), default=None),
    )
