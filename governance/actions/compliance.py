"""Verbs of compliance: what something touches, who signs at which point, and which security tests it had."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from governance.models import (
    CheckpointSignOff,
    ComplianceCheckpoint,
    FlagKind,
    ScopeFlag,
    SecurityTest,
)
from governance.models.compliance import SECURITY, Function, Point, Regime, SecurityMethod, SignOffDecision
from governance.queries.compliance import (
    Touched,
    authors_of,
    holds_role,
    security_of,
    signed_content,
    stops_of,
    threats_of,
    touched_by,
)
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Artifact, Deployment, Release, ScopeItem, Service, Train

# What approval waits for at least; a gate may ask for more.
REQUIRED_METHODS = (SecurityMethod.SAST, SecurityMethod.DAST)
_SHOWN = 3

Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("scope_flag_once", "This is flagged already.")
explain_constraint("scope_flag_of_one", "A flag is about one thing: a service, a release or an item.")
explain_constraint("scope_flag_withdrawn_by_another", "Whoever raised a flag does not withdraw it.")
explain_constraint("compliance_checkpoint_once", "There is such a checkpoint already.")


@action("scope_flag.raise", creates=ScopeFlag, requires="organization.view", label="Say what it touches")
def raise_flag(
    actor: Actor,
    *,
    kind: Annotated[FlagKind, Field("What it touches")],
    reason: Annotated[str, Field("Reason", help="What makes it so.", long=True)],
    service: Annotated[Service | None, Field("Service")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    item: Annotated[ScopeItem | None, Field("Item of a scope")] = None,
    backlog_item: Annotated[
        str, Field("Backlog item", help="Key of a feature or problem, e.g. FEAT-12.", max_length=40)
    ] = "",
) -> ScopeFlag:
    """Say that something touches regulated data or security, or needs a threat model. Anybody may; it only asks for more."""
    source_key = backlog_item.strip().upper()
    if sum(1 for each in (service, release, item, source_key) if each) != 1:
        refuse(
            "scope_flag.subject",
            "Name one thing: a service, a release, an item of its scope, or a backlog item.",
            field="release",
        )
    if kind == FlagKind.NONE and release is None:
        refuse(
            "scope_flag.none", "Only for a release as a whole is it said that nothing applies.", field="kind"
        )
    if actor.user_id is None or actor.kind != "person":
        refuse("scope_flag.person", "A person says what something touches.", status=403)
    if not reason.strip():
        refuse("scope_flag.reason", "Say what makes it so.", field="reason")
    return ScopeFlag.objects.create(
        kind=kind,
        service=service,
        release=release,
        item=item,
        source_key=source_key,
        reason=reason.strip(),
        raised_by_id=actor.user_id,
    )


@action("scope_flag.withdraw", on=ScopeFlag, requires="controls.manage", danger=True)
def withdraw_flag(actor: Actor, flag: ScopeFlag, *, reason: Reason) -> ScopeFlag:
    """Say that a flag was raised in error; never by whoever raised it."""
    if flag.withdrawn_at:
        refuse("scope_flag.withdrawn", "The flag is withdrawn already.")
    if actor.user_id == flag.raised_by_id:
        refuse("scope_flag.own", "You raised this flag; somebody else withdraws it.", status=403)
    flag.withdrawn_at, flag.withdrawn_by_id = now(), actor.user_id
    flag.save()
    return flag


@action(
    "compliance_checkpoint.create",
    creates=ComplianceCheckpoint,
    requires="controls.manage",
    within="train",
    label="Set a checkpoint",
)
def create_checkpoint(
    actor: Actor,
    *,
    regime: Annotated[Regime, Field("For what touches")],
    point: Annotated[Point, Field("Where")],
    function: Annotated[Function, Field("Sign-off of")],
    role: Annotated[Role, Field("Who signs", help="Whoever holds this role.")],
    train: Annotated[Train | None, Field("Train", help="Empty: every train.")] = None,
) -> ComplianceCheckpoint:
    """Set a point on the way of releases at which somebody signs for what a regime is affected by."""
    return ComplianceCheckpoint.objects.create(
        regime=regime, point=point, function=function, role=role, train=train
    )


@action("compliance_checkpoint.retire", on=ComplianceCheckpoint, requires="controls.manage", danger=True)
def retire_checkpoint(
    actor: Actor, checkpoint: ComplianceCheckpoint, *, reason: Reason
) -> ComplianceCheckpoint:
    """Remove a checkpoint; what was signed stays on record."""
    if checkpoint.retired_at:
        refuse("compliance_checkpoint.retired", "The checkpoint is removed already.")
    checkpoint.retired_at = now()
    checkpoint.save()
    return checkpoint


@action(
    "checkpoint_sign_off.sign",
    creates=CheckpointSignOff,
    requires="organization.view",
    label="Sign at a checkpoint",
    step_up=True,
)
def sign_checkpoint(
    actor: Actor,
    *,
    release: Release,
    checkpoint: ComplianceCheckpoint,
    statement: Annotated[str, Field("Statement", help="What you looked at, and what you found.", long=True)],
    decision: Annotated[SignOffDecision, Field("Decision")] = SignOffDecision.SIGNED,
) -> CheckpointSignOff:
    """Sign, or refuse, for what a release touches, as a holder of the role and not as its author.

    It is about the content as it is now; changed content is asked for again.
    """
    if checkpoint.retired_at or checkpoint.train_id not in (None, release.train_id):
        refuse(
            "checkpoint_sign_off.elsewhere",
            f"{checkpoint} does not stand in the way of {release}.",
            field="checkpoint",
        )
    if checkpoint.regime not in touched_by(release).regimes:
        refuse(
            "checkpoint_sign_off.untouched",
            f"Nothing in {release} is flagged as touching {checkpoint.get_regime_display()}.",
            remedy="Flag what touches it first.",
            field="checkpoint",
        )
    if (
        actor.user_id is None
        or actor.kind != "person"
        or not holds_role(actor.user_id, checkpoint.role, release, now())
    ):
        refuse(
            "checkpoint_sign_off.role",
            f"{checkpoint} is signed by a {checkpoint.get_role_display().lower()}; you do not hold that role here.",
            remedy="Ask somebody who holds it.",
            status=403,
        )
    if actor.user_id in authors_of(release):
        refuse(
            "checkpoint_sign_off.author",
            f"You are among the authors of {release}; somebody else signs.",
            remedy="Ask another holder of the role.",
            status=403,
        )
    if not statement.strip():
        refuse("checkpoint_sign_off.statement", "Say what you looked at.", field="statement")
    return CheckpointSignOff.objects.create(
        checkpoint=checkpoint,
        release=release,
        content_digest=signed_content(release, checkpoint.point),
        decision=decision,
        statement=statement.strip(),
        signed_by_id=actor.user_id,
    )


@action(
    "security_test.post",
    creates=SecurityTest,
    requires="results.post",
    within="service",
    label="Post a security test",
)
def post_security_test(
    actor: Actor,
    *,
    digest: Annotated[str, Field("Artifact digest", help="The build that was tested.", max_length=71)],
    method: Annotated[SecurityMethod, Field("Method")],
    tool: Annotated[str, Field("Tool or tester", max_length=120)],
    performed_at: Annotated[datetime | None, Field("Performed at", help="Empty: now.")] = None,
    critical: Annotated[int, Field("Open critical findings", min=0, max=1_000_000)] = 0,
    high: Annotated[int, Field("Open high findings", min=0, max=1_000_000)] = 0,
    complete: Annotated[bool, Field("Ran to its end over all that it was to cover")] = True,
    summary: Annotated[str, Field("Summary", long=True)] = "",
    report_url: Annotated[str, Field("Report", help="Its address.", max_length=500)] = "",
    service: Annotated[Service | None, Field("Service", help="Of the build; for your rights only.")] = None,
    source: Annotated[str, Field("Source", max_length=80)] = "",
    external_id: Annotated[
        str, Field("Id at the source", help="The same id again changes nothing.", max_length=200)
    ] = "",
) -> SecurityTest:
    """Post that a build was tested for security, how, and what is open after it."""
    artifact = Artifact.objects.select_related("service").filter(digest=digest).first()
    if artifact is None or (service is not None and artifact.service_id != service.pk):
        refuse(
            "artifact.unknown",
            "No artifact with this digest is registered" + (f" for {service}." if service else "."),
            remedy="Register the artifact first.",
            field="digest",
        )
    if not actor.may("results.post", artifact):
        refuse(
            "permission.missing", f"You need the permission results.post on {artifact.service}.", status=403
        )
    moment = now()
    if performed_at and performed_at > moment + timedelta(minutes=5):
        refuse("security_test.ahead", "It was performed in the future.", field="performed_at")
    if report_url and not report_url.startswith(("https://", "http://")):
        refuse("security_test.url", "The address of the report begins with https://.", field="report_url")
    if not tool.strip():
        refuse("security_test.tool", "Say what or who tested.", field="tool")
    if method == SecurityMethod.PENTEST and not (report_url or summary.strip()):
        refuse("security_test.report", "A penetration test needs its report or a summary.", field="summary")
    if external_id:
        known = SecurityTest.objects.filter(source=source, external_id=external_id).first()
        if known:
            return known
    return SecurityTest.objects.create(
        artifact=artifact,
        method=method,
        tool=tool.strip(),
        performed_at=performed_at or moment,
        critical=critical,
        high=high,
        complete=complete,
        summary=summary,
        report_url=report_url,
        source=source,
        external_id=external_id,
        posted_by=actor.user_id,
    )


# -- what refuses on the way


def _unsigned(release: Release, point: str, touched: Touched | None = None) -> Refusal | None:
    left = [stop for stop in stops_of(release, points=[point], touched=touched) if stop.reason]
    if not left:
        return None
    said = " ".join(stop.reason for stop in left[:_SHOWN])
    more = f" And {len(left) - _SHOWN} more." if len(left) > _SHOWN else ""
    roles = sorted({stop.checkpoint.get_role_display() for stop in left})
    return Refusal(
        "release.checkpoint",
        f"{release} touches what has to be signed for here: {said}{more}",
        remedy=f"Have it signed by a holder of the role: {', '.join(roles)}.",
        blocked_by=Ref.of(left[0].sign_off or left[0].checkpoint),
    )


def freeze_needs_sign_off(actor: Actor, release: Any, params: dict[str, Any]) -> Refusal | None:
    """Before the scope freeze, whoever has to has signed."""
    return _unsigned(release, Point.SCOPE_FREEZE)


def approval_needs_what_flags_ask_for(actor: Actor, release: Any, params: dict[str, Any]) -> Refusal | None:
    """Before approval: sign-offs, security tests and threat models, as far as what the release touches asks for them."""
    touched = touched_by(release)
    if not touched.flags:
        return None
    return (
        _unsigned(release, Point.APPROVAL, touched)
        or _untested(release, touched)
        or _threatened(release, touched)
    )


def _untested(release: Release, touched: Touched) -> Refusal | None:
    """Items of authentication, data access and third-party integration are tested before approval."""
    flags = touched.of(SECURITY)
    if not flags:
        return None
    builds = [row.artifact for row in release.artifacts.select_related("artifact__service")]
    left = [each.reason for each in security_of(builds, REQUIRED_METHODS) if each.verdict != "pass"]
    if builds and not left:
        return None
    said = " ".join(left[:_SHOWN]) if builds else f"{release} carries no build to test."
    return Refusal(
        "release.security_tests",
        f"{flags[0]} obliges to security tests. {said}",
        remedy="Post the results of the tests for the release's builds.",
        blocked_by=Ref.of(flags[0]),
    )


def _threatened(release: Release, touched: Touched) -> Refusal | None:
    """What is complex has an approved threat model without open controls before approval."""
    for each in threats_of(release, now(), touched=touched):
        if each.reasons:
            return Refusal(
                "release.threat_model",
                each.reasons[0],
                remedy="Put the controls in place, and have the threat model approved.",
                blocked_by=Ref.of(each.blocking[0] if each.blocking else each.model or each.flag),
            )
    return None


def start_needs_sign_off(actor: Actor, _: Any, params: dict[str, Any]) -> Refusal | None:
    """A start to production is refused while a checkpoint before deployment is unsigned; an emergency does not wait."""
    release, environment = params.get("release"), params.get("environment")
    if params.get("status") != Deployment.State.RUNNING or params.get("emergency"):
        return None
    if not isinstance(release, Release) or environment is None or not environment.is_production:
        return None
    return _unsigned(release, Point.DEPLOYMENT)


register_guard("release.freeze", freeze_needs_sign_off)
register_guard("release.mark_approved", approval_needs_what_flags_ask_for)
register_guard("deployment.record", start_needs_sign_off)
