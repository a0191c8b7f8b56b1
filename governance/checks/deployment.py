"""Checks of the way to an environment: freezes, and that the promoted build is the tested one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from releasetrain.kernel.refusals import Ref
from trains.models import Artifact, Deployment, Environment, Freeze
from trains.queries.freezes import active_freezes

from .context import CheckContext
from .parameters import count, one_of
from .per_artifact import together
from .registry import Outcome, check, failed, passed, pending


@check(
    "freeze",
    title="No freeze",
    words="No freeze is in force for the train, the environment and the services.",
    max_age_hours=1,
    dated=True,
)
def freeze(ctx: CheckContext) -> Outcome:
    """Freezes in force at the moment of asking. The answer ends when the next freeze begins or this one ends."""
    train = ctx.release.train if ctx.release else None
    in_force = {
        f.pk: f
        for service in (ctx.services or (None,))
        for f in active_freezes(train, ctx.environment, service, ctx.at)
    }
    facts: dict[str, Any] = {"freezes": sorted(str(pk) for pk in in_force)}
    if in_force:
        last = max(in_force.values(), key=lambda f: f.ends)
        return failed(
            f"{last} forbids deploying to {ctx.environment}: {last.reason}",
            f"Wait until {last.ends:%Y-%m-%d %H:%M} UTC, or have the freeze lifted.",
            evidence=in_force.values(),
            facts=facts,
            valid_until=min(f.ends for f in in_force.values()),
        )
    return passed(f"No freeze is in force for {ctx.environment}.", facts=facts, valid_until=_next_freeze(ctx))


def _next_freeze(ctx: CheckContext) -> datetime | None:
    """When the next freeze of any kind begins. One that does not concern the subject only costs a second look."""
    return (
        Freeze.objects.filter(
            Q(environment__isnull=True) | Q(environment=ctx.environment),
            cancelled_at__isnull=True,
            starts__gt=ctx.at,
        )
        .order_by("starts")
        .values_list("starts", flat=True)
        .first()
    )


@check(
    "artifact-tested",
    title="Tested build promoted",
    subject="artifact",
    parameters={
        "environment_kind": one_of(
            "Tested in",
            "test",
            (("test", "a test environment"), ("staging", "a staging environment")),
            "Where the same build must have run.",
        ),
        "hours": count("Hours it ran there", 0, "Counted from the end of its deployment.", most=8_760),
    },
    words=lambda environment_kind, hours: (
        f"The very same build, by digest, ran in a {environment_kind} environment"
        + (f" for {hours} hours." if hours else ".")
    ),
)
def artifact_tested(ctx: CheckContext, *, environment_kind: str, hours: int) -> Outcome:
    """What is promoted must be what was tested: the same digest was deployed before, without failing there."""
    if not ctx.artifacts:
        return pending(f"{ctx.subject_label} has no build attached.", "Attach the release's artifacts.")
    return together([(a, _tested(ctx, a, environment_kind, hours)) for a in ctx.artifacts])


def _tested(ctx: CheckContext, artifact: Artifact, kind: str, hours: int) -> Outcome:
    runs = Deployment.objects.filter(artifact=artifact, environment__kind=Environment.Kind(kind))
    found = runs.filter(state=Deployment.State.SUCCEEDED).order_by("finished_at", "started_at").first()
    remedy = f"Deploy {artifact.digest[:19]}… to a {kind} environment first."
    if found is None:
        tried = runs.order_by("-started_at").first()
        facts = {"tested": None, "tried": str(tried.pk) if tried else None}
        if tried and tried.state in (Deployment.State.FAILED, Deployment.State.ROLLED_BACK):
            return failed(
                f"{artifact} was tried in {tried.environment}: {tried.get_state_display().lower()}.",
                remedy,
                evidence=[tried],
                facts=facts,
            )
        return failed(f"{artifact} has never run in a {kind} environment.", remedy, facts=facts)
    since = found.finished_at or found.started_at
    facts = {"tested": str(found.pk), "since": since.isoformat()}
    ready_at = since + timedelta(hours=hours)
    if ready_at > ctx.at:
        return pending(
            f"{artifact} has not run {hours} h in {found.environment} yet.",
            f"Ask again after {ready_at:%Y-%m-%d %H:%M} UTC.",
            evidence=[Ref.of(found)],
            facts=facts,
            valid_until=ready_at,
        )
    return passed(
        f"{artifact} ran in {found.environment} since {since:%Y-%m-%d %H:%M} UTC.",
        evidence=[found],
        facts=facts,
    )


@check(
    "failure-history",
    title="Few failures lately",
    parameters={
        "days": count("Within days", 30, "Counted back from the moment of asking.", most=366),
        "most": count(
            "Most failures", 1, "Failed deployments and those rolled back, of one service.", most=100
        ),
    },
    words="No service had more than {most} failed or rolled back deployments there within {days} days.",
    max_age_hours=1,
    dated=True,
)
def failure_history(ctx: CheckContext, *, days: int, most: int) -> Outcome:
    """Deployments of each service to the environment that had failed, or had been rolled back, by the moment of asking."""
    since = ctx.at - timedelta(days=days)
    rows = Deployment.objects.filter(
        service__in=[s.pk for s in ctx.services],
        environment=ctx.environment,
        started_at__gte=since,
        started_at__lt=ctx.at,
    ).exclude(kind=Deployment.Kind.ROLLBACK)
    undone = Deployment.objects.filter(rolls_back=OuterRef("pk"), started_at__lte=ctx.at)
    went_wrong = Q(outcome=Deployment.State.FAILED, finished_at__lte=ctx.at) | Exists(undone)
    wrong = list(
        rows.filter(went_wrong).select_related("service", "environment").order_by("started_at", "id")
    )
    by_service = {s: [d for d in wrong if d.service_id == s.pk] for s in ctx.services}
    facts = {"failures": {s.name: len(found) for s, found in by_service.items()}}
    over = {s: found for s, found in by_service.items() if len(found) > most}
    # An old failure leaves the period without any write.
    leaves = min((d.started_at + timedelta(days=days) for d in wrong), default=None)
    if over:
        named = "; ".join(f"{s} had {len(found)} in {days} days" for s, found in list(over.items())[:5])
        return failed(
            f"Failed or rolled back deployments to {ctx.environment}: {named}, at most {most} are let through.",
            "Find out why they failed, and have the check waived for the release that mends it.",
            evidence=[d for found in over.values() for d in found][:20],
            facts=facts,
            valid_until=leaves,
        )
    return passed(
        f"{len(wrong) or 'No'} deployments to {ctx.environment} failed or were rolled back within {days} days.",
        evidence=wrong[:20],
        facts=facts,
        valid_until=leaves,
    )
